"""Rows that an engine answers with: their values are read by type, and never by their looks."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from datetime import date, datetime
from decimal import Decimal
from itertools import count, islice
from typing import Any

from models.db.columns import MOST_CALLS
from models.imports.csv_columns import SHOWN_CHARS, UNREADABLE
from models.imports.rows import Reading, Row, Rows

CUSTOMER, CALLS, DAY = "customer", "calls", "day"
CHUNK_ROWS = 10_000


class Chunk(ABC):
    """Some rows of an answer, in the order of its columns."""

    @abstractmethod
    def as_csv(self, first_line: int) -> bytes | None:
        """As COPY takes them, numbered from there on; None where each value has to be looked at."""

    @abstractmethod
    def rows(self) -> Iterator[Sequence[Any]]:
        """Each as Python's own values."""

    @abstractmethod
    def __len__(self) -> int:
        """How many rows."""


class ListedRows(Chunk):
    """Rows as a driver hands them out."""

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        self._rows = rows

    def as_csv(self, first_line: int) -> None:
        return None

    def rows(self) -> Iterator[Sequence[Any]]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class PulledRows(Rows):
    """An answer on its way in. Its columns are known by name, whatever the case.

    What is not of its column's type is marked with the reason, so that it is refused by its row.
    """

    counted = "row"
    naming = "the answer"
    header_line = 0

    def __init__(
        self,
        columns: Sequence[str],
        chunks: Iterable[Chunk],
        executor: Executor,
        engine_version: str | None = None,
    ) -> None:
        """`chunks` are only ever asked for in `executor`, and at most one ahead."""
        super().__init__()
        self.engine_version = engine_version
        self.header = [name.casefold() for name in columns]
        self._chunks, self._executor = chunks, executor
        self._pulled = 0

    @property
    def progress(self) -> tuple[int, int]:
        """The rows so far; how many there will be is not known before."""
        return self._pulled, 0

    def read(self) -> Iterator[Row]:
        lines = count(1)
        for chunk in self._chunks:
            for values in chunk.rows():
                yield next(lines), self._texts(values)

    def batches(self, readings: Sequence[Reading]) -> Iterator[bytes]:
        for chunk in self._chunks:
            first = self._pulled + 1
            self._pulled += len(chunk)
            whole = chunk.as_csv(first)
            if whole is not None:
                yield whole
                continue
            rows = iter(zip(count(first), map(self._texts, chunk.rows())))
            while batch := list(islice(rows, CHUNK_ROWS)):
                yield self._sound(batch, [_as_it_is] * len(self.header))

    async def stream(self, readings: Sequence[Reading]) -> AsyncGenerator[bytes, None]:
        """The next batch is asked for while one is taken in."""
        batches = self.batches(readings)
        loop = asyncio.get_running_loop()
        ahead = loop.run_in_executor(self._executor, next, batches, None)
        try:
            while (batch := await ahead) is not None:
                ahead = loop.run_in_executor(self._executor, next, batches, None)
                yield batch
        finally:
            await asyncio.wait([ahead])

    def _texts(self, values: Sequence[Any]) -> list[str]:
        return [
            _READ[name](value) if name in _READ else ""
            for name, value in zip(self.header, values, strict=True)
        ]


def _as_it_is(text: str, _: bool) -> str:
    return text


def _customer(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if not isinstance(value, str):
        return _refused(value, "is no text; write cast(customer as varchar)")
    return value


def _calls(value: Any) -> str:
    if value is None:
        return ""
    if type(value) is int:
        number = value
    elif isinstance(value, Decimal) and value.is_finite():
        if value != value.to_integral_value():
            return _refused(value, "is a part of a call; a customer’s calls are whole")
        number = int(value)
    else:
        return _refused(value, _NOT_BY_TYPE.get(type(value).__name__, _NO_NUMBER))
    if number < 0:
        return _refused(value, "is negative, as a sum is that has overflown; widen it")
    if number > MOST_CALLS:
        return _refused(value, f"is more than {MOST_CALLS:,} calls, which is all that can be kept")
    return str(number)


_CAST = "write cast(sum(...) as decimal(38, 0))"
_NO_NUMBER = f"is no whole number; {_CAST}"
_NOT_BY_TYPE = {
    "float": f"is a float, which is not exact; {_CAST}",
    "str": f"is a text and no number; {_CAST}",
    "bool": f"is true or false and no number; {_CAST}",
    "Decimal": "is no number",
}


def _day(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return _refused(value, "is no date; write cast(... as date)")


_READ = {CUSTOMER: _customer, CALLS: _calls, DAY: _day}


def _refused(value: Any, reason: str) -> str:
    shown = " ".join(str(value)[:SHOWN_CHARS].splitlines())
    return f"{UNREADABLE}“{shown}” {reason}"
