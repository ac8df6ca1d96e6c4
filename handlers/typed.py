"""What people type, read as they meant it."""

import html
import re
from collections.abc import Mapping

from handlers.views.words import clean
from models.bills import Verb

_TOKEN = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
_WORDS = {"@": "@", "#": "#", "!": "@", "": ""}


def plain(text: str, names: Mapping[str, str] | None = None) -> str:
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


def first_word(text: str) -> tuple[str, str]:
    """The first word and the rest, which keeps its inner spaces."""
    word, rest = [*text.split(maxsplit=1), "", ""][:2]
    return word, rest.strip()


_MONTH = r"\d{4}[-/.]\d\S*"
_MONTH_FIRST = re.compile(rf"(?P<month>{_MONTH})(?:\s+(?P<rest>.+))?", re.DOTALL)
_MONTH_LAST = re.compile(rf"(?:(?P<rest>.+?)\s+)?(?P<month>{_MONTH})", re.DOTALL)


def month_and_rest(text: str) -> tuple[str | None, str]:
    """What looks like a month, at either end of a text, and what else stands there."""
    match = _MONTH_FIRST.fullmatch(text) or _MONTH_LAST.fullmatch(text)
    if match is None:
        return None, text
    return match["month"], match["rest"] or ""


_LEAD = r"(?:(?:ok|okay|yes|yep|lgtm|fine|good|looks good|\+1|i|we|hereby|please)\b[\s,.!:;-]*)*"
_DECISIONS = {
    Verb.APPROVE: re.compile(rf"\W*{_LEAD}approved?\b(?!.*\?)", re.IGNORECASE | re.DOTALL),
    Verb.REJECT: re.compile(rf"\W*{_LEAD}reject(?:ed)?\b(?!.*\?)", re.IGNORECASE | re.DOTALL),
}


def decision_in(text: str) -> Verb | None:
    """The decision that a comment reads like, such as "ok approved" or "reject: wrong limit"."""
    return next((verb for verb, words in _DECISIONS.items() if words.match(text[:500])), None)
