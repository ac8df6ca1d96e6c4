"""What people type, read as they meant it."""

import html
import re
from collections.abc import Mapping

from handlers.wording.formatting import clean

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


_MONTH = re.compile(r"\d{4}[-/.]\d\S*")


def month_and_rest(text: str) -> tuple[str | None, str]:
    """What looks like a month, at either end of a text, and what else stands there."""
    word, rest = first_word(text)
    if _MONTH.fullmatch(word):
        return word, rest
    before, word = last_word(text)
    return (word, before) if _MONTH.fullmatch(word) else (None, text)


_REF = re.compile(
    r"""[\s,]*(?:
    (?P<sure>\#\d+)(?=[\s,]|$)                        # #12
    |(?P<bare>\d+)(?=(?:\s+\#?\d+)*\s*(?:,|$))       # 12, where nothing but numbers follows
    |(?P<named>[^\s,].*?\s+\d{4}-\d{1,2})(?=[\s,]|$)        # Acme Corp 2026-10
    |(?P<rest>[^\s,].*)
    )""",
    re.VERBOSE | re.ASCII,
)


def refs(text: str) -> list[str]:
    """Several bills, between spaces or commas: each as `#12`, `12` or `customer YYYY-MM`."""
    return [found[found.lastgroup or 0].strip() for found in _REF.finditer(text)]
