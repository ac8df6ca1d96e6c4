"""Rows of a CSV file as people export them, streamed, with the line each one stands on."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from models.imports.csv_columns import SHOWN_CHARS
from models.imports.rows import SHOWN_FLAWS, BadRows, Flaw, Row, Rows, is_sound
from models.text import trimmed, unquoted, without_guard

MAX_LINE_CHARACTERS = 1_000_000
TOO_LONG = f"the line is longer than {MAX_LINE_CHARACTERS:,} characters"
AS_UTF8 = "save it as “CSV UTF-8”"
NOT_UTF8 = f"the file is not UTF-8 here; {AS_UTF8}"

_OTHER_FILES = {
    b"\xff\xfe": "UTF-16, as spreadsheets write “Unicode Text”",
    b"\xfe\xff": "UTF-16, as spreadsheets write “Unicode Text”",
    b"PK\x03\x04": "a workbook",
    b"\xd0\xcf\x11\xe0": "a workbook",
    b"\x1f\x8b": "compressed",
    b"%PDF": "a PDF",
}


class CsvReader(Rows):
    """A CSV file with a header: comma, semicolon or tab, any newline, UTF-8 with or without BOM.

    `header` holds the columns that have a name, and stands on `header_line`. Values come without
    what nobody sees at their ends, and without the apostrophe that keeps a spreadsheet from taking
    them for a formula; rows and unnamed columns without any value are passed over. A
    row that cannot be read is noted in `flaws` and left out. Memory does not grow with the file.
    """

    def __init__(self, file: BinaryIO, most_flaws: int = SHOWN_FLAWS) -> None:
        """Reads the header; refuses a file that has none."""
        super().__init__(most_flaws)
        self._file, self._size = file, size_of(file)
        called = getattr(file, "name", None)
        self.file_name = Path(called).name if isinstance(called, str) else None
        _refuse_other_files(file)
        self._text = io.TextIOWrapper(
            file, encoding="utf-8-sig", errors="surrogateescape", newline=""
        )
        self._before = 0
        header, delimiter = self._first_line()
        self.header_line = self._before
        named = self._column_names(header, delimiter)
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

    @property
    def progress(self) -> tuple[int, int]:
        return min(self._file.tell(), self._size), self._size

    def unsound(self, value: str) -> str:
        return _not_utf8(value)

    def _first_line(self) -> tuple[str, str]:
        """The header, which is the first line with anything in it, and what separates columns."""
        separator = None
        while line := self._text.readline(MAX_LINE_CHARACTERS):
            self._before += 1
            if len(line) == MAX_LINE_CHARACTERS:
                raise BadRows([Flaw(self._before, "", TOO_LONG)])
            if not is_sound(line):
                raise BadRows([Flaw(self._before, "", _not_utf8(line))])
            if told := re.fullmatch(r'"?sep=([,;\t])"?', line.strip("\r\n"), re.IGNORECASE):
                separator = told[1]
            elif trimmed(re.sub(r'[,;"\t]', "", line)):
                return line, separator or max(",;\t", key=line.count)
        raise BadRows([Flaw(1, "", "the file is empty; its first line names the columns")])

    def _column_names(self, header: str, delimiter: str) -> list[str]:
        try:
            [names] = csv.reader([header], delimiter=delimiter)
        except csv.Error as error:
            raise BadRows([Flaw(self.header_line, "", _unreadable(error))]) from error
        return [_column_name(name) for name in names]

    def read(self) -> Iterator[Row]:
        last_line = 0
        while True:
            try:
                values = [without_guard(trimmed(value)) for value in next(self._reader)]
            except StopIteration:
                self._text.detach()
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
                raise csv.Error(TOO_LONG)
            yield line


def _refuse_other_files(file: BinaryIO) -> None:
    begins_at = file.tell()
    begins = file.read(4)
    file.seek(begins_at)
    for signature, what in _OTHER_FILES.items():
        if begins.startswith(signature):
            raise BadRows([Flaw(1, "", f"the file is {what}, not CSV; {AS_UTF8}")])


def _column_name(typed: str) -> str:
    """As in “API usage”, which is the column `api_usage`; of a longer one what is shown of it."""
    return re.sub(r"[\s_-]+", "_", unquoted(typed)).casefold()[:SHOWN_CHARS]


def size_of(file: BinaryIO) -> int:
    """The bytes of a file, which is read on from where it was."""
    position = file.tell()
    size = file.seek(0, 2)
    file.seek(position)
    return size


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
