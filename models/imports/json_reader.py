"""Rows of JSON, streamed: a list of objects, or an object a line, with the number of each."""

import codecs
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from models.imports.csv_columns import SHOWN_CHARS
from models.imports.csv_reader import size_of
from models.imports.rows import SHOWN_FLAWS, BadRows, Flaw, Row, Rows
from models.text import trimmed

CHUNK = 1 << 16
MOST_CHARACTERS = 1 << 16
"""So long is one row at most."""

_BLANK = " \t\r\n"
_NEITHER = "this is neither a list of JSON objects nor one object a line"
_NO_ROW = (
    "a list of rows is expected, or one row a line, each with {}; this is an object around "
    "something else"
)
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
"""Numbers stay as they are written, so that nothing of them is lost."""

Object = Mapping[str, Any]


class _TooLong(ValueError):
    """What is no row, if it is JSON at all."""

    def __init__(self) -> None:
        super().__init__(f"the row is not JSON, or longer than {MOST_CHARACTERS:,} characters")


class JsonReader(Rows):
    """Objects whose keys are columns; values are texts, numbers, true, false and null.

    `header` holds all the columns there are: one that an object lacks is empty. `columns`: several
    such headers, the first one with a column first that the first object has. `shaped` makes of an
    object what it means.
    """

    counted = "row"

    def __init__(
        self,
        file: BinaryIO,
        columns: Sequence[Sequence[str]],
        passed_over: frozenset[str] = frozenset(),
        shaped: Callable[[Object], Object] = lambda one: one,
        most_flaws: int = SHOWN_FLAWS,
    ) -> None:
        super().__init__(most_flaws)
        self._passed_over, self._shaped = passed_over, shaped
        self._file, self._size = file, size_of(file)
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text, self._at = "", 0
        self._is_list = False
        self._columns = columns
        first = self._start()
        named = [header for header in columns if header[0] in first]
        self.header = list(named[0] if named else columns[-1])

    def _start(self) -> Object:
        """The first object, which is read again; refuses what begins like no JSON."""
        begins_at = self._file.tell()
        try:
            first: Any = next(self._objects(), None)
        except _TooLong:
            first = {}
        except (ValueError, RecursionError):
            first = None
        if not self._is_list and isinstance(first, dict):
            self._refuse_envelope(first)
        self._file.seek(begins_at)
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text, self._at = "", 0
        return first if isinstance(first, dict) else {}

    def _refuse_envelope(self, one: Object) -> None:
        """Refuse an object that stands where rows are expected and cannot be one of them."""
        known = self._passed_over.union(*self._columns)
        unknown = [name for name in one if name not in known]
        around = [name for name in unknown if isinstance(one[name], dict | list)]
        if around or not known & one.keys():
            fields = ", ".join(self._columns[-1])
            field = next(iter(around or unknown), "")
            raise BadRows([Flaw(1, field, _NO_ROW.format(fields))])

    @property
    def progress(self) -> tuple[int, int]:
        return self._file.tell(), self._size

    def read(self) -> Iterator[Row]:
        number = 0
        try:
            for number, one in enumerate(self._objects(), 1):
                if (values := self._values(number, one)) is not None:
                    yield number, values
        except (ValueError, RecursionError) as error:
            self.flaws.add(Flaw(number + 1, "", _unreadable(error)))

    def _values(self, number: int, one: Any) -> list[str] | None:
        if not isinstance(one, dict):
            self.flaws.add(Flaw(number, "", "this is no JSON object"))
            return None
        row = self._shaped(one)
        flaws = [
            Flaw(
                number,
                name[:SHOWN_CHARS],
                f"there is no such field; there are {', '.join(self.header)}",
            )
            for name in row
            if name not in self.header and name not in self._passed_over
        ]
        values = [row.get(name) for name in self.header]
        flaws += [
            Flaw(number, name, "this is neither a text nor a number")
            for name, value in zip(self.header, values, strict=True)
            if isinstance(value, dict | list)
        ]
        self.flaws.add(*flaws)
        return None if flaws else [_text(value) for value in values]

    def _objects(self) -> Iterator[Any]:
        is_list = self._is_list = self._next_sign() == "["
        if is_list:
            self._at += 1
        elif self._next_sign() != "{":
            raise BadRows([Flaw(1, "", _NEITHER)])
        while sign := self._next_sign():
            if is_list and sign == "]":
                self._at += 1
                if self._next_sign():
                    raise ValueError("there is more after the end of the list")
                return
            yield self._value()
            if is_list and self._next_sign() not in (",", "]"):
                raise ValueError("a comma or the end of the list is missing")
            if is_list and self._next_sign() == ",":
                self._at += 1
                if self._next_sign() in ("]", ""):
                    raise ValueError("a row is missing after the comma")
        if is_list:
            raise ValueError("the list does not end")

    def _value(self) -> Any:
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._text, self._at)
                return value
            except json.JSONDecodeError:
                if len(self._text) - self._at > MOST_CHARACTERS:
                    raise _TooLong from None
                if not self._more():
                    raise

    def _next_sign(self) -> str:
        """The next that is not blank, "" at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _BLANK:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def _more(self) -> bool:
        chunk = self._file.read(CHUNK)
        self._text = self._text[self._at :] + self._decode(chunk, final=not chunk)
        self._at = 0
        return bool(chunk)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return trimmed(value) if isinstance(value, str) else str(value).lower()


def _unreadable(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "this is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"this is not JSON: {error.msg[0].lower()}{error.msg[1:]}"
    if isinstance(error, RecursionError):
        return "this is nested too deeply"
    return str(error)
