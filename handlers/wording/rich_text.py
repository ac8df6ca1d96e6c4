"""A sentence as its parts: words, bold, code, links and moments, for each medium to draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from handlers.wording.formatting import clean, esc, when


@dataclass(frozen=True)
class Styled:
    """A piece of a sentence that stands out."""

    text: str
    style: Literal["bold", "code"]


@dataclass(frozen=True)
class Link:
    """Words that lead to a page of ours, by its whole address."""

    text: str
    address: str


@dataclass(frozen=True)
class Mention:
    """A Slack account, which Slack shows by its own name for it: nobody can pass for another.

    `name`: what its person is called where Slack does not show it.
    """

    slack_user_id: str
    name: str = ""


@dataclass(frozen=True)
class Quote:
    """What somebody wrote, set apart and shown exactly as typed."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """Sentences of which each stands beside a bullet."""

    sentences: tuple["Sentence", ...]


Part = str | Styled | Link | Mention | datetime
Sentence = Sequence[Part]
Statement = Sentence | Quote
"""What a story is told in: sentences, and what people wrote."""


def bold(text: str) -> Styled:
    return Styled(text, "bold")


def code(text: str) -> Styled:
    return Styled(text, "code")


def fallback_text(*parts: Part) -> str:
    """A sentence for `text`: escaped, moments in the reader's zone."""
    return "".join(_fallback(part) for part in parts)


def _fallback(part: Part) -> str:
    if isinstance(part, datetime):
        return when(part)
    if isinstance(part, Mention):
        return f"<@{part.slack_user_id}>"
    return esc(clean(part if isinstance(part, str) else part.text))
