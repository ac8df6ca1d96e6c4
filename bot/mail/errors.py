"""What mail servers answer, and what it means for the bill that was to go out."""

import re
import socket
import ssl
from collections.abc import Iterable
from enum import Enum, auto

import aiosmtplib
from aiosmtplib import SMTPResponse, SMTPResponseException

from handlers.wording.formatting import ELLIPSIS, clean


class MailErrorKind(Enum):
    """`REFUSED`: this letter will never be taken as it is. `LATER`: not now. `SERVER`: the server
    takes no letters now, whichever. `MENDING`: nor will it before somebody mends the settings or
    the server. `UNKNOWN`: it was handed over, and nobody can tell whether it was taken.
    """

    REFUSED = auto()
    LATER = auto()
    SERVER = auto()
    MENDING = auto()
    UNKNOWN = auto()


class MailError(Exception):
    """A letter was not accepted, or nobody can tell whether it was."""

    def __init__(
        self,
        code: str,
        kind: MailErrorKind,
        *,
        retry_after_s: float | None = None,
        if_ours: MailErrorKind | None = None,
        to_do: str = "",
    ) -> None:
        """`code` is a sentence for people. `retry_after_s`: when to try again, where that is set
        already. `if_ours`: nothing in this answer tells whether it is about this letter or about us
        and all letters; what it is then. `to_do`: what mends it, where `code` does not say so.
        """
        super().__init__(code)
        self.code, self.kind, self.retry_after_s = code, kind, retry_after_s
        self.if_ours, self.to_do = if_ours, to_do

    @property
    def in_doubt(self) -> bool:
        """Whether what becomes of other letters has to tell whose matter it is."""
        return self.if_ours is not None

    @property
    def permanent(self) -> bool:
        return self.kind is MailErrorKind.REFUSED

    @property
    def needs_somebody(self) -> bool:
        return self.kind is MailErrorKind.MENDING

    @property
    def of_the_server(self) -> bool:
        """Whether every other letter would meet the same."""
        return self.kind in (MailErrorKind.SERVER, MailErrorKind.MENDING)


ABOUT_RECIPIENT = re.compile(
    r"^[45]\.(1\.(1|2|3|6|10)|2\.\d+|4\.1|7\.1[23]\d)\b|user unknown|unknown user|recipient table"
    r"|no such (user|mailbox|recipient)|gr[ae]ylist",
    re.IGNORECASE,
)
"""How servers say that it is this recipient whom they do not take, perhaps in words that are those
about us as well: "unknown in relay recipient table", or "access denied" where Microsoft knows none.
"""

ABOUT_US = re.compile(
    r"\brelay|\bhelo\b|\behlo\b|\bsender\b|authenticat|not owned|client host|access denied",
    re.IGNORECASE,
)
"""How servers say, of a recipient, that it is we who may not: Postfix and others ask all they have
against a client when it names the first recipient. Their codes are those of unknown mailboxes.
"""

_CREDENTIALS = frozenset({530, 534, 535, 538})
_TOO_LARGE = re.compile(r"^(5\.3\.4|5\.2\.3)\b|\bsize\b|too (big|large)", re.IGNORECASE)


def not_taken(code: int, text: str, told: str) -> MailError:
    """What an answer to a recipient or to the letter itself means; `told` in our words."""
    kind = MailErrorKind.REFUSED if 500 <= code < 600 else MailErrorKind.LATER
    about_us = bool(ABOUT_US.search(text)) and not ABOUT_RECIPIENT.search(text)
    in_doubt = about_us or code in _CREDENTIALS
    return MailError(told, kind, if_ours=MailErrorKind.MENDING if in_doubt else None)


def amid_a_letter(error: MailError) -> MailError:
    """The same once the server has begun to listen to a letter. That it hangs up then, says
    nothing, or has no room, may be over this one.
    """
    if error.kind is not MailErrorKind.SERVER:
        return error
    return MailError(error.code, MailErrorKind.LATER, if_ours=error.kind)


def said_to_all(text: str, recipients: Iterable[str]) -> str:
    """A server's words without those whom one letter was for, to be shown to others."""
    text = re.sub(r" \(to [^()]*\)", "", text)
    for address in recipients:
        for whom in (address, address.rpartition("@")[2]):
            text = re.sub(re.escape(whom), ELLIPSIS, text, flags=re.IGNORECASE)
    return text


def _kind_of_refusal(error: SMTPResponseException) -> MailErrorKind:
    if isinstance(error, aiosmtplib.SMTPSenderRefused):
        if error.code == 552 or (error.code >= 500 and _TOO_LARGE.search(error.message)):
            return MailErrorKind.REFUSED
        if ABOUT_US.search(error.message):
            return MailErrorKind.MENDING
    return MailErrorKind.MENDING if 500 <= error.code < 600 else MailErrorKind.SERVER


def trouble(error: Exception) -> MailError:
    """What an error of the library means, where the letter was certainly not taken."""
    if isinstance(error, SMTPResponseException):
        answered = f"The mail server answered: {told(error)}"
        if isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError):
            return not_taken(error.code, error.message, answered)
        return MailError(answered, _kind_of_refusal(error), to_do=_mends(error))
    what = one_line(str(error)) or type(error).__name__
    if isinstance(error, TimeoutError):
        code = f"The mail server did not answer in time: {what}"
        return MailError(code, MailErrorKind.SERVER, to_do=NO_SERVER)
    causes = (error, error.__cause__)
    for one in causes:
        if isinstance(one, ssl.SSLCertVerificationError):
            return MailError(mistrusted("The mail server", one), MailErrorKind.MENDING)
    unencrypted = any(isinstance(one, ssl.SSLError) for one in causes)
    if isinstance(error, OSError) and not unencrypted:
        unknown_host = any(_is_no_host(one) for one in causes)
        kind = MailErrorKind.MENDING if unknown_host else MailErrorKind.SERVER
        return MailError(f"The mail server could not be reached: {what}", kind, to_do=NO_SERVER)
    code = f"The mail server cannot be used the way it is set: {what}"
    return MailError(code, MailErrorKind.MENDING, to_do=WAY_IN)


NO_SERVER = "See whether the mail server runs, and whether SMTP_URL names its host and its port."
WAY_IN = (
    "See which port and which encryption the mail server offers, and whether it wants a password, "
    "and write SMTP_URL so."
)
LOGIN = "Write the user and the password in SMTP_URL that the mail server knows."
GREETING = "Set SMTP_HELO_NAME to this machine’s name with its domain."
NOT_NOW = "It is tried again and again; nothing is lost."
NOT_LET_IN = "Ask whoever runs the mail server to let this machine in."


def _mends(error: SMTPResponseException) -> str:
    """What mends that a server does not let us in; of a greeting that is refused its name."""
    if 400 <= error.code < 500:
        return NOT_NOW
    if isinstance(error, aiosmtplib.SMTPAuthenticationError) or error.code in _CREDENTIALS:
        return LOGIN
    return GREETING if isinstance(error, aiosmtplib.SMTPHeloError) else NOT_LET_IN


_OTHER_NAME = (62, 64)
"""OpenSSL's codes for a certificate in the name of another host, or another address."""


def mistrusted(whose: str, error: ssl.SSLCertVerificationError) -> str:
    """Why a server's certificate is not trusted, and what to do."""
    why = one_line(error.verify_message or str(error)).rstrip(".")
    to_do = (
        "Name the server as its certificate does"
        if error.verify_code in _OTHER_NAME
        else "If it is the company’s own, set SMTP_CA_FILE to the certificate that it is trusted by"
    )
    return f"{whose}’s certificate is not trusted: {why}. {to_do}."


def _is_no_host(error: BaseException | None) -> bool:
    """Whether the server's name means nothing, rather than that nobody could be asked."""
    return isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN


def told(answer: SMTPResponse | SMTPResponseException) -> str:
    """An answer as the server gave it, and to whom it was given."""
    about = (
        f" (to {answer.recipient})" if isinstance(answer, aiosmtplib.SMTPRecipientRefused) else ""
    )
    return f"{answer.code} {answer.message}{about}"


def one_line(text: str) -> str:
    """`text` without what could end a line, or hide in one."""
    return re.sub(r"\s+", " ", clean(text)).strip()
