"""Rows on their way in, wherever they come from: read as text, with the number each one has."""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from models.errors import Refusal
from models.text import trimmed

SHOWN_FLAWS = 100
MOST_ALIKE = 1_000
"""So many different faults are counted, each with all its rows."""
BATCH = 500
NOT_TEXT = "has a sign that cannot be kept"
Row = tuple[int, list[str]]
Reading = Callable[[str, bool], str]
"""What a column makes of a text, and of whether the file has semicolons."""


@dataclass(frozen=True, order=True)
class Flaw:
    """Why a row cannot be imported; `line` counts from 1, `column` is empty for a whole row."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"line {self.line}, {self.column}" if self.column else f"line {self.line}"
        return f"{place}: {self.reason}"


@dataclass(frozen=True, order=True)
class AlikeFlaws:
    """What is wrong with so many `rows` alike, the first of which stands on `line`."""

    line: int
    column: str
    reason: str
    rows: int = 1


@dataclass
class Flaws:
    """The first flaws found, `most` of them, the number of all, and which are alike."""

    first: list[Flaw] = field(default_factory=list)
    total: int = 0
    most: int = SHOWN_FLAWS
    _alike: dict[tuple[str, str], AlikeFlaws] = field(default_factory=dict)

    @property
    def alike(self) -> list[AlikeFlaws]:
        return sorted(self._alike.values())

    def add(self, *flaws: Flaw) -> None:
        alike = (AlikeFlaws(flaw.line, flaw.column, flaw.reason) for flaw in flaws)
        self.take(flaws, len(flaws), alike)

    def take(self, first: Sequence[Flaw], total: int, alike: Iterable[AlikeFlaws]) -> None:
        """Add so many, the `first` of which are told one by one, and all of them together."""
        self.total += total
        self.first.extend(first[: max(0, self.most - len(self.first))])
        for more in alike:
            key = (more.column, more.reason)
            known = self._alike.get(key)
            if known:
                line, rows = min(known.line, more.line), known.rows + more.rows
                self._alike[key] = replace(known, line=line, rows=rows)
            elif len(self._alike) < MOST_ALIKE:
                self._alike[key] = more


class BadRows(Refusal):
    """The file has faults, so nothing of it was imported."""

    undone = "Nothing was imported"

    def __init__(self, found: Flaws | Iterable[Flaw]) -> None:
        """What was found, or all the flaws there are, told in the order of their rows."""
        if not isinstance(found, Flaws):
            all_of_them, found = sorted(found), Flaws()
            found.add(*all_of_them)
        self.flaws = sorted(found.first)
        self.total, self.alike = found.total, found.alike
        faults = "one fault" if self.total == 1 else f"{self.total:,} faults"
        super().__init__(f"{self.undone}: the file has {faults}.")


class Rows(ABC):
    """Rows under a header, each value a text; memory does not grow with their number.

    A row that cannot be read is noted in `flaws` and left out. `semicolons`: whether whoever wrote
    them has the comma for a decimal sign; `counted`: what the numbers count; `naming`: what names
    the columns.
    """

    header: list[str]
    header_line = 1
    counted = "line"
    naming = "the header"
    semicolons = False
    file_name: str | None = None
    """Where they stood, where that has a name."""

    def __init__(self, most_flaws: int = SHOWN_FLAWS) -> None:
        self.flaws = Flaws(most=most_flaws)

    @abstractmethod
    def read(self) -> Iterator[Row]:
        """Each row that fits under the header, with its number."""

    def pass_over(self, names: frozenset[str]) -> None:  # noqa: B027
        """Leave these columns out, where there are any."""

    @property
    def progress(self) -> tuple[int, int]:
        """The bytes read, and the bytes in all."""
        return 0, 0

    def batches(self, readings: Sequence[Reading]) -> Iterator[bytes]:
        """All rows as CSV for COPY, their line number first, a few hundred at a time.

        Each value is what the reading of its column makes of it.
        """
        rows = self.read()
        while batch := list(islice(rows, BATCH)):
            yield self._sound(batch, readings)

    async def stream(self, readings: Sequence[Reading]) -> AsyncGenerator[bytes, None]:
        """The same for whoever takes them in meanwhile."""
        for batch in self.batches(readings):
            yield batch

    def unsound(self, value: str) -> str:
        """Why a value with such a sign is refused."""
        return NOT_TEXT

    def _sound(self, batch: list[Row], readings: Sequence[Reading]) -> bytes:
        written = self._written(batch, readings)
        if not is_sound(written):
            written = self._written(self._without_unsound(batch), readings)
        return written.encode()

    def _written(self, rows: Iterable[Row], readings: Sequence[Reading]) -> str:
        buffer, semicolons = io.StringIO(), self.semicolons
        csv.writer(buffer).writerows(
            [line, *[read(one, semicolons) for read, one in zip(readings, row, strict=True)]]
            for line, row in rows
        )
        return buffer.getvalue()

    def _without_unsound(self, batch: list[Row]) -> Iterator[Row]:
        for line, values in batch:
            unsound = [
                Flaw(line, name, self.unsound(value))
                for name, value in zip(self.header, values, strict=True)
                if not is_sound(value)
            ]
            if unsound:
                self.flaws.add(*unsound)
            else:
                yield line, values


class GivenRow(Rows):
    """One row that somebody filled in, field by field."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__()
        self.header = list(values)
        self._values = [trimmed(value) for value in values.values()]

    def read(self) -> Iterator[Row]:
        yield 1, self._values


def is_sound(text: str) -> bool:
    """Neither a byte that was not UTF-8 nor a NUL, which PostgreSQL cannot keep."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
