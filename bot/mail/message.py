"""A letter with its document as a message, written so that every reader of mail reads the same."""

import email.policy
from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.utils import format_datetime, quote
from mimetypes import guess_extension
from typing import Any

from bot.mail.errors import one_line

LINE_CHARS = 60
_WRITTEN_HERE = frozenset({"from", "to", "cc", "subject"})


@dataclass(frozen=True)
class Email:
    """What is mailed. `to` and `cc` are addresses with commas between them.

    `mail_id` makes the message's id, and `name` names the document. The same letter is the same
    message, byte for byte, however often it is written. `html` says what `text` says. `sender` is
    one address, with a name or without; None: whoever mails it.
    """

    mail_id: str
    name: str
    to: str
    cc: str
    subject: str
    text: str
    html: str
    document: bytes
    media_type: str
    date: datetime
    sender: str | None = None


class _Heads(HeaderRegistry):
    """Makes the class of each head once; the library makes one for every head that it reads."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, type[Any]] = {}

    def __getitem__(self, name: str) -> type[Any]:
        if name not in self._made:
            self._made[name] = super().__getitem__(name)
        return self._made[name]


class _Policy(email.policy.EmailPolicy):
    """Writes names and subjects itself: the library's own folding of a long name loses its
    quotation marks, which makes one address several, and blanks between encoded words.
    """

    def fold(self, name: str, value: Any) -> str:
        if name.lower() not in _WRITTEN_HERE:
            return str(super().fold(name, value))
        addresses = getattr(value, "addresses", None)
        if addresses is None:
            written = _encoded(str(value), name)
        else:
            written = ",\r\n ".join(_mailbox(one) for one in addresses)
        return f"{name}: {written}\r\n"

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() not in _WRITTEN_HERE:
            return super().fold_binary(name, value)
        return self.fold(name, value).encode()


# Whatever is written, it arrives as it was: nothing on the way has to take eight bits.
POLICY = _Policy(linesep="\r\n", cte_type="7bit", header_factory=_Heads())


def _encoded(text: str, header: str) -> str:
    """As it is where it fits on a line, else in encoded words."""
    if text.isascii() and len(text) <= LINE_CHARS and "=?" not in text:
        return text
    return Header(text, "utf-8", header_name=header).encode(linesep="\r\n")


def _mailbox(address: Address) -> str:
    spec, name = address.addr_spec, address.display_name
    if not name:
        return spec
    written = _encoded(name, "Sender")
    return f'"{quote(name)}" <{spec}>' if written == name else f"{written}\r\n <{spec}>"


def compose(
    letter: Email, sender: Address, to: Sequence[Address], copies: Sequence[Address]
) -> bytes:
    """The message as it is handed over. Of addresses beyond ASCII it takes a server with SMTPUTF8
    to read the heads.
    """
    message = EmailMessage(policy=POLICY)
    message["From"] = sender
    message["To"] = to
    if copies:
        message["Cc"] = copies
    message["Subject"] = one_line(letter.subject)
    message["Date"] = format_datetime(letter.date)
    message["Message-ID"] = f"<{letter.mail_id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    message.set_boundary(f"=_{letter.mail_id}_words")
    # As bytes, or the line ends of a text would be the mail's and no longer those stored.
    media, *parameters = letter.media_type.split("; ")
    maintype, _, subtype = media.partition("/")
    message.add_attachment(
        b"",
        maintype=maintype,
        subtype=subtype,
        filename=f"{letter.name}{guess_extension(media)}",
        params=dict(one.split("=") for one in parameters),
    )
    # Left to the library they are drawn by lot. No encoding that is used here writes `=_`.
    message.set_boundary(f"=_{letter.mail_id}")
    # The library writes a document line by line, twice.
    place = f"=_{letter.mail_id}_document"
    (document,) = message.iter_attachments()
    document.set_payload(place)
    return message.as_bytes().replace(place.encode(), _base64_lines(letter.document), 1)


def _base64_lines(content: bytes) -> bytes:
    return encodebytes(content).replace(b"\n", b"\r\n")
