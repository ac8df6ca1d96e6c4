"""Lists as CSV, safe to open in a spreadsheet; an import reads books back unchanged."""

import csv
import io
import tempfile
from collections.abc import AsyncIterable, AsyncIterator
from typing import IO, Any

from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from handlers.http.gate import HttpContext
from models.exports.books import export_book
from models.exports.formats import Format, Table
from models.queries.scope import Scope
from models.text import guarded

CSV = "text/csv"
AS_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {CSV: {"schema": {"type": "string"}}}}}
"""What the description of a route says of it."""

IN_MEMORY = 1_000_000
CHUNK = 1 << 16


async def csv_book(context: HttpContext, table: Table, scope: Scope) -> StreamingResponse:
    """What is in scope, written to a temporary file first: nobody who reads slowly keeps a
    connection.
    """
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
    async with context.services.db.reading() as session:
        async for piece in export_book(session, table, Format.CSV, scope, _untold):
            file.write(piece)
    return _answer(file, table)


async def csv_list(
    name: str, kind: type[BaseModel], rows: AsyncIterable[BaseModel]
) -> StreamingResponse:
    """The rows of a list just as JSON tells them, a column a field of their `kind`."""
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
    text = io.TextIOWrapper(file, "utf-8", newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(kind.model_fields)
    async for row in rows:
        table.writerow(map(_cell, row.model_dump(mode="json").values()))
    text.detach()
    return _answer(file, name)


def _cell(value: Any) -> str:
    """Several are told with commas between them, and none as nothing."""
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return guarded(value)
    return "" if value is None else str(value)


def _answer(file: IO[bytes], name: str) -> StreamingResponse:
    file.seek(0)
    named = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(_pieces(file), media_type=f"{CSV}; charset=utf-8", headers=named)


def _untold(done: int, total: int) -> None:
    return None


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while piece := file.read(CHUNK):
            yield piece
