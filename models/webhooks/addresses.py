"""Where webhooks may go: to public addresses over https, and to hosts that the settings name.

A name is only as good as what it leads to, so that is asked again whenever a connection is made.
"""

import ipaddress
from collections.abc import Collection, Iterable
from urllib.parse import SplitResult, urlsplit

from models.errors import Invalid
from models.text import plain_form

LONGEST = 2_000
FIELD = "address"

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NotPublic(Invalid):
    """That address leads into a network that is not public, where webhooks do not go."""


def read_address(typed: str, allowed_hosts: Collection[str]) -> str:
    """Where to send to; `allowed_hosts` may be private, and do without https.

    Refuses what is no such address, what carries a password, and what is not public by its looks.
    """
    address = plain_form(typed) if typed.isascii() else typed.strip()
    parts = _parts(address)
    host = parts.hostname or ""
    if parts.username is not None or parts.password is not None:
        raise Invalid("Leave user and password out of the address.", FIELD)
    if parts.fragment:
        raise Invalid("Leave out of the address what stands behind #.", FIELD)
    if host in allowed_hosts:
        return address
    if parts.scheme != "https":
        raise Invalid("Webhooks go to addresses that begin with https://.", FIELD)
    literal = literal_address(host)
    if literal is not None:
        refuse_private(host, [literal], allowed_hosts)
    elif "." not in host.rstrip(".") or host.rstrip(".").endswith((".localhost", ".local")):
        raise NotPublic(field=FIELD)
    return address


def _parts(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        fits = parts.port != 0 and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        fits = False
    if not fits or len(address) > LONGEST or any(sign <= " " or sign == "\\" for sign in address):
        raise Invalid("Write the address as in https://example.com/webhooks.", FIELD)
    return parts


def literal_address(host: str) -> Ip | None:
    """The address that a host is itself; None where it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def refuse_private(host: str, found: Iterable[Ip], allowed_hosts: Collection[str]) -> None:
    """Refuse a host of which any address is not public, unless it is one of those allowed."""
    if host.lower() not in allowed_hosts and not all(map(is_public, found)):
        raise NotPublic(field=FIELD)


def is_public(address: Ip) -> bool:
    """Whether it means the same everywhere; what an IPv6 address wraps counts as well."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    inner = address.ipv4_mapped or address.sixtofour
    if address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        return is_public(inner)
    return address in _UNICAST and address.is_global
