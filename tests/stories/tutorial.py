"""The tutorial as somebody follows it: what it says to type, to press, and who to be."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from models.period import Period
from tests.architecture.pages import DOCS

WRITTEN = Period(2026, 10)
"""The month that the tutorial was written in; whoever follows it has another one."""

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(/[^`]+|approve)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")


def dated(words: str) -> str:
    """What the tutorial says of its two months, said of those that are over by now."""
    now = Period.last_closed(datetime.now(UTC), ZoneInfo("UTC"))
    forms = {
        WRITTEN.plus(ago).first_day.strftime(form): now.plus(ago).first_day.strftime(form)
        for form in ("%Y-%m", "%B %Y", "%B")
        for ago in (0, -1)
    }
    return re.sub("|".join(forms), lambda found: forms[found[0]], words)


@dataclass
class Section:
    """What one section asks for, and what of it has been done."""

    title: str
    text: str
    done: set[str] = field(default_factory=set)

    @property
    def fenced(self) -> list[str]:
        return _FENCED.findall(self.text)

    @property
    def asks_for(self) -> set[str]:
        """What to type, whom to be, and what to press."""
        fenced = {line for block in self.fenced for line in block.splitlines()}
        prose = _FENCED.sub("", self.text)
        return fenced | {*_INLINE.findall(prose), *_STRONG.findall(prose)}

    @property
    def left_out(self) -> set[str]:
        return self.asks_for - self.done

    def do(self, asked: str) -> str:
        """`asked`, of the months of today. Refuses what the section does not ask for."""
        assert asked in self.asks_for, f"“{self.title}” does not ask for “{asked}”"
        self.done.add(asked)
        return dated(asked)


def sections() -> list[Section]:
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    _, *parts = _SECTION.split(text)
    return [Section(*part) for part in zip(parts[::2], parts[1::2], strict=True)]
