"""Reports of mail servers that a letter did not arrive."""

import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesHeaderParser

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
        to = fields.get("original-recipient") or fields.get("final-recipient")
        why = fields.get("diagnostic-code") or fields.get("status") or "no reason given"
        yield Failure(_after_type(to)[:ADDRESS_CHARS] or None, _after_type(why)[:WORDS_CHARS])


def _after_type(field: object) -> str:
    """`jane@acme.example` of `rfc822; jane@acme.example`."""
    kind, parted, value = one_line(str(field or "")).partition(";")
    return (value if parted else kind).strip().strip("<>")


def _recipients(mail: Message) -> Iterator[Message]:
    """The fields of each recipient in a report, which stand in blocks with a blank line between."""
    for part in parts_of(mail):
        if part.get_content_type() not in _STATUS_PARTS:
            continue
        _, _, told = part.as_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
        for block in re.split(rb"\n{2,}", told[:REPORT_BYTES].strip()):
            fields = BytesHeaderParser().parsebytes(block)
            if "final-recipient" in fields or "original-recipient" in fields:
                yield fields


def _words(mail: Message) -> str:
    """The lines that say why, or how the report begins where none does."""
    text = next((part for part in parts_of(mail) if part.get_content_type() == "text/plain"), None)
    payload = text.get_payload(decode=True) if text is not None else None
    told = payload[:REPORT_BYTES].decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    lines = [one_line(line) for line in told.splitlines() if line.strip()]
    why = [line for line in lines if _SAYS_WHY.search(line)] or lines
    return " ".join(why[:3])[:WORDS_CHARS] or "no reason given"
