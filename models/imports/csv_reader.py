"""Rows of a CSV file as people export them, streamed, with the line each one stands on."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from models.errors import Refusal

SHOWN_FLAWS = 100
BATCH = 500
MAX_LINE_CHARACTERS = 1_000_000
NOT_UTF8 = "the file is not UTF-8 here; save it as “CSV UTF-8”"
Row = tuple[int, list[str]]


@dataclass(frozen=True, order=True)
class Flaw:
    """Why a row cannot be imported; `line` counts from 1, `column` is empty for a whole row."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"line {self.line}, {self.column}" if self.column else f"line {self.line}"
        return f"{place}: {self.reason}"


class BadRows(Refusal):
    """The file has faults, so nothing of it was imported."""

    def __init__(self, flaws: Iterable[Flaw], total: int | None = None) -> None:
        """`flaws` are the first of `total`, in the order of their lines."""
        self.flaws = sorted(flaws)[:SHOWN_FLAWS]
        self.total = len(self.flaws) if total is None else total
        faults = "one fault" if self.total == 1 else f"{self.total:,} faults"
        super().__init__(f"Nothing was imported: the file has {faults}.")


@dataclass
class Flaws:
    """The first flaws found, and the number of all."""

    first: list[Flaw] = field(default_factory=list)
    total: int = 0

    def add(self, *flaws: Flaw) -> None:
        self.total += len(flaws)
        self.first.extend(flaws[: max(0, SHOWN_FLAWS - len(self.first))])


class CsvReader:
    """A CSV file with a header: comma or semicolon, any newline, UTF-8 with or without BOM.

    Values come without surrounding blanks; rows without any value are passed over. A row that
    cannot be read is noted in `flaws` and left out. Memory does not grow with the file.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Reads the header; refuses a file that has none."""
        self.flaws = Flaws()
        self._text = io.TextIOWrapper(
            file, encoding="utf-8-sig", errors="surrogateescape", newline=""
        )
        header = self._text.readline(MAX_LINE_CHARACTERS)
        if not header.strip():
            raise BadRows([Flaw(1, "", "the file is empty; its first line names the columns")])
        if not _sound(header):
            raise BadRows([Flaw(1, "", NOT_UTF8)])
        delimiter = ";" if header.count(";") > header.count(",") else ","
        [names] = csv.reader([header], delimiter=delimiter)
        self.header = [name.strip().lower() for name in names]
        self._reader = csv.reader(
            self._lines(), delimiter=delimiter, strict=True, skipinitialspace=True
        )

    def batches(self) -> Iterator[bytes]:
        """All rows as CSV for COPY, their line number first, a few hundred at a time."""
        rows = self._rows()
        buffer = io.StringIO()
        while batch := list(islice(rows, BATCH)):
            buffer.seek(0)
            buffer.truncate()
            _write(buffer, batch)
            if not _sound(buffer.getvalue()):
                buffer.seek(0)
                buffer.truncate()
                _write(buffer, self._without_unsound(batch))
            yield buffer.getvalue().encode()
        self._text.detach()

    def _rows(self) -> Iterator[Row]:
        last_line = 0
        while True:
            try:
                values = [value.strip() for value in next(self._reader)]
            except StopIteration:
                return
            except csv.Error as error:
                self.flaws.add(Flaw(last_line + 2, "", _unreadable(error)))
                values = []
            line, last_line = last_line + 2, self._reader.line_num
            if not any(values):
                continue
            if len(values) != len(self.header):
                reason = f"the row has {len(values)} values, the header {len(self.header)} columns"
                self.flaws.add(Flaw(line, "", reason))
                continue
            yield line, values

    def _lines(self) -> Iterator[str]:
        while line := self._text.readline(MAX_LINE_CHARACTERS):
            if len(line) == MAX_LINE_CHARACTERS:
                raise csv.Error(f"the line is longer than {MAX_LINE_CHARACTERS:,} characters")
            yield line

    def _without_unsound(self, batch: list[Row]) -> Iterator[Row]:
        for line, values in batch:
            unsound = [
                Flaw(line, name, NOT_UTF8)
                for name, value in zip(self.header, values, strict=True)
                if not _sound(value)
            ]
            if unsound:
                self.flaws.add(*unsound)
            else:
                yield line, values


def _write(buffer: io.StringIO, rows: Iterable[Row]) -> None:
    csv.writer(buffer).writerows((line, *values) for line, values in rows)


def _sound(text: str) -> bool:
    """Neither a byte that was not UTF-8 nor a NUL, which PostgreSQL cannot keep."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _unreadable(error: csv.Error) -> str:
    sentence = str(error)
    if "longer than" in sentence:
        return sentence
    if "field larger" in sentence:
        return f"a value is longer than {csv.field_size_limit():,} characters"
    return "the quotation marks do not match; one inside a value is written twice"
