"""Reports of mail servers that a letter did not arrive."""

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from email.message import Message
from email.parser import BytesHeaderParser
from quopri import decodestring

from flufl.bounce import all_failures

from bot.mail.bounded_mail import head, parsed_plainly, parts_of
from bot.mail.errors import one_line
from models.bills.incoming import Failure

WORDS_CHARS = 500
ADDRESS_CHARS = 254
MOST_FAILURES = 5
REPORT_BYTES = 64_000
"""The head of a report is looked at alone: what is behind it is the letter that came back."""

_STATUS_PARTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_SERVER = re.compile(r"mailer-?daemon|postmaster|mail delivery (sub)?system|mdaemon", re.IGNORECASE)
_SAYS_WHY = re.compile(r"\b[45]\d\d[ -]|\b[45]\.\d{1,3}\.\d{1,3}\b")


def is_delivery_report(mail: Message) -> bool:
    """Whether it is one by RFC 3464."""
    return any(part.get_content_type() in _STATUS_PARTS for part in parts_of(mail))


def is_from_a_mail_server(mail: Message) -> bool:
    """Whether a mail server says that it wrote it, as those do that know no RFC 3464."""
    return (
        "x-failed-recipients" in mail
        or head(mail, "return-path").strip() == "<>"
        or bool(_SERVER.search(head(mail, "from")))
    )


def failures_in(mail: Message, content: bytes) -> tuple[Failure, ...]:
    """Whom the letter did not reach for good; none where it is only late, or has arrived."""
    if is_delivery_report(mail):
        return tuple(_failed_by_status(mail))[:MOST_FAILURES]
    _, failed = all_failures(parsed_plainly(content[:REPORT_BYTES]))
    words = _words(mail)
    addresses = sorted(one.decode("ascii", "replace")[:ADDRESS_CHARS] for one in failed)
    return tuple(Failure(address, words) for address in addresses[:MOST_FAILURES])


def _failed_by_status(mail: Message) -> Iterator[Failure]:
    """One for each recipient whom the report gives up; some servers write `error` for `failed`."""
    for fields in _recipients(mail):
        action = str(fields.get("action", "")).strip().lower()
        if not action.startswith(("fail", "error")):
            continue
        to = _first_told(fields, "original-recipient", "final-recipient")
        why = _first_told(fields, "diagnostic-code", "status") or "no reason given"
        yield Failure(to[:ADDRESS_CHARS] or None, why[:WORDS_CHARS])


def _first_told(fields: Message, *names: str) -> str:
    return next(filter(None, (_after_type(fields.get(name)) for name in names)), "")


_TYPED = re.compile(r"[\w.-]+ ?;(.*)")


def _after_type(field: object) -> str:
    """`jane@acme.example` of `rfc822; jane@acme.example`; some servers leave out the type."""
    told = one_line(str(field or ""))
    typed = _TYPED.fullmatch(told)
    return (typed[1] if typed else told).strip().strip("<>")


def _recipients(mail: Message) -> Iterator[Message]:
    """The fields of each recipient in a report, which stand in blocks with a blank line between."""
    for part in parts_of(mail):
        if part.get_content_type() not in _STATUS_PARTS:
            continue
        for block in re.split(rb"\n{2,}", _status_of(part)[:REPORT_BYTES].strip()):
            fields = BytesHeaderParser().parsebytes(block)
            if "final-recipient" in fields or "original-recipient" in fields:
                yield fields


_DECODED_BY: dict[str, Callable[[bytes], bytes]] = {
    "base64": b64decode,
    "quoted-printable": decodestring,
}


def _status_of(part: Message) -> bytes:
    """Decoded, which the library leaves to whoever reads this kind of part."""
    encoding = head(part, "content-transfer-encoding").strip().lower()
    _, _, told = part.as_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
    decode = _DECODED_BY.get(encoding)
    return decode(told).replace(b"\r\n", b"\n") if decode else told


def _words(mail: Message) -> str:
    """The lines that say why, or how the report begins where none does."""
    text = next((part for part in parts_of(mail) if part.get_content_type() == "text/plain"), None)
    payload = text.get_payload(decode=True) if text is not None else None
    told = payload[:REPORT_BYTES].decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    lines = [one_line(line) for line in told.splitlines() if line.strip()]
    why = [line for line in lines if _SAYS_WHY.search(line)] or lines
    return " ".join(why[:3])[:WORDS_CHARS] or "no reason given"
