"""Lists as CSV, which a spreadsheet opens safely and our own import reads back unchanged."""

import tempfile
from collections.abc import AsyncIterator
from typing import IO, Any

from fastapi.responses import StreamingResponse

from handlers.http.gate import HttpContext
from models.exports.books import export_book
from models.exports.formats import Format, Table
from models.queries.scope import Scope

CSV = "text/csv"
AS_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {CSV: {"schema": {"type": "string"}}}}}
"""What the description of a route says of it."""

IN_MEMORY = 1_000_000
CHUNK = 1 << 16


async def csv_file(context: HttpContext, table: Table, scope: Scope) -> StreamingResponse:
    """What is in scope, written to a temporary file first: nobody who reads slowly keeps a
    connection.
    """
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
    async with context.services.db.reading() as session:
        async for piece in export_book(session, table, Format.CSV, scope, _untold):
            file.write(piece)
    file.seek(0)
    named = {"Content-Disposition": f'attachment; filename="{table}.csv"'}
    return StreamingResponse(_pieces(file), media_type=f"{CSV}; charset=utf-8", headers=named)


def _untold(done: int, total: int) -> None:
    return None


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while piece := file.read(CHUNK):
            yield piece
