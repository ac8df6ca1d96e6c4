"""Mails from outside, parsed by the library with a bound on what takes it more than its time."""

from collections.abc import Iterator
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import Compat32, EmailPolicy

HEAD_CHARS = 4_000
"""The library's time grows with the square of a head's length: one of 50,000 takes it 20 s."""


class _Bounded(EmailPolicy):
    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:HEAD_CHARS]


class _BoundedPlain(Compat32):
    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:HEAD_CHARS]


def parsed(content: bytes, *, heads_alone: bool = False) -> EmailMessage:
    """The mail, with what is folded or encoded in its heads made plain."""
    mail = BytesParser(EmailMessage, policy=_Bounded()).parsebytes(content, heads_alone)
    assert isinstance(mail, EmailMessage)
    return mail


def parsed_plainly(content: bytes) -> Message:
    """The mail with its heads as they stand there."""
    return BytesParser(policy=_BoundedPlain()).parsebytes(content)


def head(mail: Message, name: str) -> str:
    """A head as text, whatever is wrong with it."""
    try:
        return str(mail.get(name, ""))
    except Exception:  # the library trips over some of what people send
        return ""


def parts_of(mail: Message) -> Iterator[Message]:
    """Its parts, without those of the mails that it carries."""
    yield mail
    inner = mail.get_payload()
    if mail.get_content_maintype() == "multipart" and isinstance(inner, list):
        for part in inner:
            if isinstance(part, Message):
                yield from parts_of(part)
