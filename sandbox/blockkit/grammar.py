"""The words in which the tables of Block Kit are written, and what a character costs.

A table entry is one of the specs below; `walk` judges a JSON value by it and `read` finds the
text that people see in it. Bounds are inclusive; None means unbounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Surface = Literal["message", "modal", "home"]
MESSAGE: frozenset[Surface] = frozenset({"message"})
MODAL: frozenset[Surface] = frozenset({"modal"})
ANYWHERE: frozenset[Surface] = frozenset({"message", "modal", "home"})

_BARE_AMPERSAND = re.compile(r"&(?!amp;|lt;|gt;)")
_MARKUP = re.compile(r"<[^<>\s][^<>]*>")


@dataclass(frozen=True)
class String:
    """A string. `shown` says that people read it, `mrkdwn` that its length counts escaped."""

    least: int = 0
    most: int | None = None
    among: tuple[str, ...] = ()
    shape: re.Pattern[str] | None = None
    shown: bool = False
    mrkdwn: bool = False


@dataclass(frozen=True)
class Number:
    """A finite number; `whole` refuses fractions, `above` is an exclusive bound."""

    whole: bool = True
    least: int | None = None
    most: int | None = None
    above: int | None = None


@dataclass(frozen=True)
class Flag:
    """True or false."""


@dataclass(frozen=True)
class Nullable:
    """What `of` says, or null."""

    of: Spec


@dataclass(frozen=True)
class Items:
    """An array of `of`. `excess` is the error Slack has of its own for too many items."""

    of: Spec
    least: int = 0
    most: int | None = None
    excess: str = ""


@dataclass(frozen=True)
class Record:
    """An object with these fields and no others.

    Of each group in `some` at least one field is there, of each in `exclusive` at most one.
    """

    need: Mapping[str, Spec] = field(default_factory=dict)
    may: Mapping[str, Spec] = field(default_factory=dict)
    some: tuple[tuple[str, ...], ...] = ()
    exclusive: tuple[tuple[str, ...], ...] = ()
    surfaces: frozenset[Surface] = ANYWHERE

    def spec_of(self, name: str) -> Spec | None:
        return self.need.get(name) or self.may.get(name)


@dataclass(frozen=True)
class Variant:
    """An object whose `type` names one of `kinds`, which says the other fields."""

    kinds: Mapping[str, Record]

    def kind_of(self, value: object) -> Record | None:
        named = value.get("type") if isinstance(value, dict) else None
        return self.kinds.get(named) if isinstance(named, str) else None


Spec: TypeAlias = String | Number | Flag | Nullable | Items | Record | Variant


def length(text: str, *, mrkdwn: bool) -> int:
    """Code points of `text`; in mrkdwn as Slack stores it, with `&`, `<` and `>` escaped.

    What is escaped already, and the brackets of a mention or link, count as they stand.
    """
    if not mrkdwn:
        return len(text)
    outside = _MARKUP.sub("", text)
    brackets = outside.count("<") + outside.count(">")
    return len(text) + 4 * len(_BARE_AMPERSAND.findall(text)) + 3 * brackets
