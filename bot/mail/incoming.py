"""What a mail says that came back on a letter of ours: that it did not arrive, or what somebody
writes upon it.

Whoever reads mail reads what anybody wrote: everything is bounded here, and nothing believed.
"""

import re
from collections.abc import Iterator
from email.message import EmailMessage, Message
from hashlib import sha256

import structlog

from bot.mail.bounded_mail import head, parsed, parts_of
from bot.mail.errors import one_line
from bot.mail.plain_text import own_words, text_of_html
from bot.mail.reports import failures_in, is_delivery_report, is_from_a_mail_server
from handlers.wording.formatting import clean
from models.bills.incoming import DeliveryReport, Incoming, MailReply

log = structlog.get_logger()

REPLY_CHARS = 8_000
SENDER_CHARS = 200
FILE_CHARS = 120
MOST_FILES = 10
MOST_IDS = 100
TEXT_CHARS = 100_000

_MESSAGE_ID = re.compile(r"<([^<>@\s]{1,200}@[^<>@\s]{1,200})>")
_STANDS_FOR_A_MESSAGE = frozenset({"message/rfc822", "message/global"})
_HEADS_ALONE = frozenset({"text/rfc822-headers", "message/global-headers"})


def read_mail(content: bytes) -> Incoming | None:
    """What it says, where it may be about a letter of ours; None of any other mail, of what is
    sent automatically without telling of a failure, and of what nobody could make sense of.
    """
    try:
        return _read(parsed(content), content)
    except Exception as error:  # whatever people send, it keeps no other mail from being read
        log.warning("a mail cannot be read", cause=type(error).__name__)
        return None


def _read(mail: EmailMessage, content: bytes) -> Incoming | None:
    if is_delivery_report(mail) or is_from_a_mail_server(mail):
        failures = failures_in(mail, content)
        about = tuple(_named_in_report(mail))
        return DeliveryReport(about, failures) if failures and about else None
    about = tuple(_answered(mail))
    if not about or is_automatic(mail):
        return None
    return MailReply(about, _sender(mail), _text(mail), _files(mail))


def name_of_mail(content: bytes) -> str:
    """What tells a mail from every other: its own Message-ID, or its bytes where it has none."""
    own = _MESSAGE_ID.search(head(parsed(content, heads_alone=True), "message-id"))
    return own[1] if own else sha256(content).hexdigest()


def is_automatic(mail: Message) -> bool:
    """Whether a program wrote it, such as one that says who is on holiday or that a letter was
    opened: RFC 3834, what is older than that, and reports.
    """
    submitted = head(mail, "auto-submitted").split(";")[0].strip().lower()
    precedence = head(mail, "precedence").strip().lower()
    return (
        submitted not in ("", "no")
        or precedence in ("bulk", "junk", "list", "auto_reply")
        or any(name in mail for name in _ONLY_IN_AUTOMATIC)
        or mail.get_content_type() == "multipart/report"
        or bool(_AWAY.match(head(mail, "subject")))
    )


_AWAY = re.compile(
    r"\s*(automatic reply|auto(matische)?[ -]?(reply|antwort)|automatisch antwoord|abwesenheits"
    r"|out[ -]of[ -](the[ -])?office|réponse automatique|respuesta automática|risposta automatica)",
    re.IGNORECASE,
)
"""How a subject begins where a program says who is away and nothing else in the heads does."""

_ONLY_IN_AUTOMATIC = ("x-autoreply", "x-autorespond", "x-autoresponse", "list-id")


def _answered(mail: Message) -> Iterator[str]:
    """What the mail says it answers, the likeliest first."""
    heads = (head(mail, "in-reply-to"), " ".join(reversed(head(mail, "references").split())))
    ids = dict.fromkeys(one for head in heads for one in _MESSAGE_ID.findall(head[:TEXT_CHARS]))
    yield from list(ids)[:MOST_IDS]


def _named_in_report(mail: Message) -> Iterator[str]:
    """The message that came back, and whatever else the report names."""
    found: dict[str, None] = {}
    for part in parts_of(mail):
        if part.get_content_type() in _STANDS_FOR_A_MESSAGE | _HEADS_ALONE:
            found |= dict.fromkeys(_MESSAGE_ID.findall(_own_id(part)))
    found |= dict.fromkeys(_answered(mail))
    for part in parts_of(mail):
        if part.get_content_maintype() == "text":
            found |= dict.fromkeys(_MESSAGE_ID.findall(_decoded(part)))
    found.pop(head(mail, "message-id").strip().strip("<>"), None)
    yield from list(found)[:MOST_IDS]


def _own_id(part: Message) -> str:
    if part.get_content_type() in _HEADS_ALONE:
        heads = re.search(r"(?im)^message-id:\s*(<[^>]*>)", _decoded(part))
        return heads[1] if heads else ""
    inner = part.get_payload()
    first = inner[0] if isinstance(inner, list) and inner else None
    return head(first, "message-id") if isinstance(first, Message) else ""


def _decoded(part: Message) -> str:
    """A part's text as far as it is looked at."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    try:
        return payload.decode(charset, "replace")[:TEXT_CHARS]
    except LookupError:
        return payload.decode("utf-8", "replace")[:TEXT_CHARS]


def _sender(mail: EmailMessage) -> str:
    """As in `Jane Doe <jane@acme.example>`."""
    try:
        told = str(mail["from"].addresses[0])
    except Exception:  # none, several that are wrong, or one that the library trips over
        told = head(mail, "from")
    return one_line(told)[:SENDER_CHARS] or "somebody"


def _text(mail: EmailMessage) -> str:
    """Of two forms the plain one, unless nothing stands there."""
    forms = (_plain(mail.get_body(preferencelist=(form,))) for form in ("plain", "html"))
    whole = next((text for text in forms if text.strip()), "")
    said = clean(own_words(whole)).replace("\0", "")
    return said if len(said) <= REPLY_CHARS else f"{said[:REPLY_CHARS].rstrip()}…"


def _plain(part: Message | None) -> str:
    if part is None:
        return ""
    text = _decoded(part)
    return text_of_html(text) if part.get_content_type() == "text/html" else text


def _files(mail: EmailMessage) -> tuple[str, ...]:
    """The names of what is attached, however deep in it; pictures that only a signature shows are
    left out, and so is what signs the mail itself.
    """
    names = [
        one_line(part.get_filename() or f"a part of type {part.get_content_type()}")[:FILE_CHARS]
        for part in parts_of(mail)
        if _is_file(part)
    ]
    more = len(names) - MOST_FILES
    return (*names[:MOST_FILES], *([f"and {more} more"] if more > 0 else ()))


_SIGNATURES = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)


def _is_file(part: Message) -> bool:
    kind, shown = part.get_content_maintype(), part.get_content_disposition()
    if kind == "multipart" or part.get_content_type() in _SIGNATURES:
        return False
    if kind == "text":
        return shown == "attachment" or part.get_filename() is not None
    return kind != "image" or shown != "inline"
