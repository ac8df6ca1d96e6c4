"""Mail: a letter with its document becomes a message, and the mail server says yes or why not."""

import asyncio
import email.policy
import re
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

import aiosmtplib
from aiosmtplib import (
    SMTP,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPResponse,
    SMTPResponseException,
)

from bot.mail.smtp_url import MailServer
from handlers.wording.formatting import clean
from models.mailboxes import mailboxes

CONNECTIONS = 5
"""At once: servers turn away those who open many."""

COMMAND_S = 30.0
ACCEPTING_S = 120.0
EMAIL_S = 240.0
ANSWER_CHARS = 500
LEAVING_S = 5.0
BILLING, COPY = "billing address", "address of a copy"

# Whatever is written, it arrives as it was: nothing on the way has to take eight bits.
POLICY = email.policy.SMTP.clone(cte_type="7bit")
_CREDENTIALS = frozenset({530, 534, 535, 538})


class MailError(Exception):
    """A letter was not accepted, or nobody can tell whether it was."""

    def __init__(self, code: str, *, permanent: bool = False, needs_somebody: bool = False) -> None:
        """`code` is a sentence for people.

        `permanent`: this letter will never be accepted as it is. `needs_somebody`: it ends when
        somebody mends the settings or the server.
        """
        super().__init__(code)
        self.code, self.permanent, self.needs_somebody = code, permanent, needs_somebody


@dataclass(frozen=True)
class Email:
    """What is mailed. `to` and `cc` are addresses with commas between them.

    `name` names the document, and the message: mailed again it is the same message.
    """

    name: str
    to: str
    cc: str
    subject: str
    text: str
    document: str
    date: datetime


class BillingAddressRefused(SMTPResponseException):
    """The server takes nothing for an address that the bill goes to."""

    def __init__(self, refused: SMTPRecipientRefused) -> None:
        super().__init__(refused.code, f"{refused.message} (to {refused.recipient})")


_ABOUT_THE_EMAIL = (
    aiosmtplib.SMTPSenderRefused,
    BillingAddressRefused,
    aiosmtplib.SMTPDataError,
)


class BillSMTP(SMTP):
    """Hands a message over to every address of the bill, or to nobody at all. The library goes
    on as long as anybody is left.
    """

    def __init__(self, required: set[str], **options: Any) -> None:
        super().__init__(**options)
        self._required = required

    async def rcpt(self, recipient: str, /, **options: Any) -> SMTPResponse:
        try:
            return await super().rcpt(recipient, **options)
        except SMTPRecipientRefused as refused:
            if recipient in self._required:
                raise BillingAddressRefused(refused) from refused
            raise


class Mailer:
    """Hands letters to one mail server. Raises MailTrouble alone."""

    def __init__(self, server: MailServer, sender: str) -> None:
        """`sender` is one address, with a name or without."""
        self._server = server
        (self._sender,) = mailboxes(sender)
        self._slots = asyncio.Semaphore(CONNECTIONS)

    async def send(self, letter: Email) -> str:
        """Returns the server's answer, one line, once it has taken the letter on.

        The billing address decides: where it is refused nothing is sent. A copy that is refused
        does not hold up the letter; the answer names it.
        """
        to, copies = _addresses(letter.to, BILLING), _addresses(letter.cc, COPY)
        message = self._message(letter, to, copies)
        try:
            async with self._slots, asyncio.timeout(EMAIL_S):
                answer = await self._hand_in(message, to, copies)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._trouble(error) from None
        return self._plain(answer)

    def _message(
        self, letter: Email, to: Sequence[Address], copies: Sequence[Address]
    ) -> EmailMessage:
        message = EmailMessage(policy=POLICY)
        message["From"] = self._sender
        message["To"] = to
        if copies:
            message["Cc"] = copies
        message["Subject"] = _one_line(letter.subject)
        message["Date"] = format_datetime(letter.date)
        message["Message-ID"] = f"<{letter.name}@{self._sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        # As bytes, or its line ends would be the mail's and no longer those that were stored.
        message.add_attachment(
            letter.document.encode(),
            maintype="text",
            subtype="plain",
            filename=f"{letter.name}.txt",
            params={"charset": "utf-8"},
        )
        return message

    async def greet(self) -> None:
        """Go as far as the server lets in whoever has a letter, and hand it none."""
        client = self._client(set())
        try:
            await client.connect()
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=LEAVING_S)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._trouble(error) from None
        finally:
            client.close()

    def _client(self, required: set[str]) -> BillSMTP:
        server = self._server
        return BillSMTP(
            required,
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls,
            start_tls=None if server.tls else server.start_tls,
            timeout=COMMAND_S,
        )

    async def _hand_in(
        self, message: EmailMessage, to: Sequence[Address], copies: Sequence[Address]
    ) -> str:
        client = self._client({address.addr_spec for address in to})
        try:
            await client.connect()
            refused, accepted = await self._hand_over(client, message, [*to, *copies])
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=LEAVING_S)
        finally:
            client.close()
        told = [f"{one} ({said.code} {said.message})" for one, said in refused.items()]
        copyless = f"; no copy to {', '.join(told)}" if told else ""
        return f"250 {accepted}{copyless}"

    async def _hand_over(
        self, client: SMTP, message: EmailMessage, addresses: Sequence[Address]
    ) -> tuple[dict[str, SMTPResponse], str]:
        """Returns whose copy was refused, and the server's answer to the message."""
        recipients = [address.addr_spec for address in addresses]
        try:
            return await client.send_message(
                message,
                sender=self._sender.addr_spec,
                recipients=recipients,
                timeout=ACCEPTING_S,
            )
        except SMTPNotSupported:
            beyond = next((one for one in recipients if not one.isascii()), None)
            if beyond is None:
                raise
            raise MailError(f"The mail server cannot write to {beyond}.", permanent=True) from None

    def _plain(self, text: str) -> str:
        """On one line, bounded, and without the password, whoever repeated it."""
        if self._server.password:
            text = text.replace(self._server.password, "[hidden]")
        return _one_line(text)[:ANSWER_CHARS]

    def _trouble(self, error: Exception) -> MailError:
        """What an error means for the letter."""
        if isinstance(error, SMTPResponseException):
            return self._refused(error)
        what = self._plain(str(error)) or type(error).__name__
        if isinstance(error, TimeoutError):
            return MailError(f"The mail server did not answer in time: {what}")
        mistrusted = isinstance(error.__cause__ or error, ssl.SSLError)
        if isinstance(error, OSError) and not mistrusted:
            return MailError(f"The mail server could not be reached: {what}")
        return MailError(
            f"The mail server cannot be used the way it is set: {what}", needs_somebody=True
        )

    def _refused(self, error: SMTPResponseException) -> MailError:
        """For good or for now; and by what has to do with who asks and how, or with this letter."""
        about_us = not isinstance(error, _ABOUT_THE_EMAIL) or error.code in _CREDENTIALS
        for_good = 500 <= error.code < 600
        return MailError(
            f"The mail server answered: {self._plain(f'{error.code} {error.message}')}",
            permanent=for_good and not about_us,
            needs_somebody=for_good and about_us,
        )


def _addresses(text: str, what: str) -> list[Address]:
    """Those in `text`; one that is no address is trouble for good."""
    try:
        return mailboxes(text) if text.strip() or what == BILLING else []
    except ValueError:
        shown = _one_line(text)[:ANSWER_CHARS] or "nothing"
        raise MailError(f"The {what} is no e-mail address: {shown}.", permanent=True) from None


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", clean(text)).strip()
