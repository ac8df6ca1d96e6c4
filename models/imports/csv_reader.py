"""Rows of a CSV file as people export them, streamed, with the line each one stands on."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from models.errors import Refusal
from models.text import trimmed, unquoted, without_guard

SHOWN_FLAWS = 100
BATCH = 500
MAX_LINE_CHARACTERS = 1_000_000
AS_UTF8 = "save it as “CSV UTF-8”"
NOT_UTF8 = f"the file is not UTF-8 here; {AS_UTF8}"
Row = tuple[int, list[str]]
Reading = Callable[[str, bool], str]
"""What a column makes of a text, and of whether the file has semicolons."""

_OTHER_FILES = {
    b"\xff\xfe": "UTF-16, as spreadsheets write “Unicode Text”",
    b"\xfe\xff": "UTF-16, as spreadsheets write “Unicode Text”",
    b"PK\x03\x04": "a workbook",
    b"\xd0\xcf\x11\xe0": "a workbook",
    b"\x1f\x8b": "compressed",
    b"%PDF": "a PDF",
}


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
    """A CSV file with a header: comma, semicolon or tab, any newline, UTF-8 with or without BOM.

    `header` holds the columns that have a name, and stands on `header_line`. Values come without
    what nobody sees at their ends, and without the apostrophe that keeps a spreadsheet from taking
    them for a formula; rows and unnamed columns without any value are passed over. A
    row that cannot be read is noted in `flaws` and left out. Memory does not grow with the file.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Reads the header; refuses a file that has none."""
        self.flaws = Flaws()
        _refuse_other_files(file)
        self._text = io.TextIOWrapper(
            file, encoding="utf-8-sig", errors="surrogateescape", newline=""
        )
        self._before = 0
        header, delimiter = self._first_line()
        self.header_line = self._before
        [names] = csv.reader([header], delimiter=delimiter)
        named = [_column_name(name) for name in names]
        self.header = [name for name in named if name]
        self.semicolons = delimiter == ";"
        self._named = [index for index, name in enumerate(named) if name]
        self._unnamed = [index for index, name in enumerate(named) if not name]
        self._width, self._least = len(named), 1 + max(self._named, default=-1)
        self._reader = csv.reader(
            self._lines(), delimiter=delimiter, strict=True, skipinitialspace=True
        )

    def pass_over(self, names: frozenset[str]) -> None:
        """Leave these columns out, where there are any."""
        kept = [
            (at, name)
            for at, name in zip(self._named, self.header, strict=True)
            if name not in names
        ]
        self._named, self.header = [at for at, _ in kept], [name for _, name in kept]

    def batches(self, readings: Sequence[Reading]) -> Iterator[bytes]:
        """All rows as CSV for COPY, their line number first, a few hundred at a time.

        Each value is what the reading of its column makes of it.
        """
        rows = self._rows()
        while batch := list(islice(rows, BATCH)):
            written = self._written(batch, readings)
            if not _sound(written):
                written = self._written(self._without_unsound(batch), readings)
            yield written.encode()
        self._text.detach()

    def _written(self, rows: Iterable[Row], readings: Sequence[Reading]) -> str:
        buffer, semicolons = io.StringIO(), self.semicolons
        csv.writer(buffer).writerows(
            [line, *[read(one, semicolons) for read, one in zip(readings, row, strict=True)]]
            for line, row in rows
        )
        return buffer.getvalue()

    def _first_line(self) -> tuple[str, str]:
        """The header, which is the first line with anything in it, and what separates columns."""
        separator = None
        while line := self._text.readline(MAX_LINE_CHARACTERS):
            self._before += 1
            if not _sound(line):
                raise BadRows([Flaw(self._before, "", _not_utf8(line))])
            if told := re.fullmatch(r'"?sep=([,;\t])"?', line.strip("\r\n"), re.IGNORECASE):
                separator = told[1]
            elif trimmed(re.sub(r'[,;"\t]', "", line)):
                return line, separator or max(",;\t", key=line.count)
        raise BadRows([Flaw(1, "", "the file is empty; its first line names the columns")])

    def _rows(self) -> Iterator[Row]:
        last_line = 0
        while True:
            try:
                values = [without_guard(trimmed(value)) for value in next(self._reader)]
            except StopIteration:
                return
            except csv.Error as error:
                self.flaws.add(Flaw(last_line + self._before + 1, "", _unreadable(error)))
                values = []
            line, last_line = last_line + self._before + 1, self._reader.line_num
            if not any(values):
                continue
            if len(values) != len(self.header) or self._unnamed:
                if misfit := self._misfit(values):
                    self.flaws.add(Flaw(line, "", misfit))
                    continue
                values = [values[index] for index in self._named]
            yield line, values

    def _misfit(self, values: list[str]) -> str | None:
        """Why a row does not fit under the header. Beyond it, only what is empty does."""
        while len(values) > self._width and not values[-1]:
            values.pop()
        if not self._least <= len(values) <= self._width:
            told = f"the row has {len(values)} values, the header {self._width} columns"
            if any(mark in value for value in values for mark in "“”„"):
                return f"{told}; quotation marks must be straight ones to hold a value together"
            if len(values) > self._width:
                return f"{told}; what holds a separator itself needs quotation marks around it"
            return told
        values += [""] * (self._width - len(values))
        if any(values[index] for index in self._unnamed):
            return "the row has a value in a column that the header does not name"
        return None

    def _lines(self) -> Iterator[str]:
        while line := self._text.readline(MAX_LINE_CHARACTERS):
            if len(line) == MAX_LINE_CHARACTERS:
                raise csv.Error(f"the line is longer than {MAX_LINE_CHARACTERS:,} characters")
            yield line

    def _without_unsound(self, batch: list[Row]) -> Iterator[Row]:
        for line, values in batch:
            unsound = [
                Flaw(line, name, _not_utf8(value))
                for name, value in zip(self.header, values, strict=True)
                if not _sound(value)
            ]
            if unsound:
                self.flaws.add(*unsound)
            else:
                yield line, values


def _refuse_other_files(file: BinaryIO) -> None:
    begins_at = file.tell()
    begins = file.read(4)
    file.seek(begins_at)
    for signature, what in _OTHER_FILES.items():
        if begins.startswith(signature):
            raise BadRows([Flaw(1, "", f"the file is {what}, not CSV; {AS_UTF8}")])


def _column_name(typed: str) -> str:
    """As in “API usage”, which is the column `api_usage`."""
    return re.sub(r"[\s_-]+", "_", unquoted(typed)).casefold()


def _sound(text: str) -> bool:
    """Neither a byte that was not UTF-8 nor a NUL, which PostgreSQL cannot keep."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _not_utf8(text: str) -> str:
    """With the text as it would read in what older spreadsheets write."""
    if "\0" in text:
        return NOT_UTF8
    told = text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    told = " ".join(told[:60].split())
    return f"the file is not UTF-8 here but perhaps Windows-1252, “{told}”; {AS_UTF8}"


def _unreadable(error: csv.Error) -> str:
    sentence = str(error)
    if "longer than" in sentence:
        return sentence
    if "field larger" in sentence:
        return f"a value is longer than {csv.field_size_limit():,} characters"
    return "the quotation marks do not match; one inside a value is written twice"
