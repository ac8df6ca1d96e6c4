"""E-mail addresses, one or several, as they are written in a head of a mail."""

import re
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import getaddresses

from models.errors import Unreadable
from models.text import refuse_placeholder

_ATOM, _LABEL = "[A-Za-z0-9_%+-]+", "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_USUAL = re.compile(
    r"(?=.{1,254}$)(?=[^@]{1,64}@)(?!.*[@.](?i:xn--))"
    rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z]{{2,63}}"
)
"""A single address of the usual kind, which takes no parser to know for one."""


LOCAL_BYTES, ADDRESS_BYTES = 64, 254
"""RFC 5321, 4.5.3.1."""


def read_mailboxes(typed: str) -> str:
    """What was typed, if it is one or more addresses that mail can reach; raises Unreadable."""
    if _USUAL.fullmatch(typed):
        return typed
    refuse_placeholder(typed)
    if "mailto:" in typed.lower():
        raise Unreadable(typed, "is a link; write the address without “mailto:”")
    try:
        found = mailboxes(typed)
    except ValueError:
        raise Unreadable(typed, "is not an e-mail address, as in billing@acme.example") from None
    for mailbox in found:
        if "." not in mailbox.domain or mailbox.domain.startswith("["):
            raise Unreadable(typed, f"is not an e-mail address: “{mailbox.domain}” is no domain")
    return typed


def mailboxes(text: str) -> list[Address]:
    """The addresses in a text such as `Ana Ruiz <ana@example.com>, kim@example.com`.

    Refuses, as a ValueError, one that is no address, or holds what could end a line.
    """
    if any(ord(char) < 0x20 for char in text.strip()):
        raise ValueError("an address is one line")
    found = [_mailbox(name, spec) for name, spec in getaddresses([text.replace(";", ",")])]
    if not found:
        raise ValueError("no address")
    return found


def _mailbox(name: str, spec: str) -> Address:
    local, _, domain = spec.rpartition("@")
    if not local or not domain or any(char.isspace() or char in "<>" for char in spec):
        raise ValueError("not an e-mail address")
    try:
        address = Address(name, local, _host(domain))
        if len(local.encode()) > LOCAL_BYTES or len(address.addr_spec.encode()) > ADDRESS_BYTES:
            raise ValueError("longer than SMTP has it")
        if local.isascii():
            Address(addr_spec=address.addr_spec)  # which reads it, and finds fault with it
    except (HeaderParseError, IndexError, UnicodeError) as error:
        raise ValueError("not an e-mail address") from error
    return address


_HOST = re.compile(rf"(?:{_LABEL}\.)*(?!\d+$){_LABEL}")


def _host(domain: str) -> str:
    """As it is asked for in the DNS; raises ValueError of a name that nobody can have there."""
    host = domain.encode("idna").decode()
    if host.startswith("["):
        return host
    if not _HOST.fullmatch(host):
        raise ValueError("no name of a host")
    host.lower().encode().decode("idna")  # which is wrong of some that begin with xn--
    return host
