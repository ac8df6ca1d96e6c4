"""What people type, read as they meant it."""

import html
import re
from collections.abc import Iterator, Mapping
from datetime import date

from handlers.wording.formatting import clean
from models.errors import Invalid
from models.period import ANY_MONTH, MONTH_NAME, Period, split_month
from models.queries.references import DOCUMENT, bill_id_of
from models.text import plain_form

_TOKEN = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
_WORDS = {"@": "@", "#": "#", "!": "@", "": ""}


def typed_text(text: str, names: Mapping[str, str] | None = None) -> str:
    """Slack's markup as the words that were typed: mentions by name, links by their address.

    `names` are people's names by Slack id, for mentions that come without one.
    """

    def words(token: re.Match[str]) -> str:
        kind, target, label = token.groups()
        if kind:
            return _WORDS[kind] + (label or (names or {}).get(target, target))
        address = target.removeprefix("mailto:")
        return address if not label or label in address else f"{label} ({address})"

    return clean(html.unescape(_TOKEN.sub(words, text)))


def mentioned(text: str) -> set[str]:
    """The Slack ids of people whom a text mentions without their names."""
    return {target for kind, target, label in _TOKEN.findall(text) if kind == "@" and not label}


def first_mention(text: str) -> str | None:
    """The Slack id of whoever a text mentions first, as Slack escapes it."""
    return next((target for kind, target, _ in _TOKEN.findall(text) if kind == "@"), None)


def first_word(text: str) -> tuple[str, str]:
    """The first word and the rest, which keeps its inner spaces."""
    word, rest = [*text.split(maxsplit=1), "", ""][:2]
    return word, rest.strip()


def last_word(text: str) -> tuple[str, str]:
    """What stands before the last word, and that word."""
    before, word = ["", "", *text.rsplit(maxsplit=1)][-2:]
    return before.strip(), word


month_and_rest = split_month

HELP = frozenset({"", "help", "?", "-h", "--help", "-help", "hilfe", "aide"})
"""What people type where they look for help."""

_GLUED = re.compile(r"([A-Za-z]+)[:,]?\s*(?=[#\"“„«])|([A-Za-z]+)[.!?:,]+(?=\s|$)")


def subcommand_and_rest(text: str) -> tuple[str, str]:
    """The first word in small letters, and what stands behind it, as in `undo#1` or `Help!`."""
    glued = _GLUED.match(text)
    if glued is None:
        word, rest = first_word(text)
        return word.lower(), rest
    return (glued[1] or glued[2]).lower(), text[glued.end() :].strip()


def names_a_bill(text: str) -> bool:
    """Whether a text is the number of a bill or of its document, and nothing else."""
    return bill_id_of(text) is not None or DOCUMENT.fullmatch(text.strip()) is not None


_REF = re.compile(
    rf"""(?:[\s,;&+]|\band\s+(?=[\#\d]))*(?:
    (?P<sure>\#\d+|(?:CN-)?\d{{4}}-\d{{4,12}})(?=[\s,;&+.]|$)  # #12, 2026-000123
    |(?P<bare>\d+)(?=(?:\s+\#?\d+)*\s*(?:,|$))            # 12, where only numbers follow
    |(?P<quoted>["“„«][^"”“»]+["”“»](?:\s+(?:{ANY_MONTH}|{MONTH_NAME}))?)(?=[\s,;]|$)
    |(?P<named>[^\s,].*?\s+(?:{ANY_MONTH}(?=[\s,;]|$)  # Acme Corp 2026-10
        |{MONTH_NAME}(?=\s*[,;&+]|\s+and\s|\s*$)))  # Acme Corp October, where another follows
    |(?P<rest>[^\s,].*)
    )(?:\s+and\s+)?""",
    re.VERBOSE | re.ASCII,
)


def refs(text: str) -> list[str]:
    """Several bills, between spaces or commas: each as `#12`, `12`, a document's number, or
    `customer YYYY-MM`, the name in quotation marks or not.
    """
    plain = plain_form(text).replace("№", "#").rstrip(".;,")
    return [found[found.lastgroup or 0].strip() for found in _REF.finditer(plain)]


_ENDS = r"(?=[\s,;:.!?–—]|$)"
_BY_NUMBER = re.compile(
    rf"(?:bill\s+)?(?:#?\d{{1,18}}|(?:CN-)?\d{{4}}-\d{{4,12}}){_ENDS}", re.ASCII | re.IGNORECASE
)
_MONTH = re.compile(
    rf"(?<!\w)(?:{ANY_MONTH}|(?i:last|this|previous|current)\s+month|{MONTH_NAME}){_ENDS}"
)
_REMARK = re.compile(r"[,;:–—(]|\s-+\s|\s(?:because|since|as|to|with|that)\s", re.IGNORECASE)
_AND = re.compile(r"^[\s,;&+]*(?:and\s+)?", re.IGNORECASE)


def before_remark(text: str) -> Iterator[str]:
    """What may name a bill at the beginning of a text that goes on, likeliest first: a number, a
    name with its month, what stands before a mark or a word that leads on. What is followed by
    another bill is none: neither may be left out unseen.
    """
    plain = plain_form(text).replace("№", "#")
    numbered = _BY_NUMBER.match(plain)
    ends = [numbered.end()] if numbered else []
    ends += [month.end() for month in _MONTH.finditer(plain)]
    if remark := _REMARK.search(plain):
        ends.append(remark.start())
    for end in ends:
        before, behind = plain[:end].strip(), _AND.sub("", plain[end:])
        if before and behind and not (_BY_NUMBER.match(behind) or split_month(behind)[0]):
            yield before


def month_within(text: str, today: date) -> Period | None:
    """The first month that a sentence speaks of."""
    for found in _MONTH.finditer(text):
        try:
            return Period.parse(found[0], today)
        except Invalid:
            continue
    return None
