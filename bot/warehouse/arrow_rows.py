"""Rows by Arrow, which become CSV without a look at each one where all are as they should be."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from models.db.columns import MOST_CALLS
from models.imports.pulled_rows import CALLS, CUSTOMER, DAY, Chunk

_AS_CSV = csv.WriteOptions(include_header=False)


class ArrowRows(Chunk):
    """A record batch under columns that are known by name."""

    def __init__(self, batch: pa.RecordBatch, columns: Sequence[str]) -> None:
        self._batch, self._columns = batch, [name.casefold() for name in columns]

    def __len__(self) -> int:
        return int(self._batch.num_rows)

    def rows(self) -> Iterator[Sequence[Any]]:
        return zip(*map(_values, self._batch.columns), strict=True)

    def as_csv(self, first_line: int) -> bytes | None:
        lines = pa.array(range(first_line, first_line + len(self)), pa.int64())
        columns = [lines]
        for name, column in zip(self._columns, self._batch.columns, strict=True):
            written = _PLAIN[name](column) if name in _PLAIN else None
            if written is None:
                return None
            columns.append(written)
        out = pa.BufferOutputStream()
        names = [str(at) for at in range(len(columns))]
        csv.write_csv(pa.RecordBatch.from_arrays(columns, names), out, _AS_CSV)
        return bytes(out.getvalue())


def _values(column: pa.Array) -> list[Any]:
    """Some engines call any bytes a text."""
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return list(column.cast(pa.binary()).to_pylist())


def _plain_texts(column: pa.Array) -> pa.Array | None:
    """None unless all are texts that PostgreSQL can keep."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return None
    odd = pc.any(pc.match_substring_regex(column, r"[\x00\x01]"))
    return None if column.null_count or odd.as_py() else column


def _plain_calls(column: pa.Array) -> pa.Array | None:
    """None unless all are whole numbers of calls, and there are as many as can be kept."""
    of_type = column.type
    if pa.types.is_decimal(of_type):
        if of_type.scale != 0:
            return None
    elif not pa.types.is_integer(of_type):
        return None
    if column.null_count:
        return None
    if len(column) == 0:
        return pa.array([], pa.int64())
    extremes = pc.min_max(column)
    if not 0 <= extremes["min"].as_py() <= extremes["max"].as_py() <= MOST_CALLS:
        return None
    return column.cast(pa.int64())


def _plain_days(column: pa.Array) -> pa.Array | None:
    return column if pa.types.is_date32(column.type) else None


_PLAIN = {CUSTOMER: _plain_texts, CALLS: _plain_calls, DAY: _plain_days}
