"""One conversation with a mail server, at the pace that SMTP asks for."""

import ipaddress
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import aiosmtplib
from aiosmtplib import SMTP, SMTPResponse
from aiosmtplib.typing import Default

from bot.mail.errors import MailError, MailErrorKind, told
from bot.mail.smtp_url import DOMAIN_NAME, MailServer
from models.bills.deliveries import Missing


class Patience(NamedTuple):
    """How long the server's answers are waited for, in seconds; RFC 5321, 4.5.3.2."""

    command: float = 300.0
    ready: float = 120.0
    accepted: float = 600.0


class RecipientsLost(Exception):
    """The server ended the conversation over these addresses; to others it may still listen."""

    def __init__(self, missing: Sequence[Missing]) -> None:
        super().__init__(", ".join(one.address for one in missing))
        self.missing = missing


LOST = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError)


class Session(SMTP):
    """A client that names itself as servers want it, and knows when a letter may have arrived."""

    def __init__(
        self, server: MailServer, patience: Patience, greet_as: str | None, ca_file: str | None
    ) -> None:
        super().__init__(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls,
            start_tls=None if server.tls else server.start_tls,
            cert_bundle=ca_file,
            timeout=patience.command,
        )
        self._patience = patience
        self._greet_as = greet_as
        self._needs_ehlo = bool(server.user) or server.start_tls is True
        self._refusal: aiosmtplib.SMTPHeloError | None = None

    async def _get_default_local_hostname(self) -> str:
        """A name with a domain, where this machine has one; others are refused by many servers."""
        name = self._greet_as or await super()._get_default_local_hostname()
        return name if DOMAIN_NAME.fullmatch(name) else _OWN_ADDRESS

    async def ehlo(self, *, hostname: str | None = None, **options: Any) -> SMTPResponse:
        if self.local_hostname == _OWN_ADDRESS:
            self.local_hostname = address_literal(self.get_transport_info("sockname")[0])
        try:
            return await super().ehlo(hostname=hostname, **options)
        except aiosmtplib.SMTPHeloError as refused:
            self._refusal = refused
            raise

    async def helo(self, **options: Any) -> SMTPResponse:
        """Nobody logs in or encrypts by it: where that is asked for, EHLO's answer counts."""
        if self._refusal is not None and self._needs_ehlo:
            raise self._refusal
        return await super().helo(**options)

    async def connect(self, **options: Any) -> SMTPResponse:
        """As far as that it is known what the server can do, which it tells anew once encrypted."""
        response = await super().connect(**options)
        if self.is_ehlo_or_helo_needed:
            await self._ehlo_or_helo_if_needed()
        return response

    async def login(
        self,
        username: str | bytes,
        password: str | bytes,
        /,
        timeout: Any = Default.token,  # noqa: ASYNC109 - the library's own signature
    ) -> SMTPResponse:
        """A password that is refused is tried in no other mechanism: that would count as one more
        try where accounts get locked. The library tries them all.
        """
        await self._ehlo_or_helo_if_needed()
        methods = self.supported_auth_methods
        if self.get_transport_info("sslcontext") is not None:
            methods.sort(key=lambda method: method != "plain")
        for method in methods[:-1]:
            log_in = getattr(self, f"auth_{method.replace('-', '')}")
            try:
                return cast(SMTPResponse, await log_in(username, password, timeout=timeout))
            except aiosmtplib.SMTPAuthenticationError as refused:
                if refused.code not in _OTHER_MECHANISM:
                    raise
        self.server_auth_methods = methods[-1:]
        return await super().login(username, password, timeout=timeout)

    def can_write_to(self, address: str) -> bool:
        return address.isascii() or self.supports_extension("smtputf8")

    async def offer(self, sender: str, recipients: list[str], size: int) -> list[Missing]:
        """Name sender and recipients; returns those that were refused."""
        beyond = any(not one.isascii() for one in recipients)
        options = ["SMTPUTF8"] if beyond else []
        if self.supports_extension("size"):
            options.append(f"SIZE={size}")
        encoding = "utf-8" if beyond else "ascii"
        await self.mail(sender, options=options, encoding=encoding)
        refused: list[Missing] = []
        for one in recipients:
            missing = await self._ask_for(one, encoding, refused)
            refused += [missing] if missing else []
        return refused

    async def _ask_for(
        self, recipient: str, encoding: str, refused: Sequence[Missing]
    ) -> Missing | None:
        try:
            await self.rcpt(recipient, encoding=encoding)
        except aiosmtplib.SMTPRecipientRefused as answer:
            later = 400 <= answer.code < 500
            missing = Missing(recipient, f"{answer.code} {answer.message}", later)
            if answer.code == aiosmtplib.SMTPStatus.domain_unavailable:
                raise RecipientsLost([*refused, missing]) from answer
            return missing
        except LOST as lost:
            # Some servers refuse one and hang up only then.
            blamed = refused or [Missing(recipient, _words(lost), later=True)]
            raise RecipientsLost(blamed) from lost
        return None

    async def begin(self, refused: Sequence[Missing]) -> None:
        """Ask to hand the letter over to everybody who was not refused."""
        try:
            ready = await self.execute_command(b"DATA", timeout=self._patience.ready)
        except LOST as lost:
            if refused:
                raise RecipientsLost(refused) from lost
            raise
        if ready.code != aiosmtplib.SMTPStatus.start_input:
            raise aiosmtplib.SMTPDataError(ready.code, ready.message)

    async def hand_over(self, content: bytes) -> str:
        """Returns the server's answer to the letter. Raises MailError of the kind UNKNOWN where it
        is not heard.
        """
        if self.protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        try:
            self.protocol.write(_stuffed(content))
            answer = await self.protocol.read_response(timeout=self._patience.accepted)
        except (*LOST, aiosmtplib.SMTPResponseException) as error:
            raise _unknown(_words(error)) from error
        if 400 <= answer.code < 600:
            raise aiosmtplib.SMTPDataError(answer.code, answer.message)
        if answer.code != aiosmtplib.SMTPStatus.completed:
            raise _unknown(told(answer))
        return told(answer)


_OTHER_MECHANISM = (501, 504, 534)
"""A mechanism, not the password, was refused: malformed, unknown, or too weak."""

_OWN_ADDRESS = "[]"
"""Stands for the address of this end of the connection, until there is one."""


def address_literal(address: str) -> str:
    """As in `[192.0.2.1]` or `[IPv6:2001:db8::1]`."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return f"[IPv6:{found}]" if found.version == 6 else f"[{found}]"


def _stuffed(content: bytes) -> bytes:
    """As it travels: no line of its own can end it."""
    whole = content if content.endswith(b"\r\n") else content + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", whole) + b".\r\n"


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _unknown(what: str) -> MailError:
    return MailError(
        f"The mail server was given it and was not heard to take it: {what}",
        MailErrorKind.UNKNOWN,
    )
