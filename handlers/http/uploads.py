"""The way through the gate for what is too long for memory: files with many rows.

Who asks and whether they may is looked at first, and nothing of the body is read before. Then the
body goes to a temporary file while no connection is held. Only then a transaction is opened, one
for long work, in which both are looked at again.
"""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, BinaryIO, cast

from fastapi import Depends, Request, Response
from starlette.types import Message, Receive

from handlers.http.bodies import chunks_of
from handlers.http.clean_request import CleanRequest
from handlers.http.gate import Answering, ApiRoute, GatedRoute, PageRoute
from models.actions.uploaded_files import LARGEST_BYTES, STATEMENT_S
from models.db.columns import Session
from models.db.database import Database

IN_MEMORY = 1_000_000
WITHIN_S = 900
CHUNK = 1 << 16


def _file(request: Request) -> BinaryIO:
    file: BinaryIO = request.state.upload
    return file


Uploaded = Annotated[BinaryIO, Depends(_file)]
"""The body as a file, at its beginning."""


class _Uploading(GatedRoute):
    async def let_through(self, request: Request, inner: Answering) -> Response:
        self.refuse_elsewhere(request)
        await self.answer(request, _nothing)
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
            async for chunk in chunks_of(request, LARGEST_BYTES, WITHIN_S):
                file.write(chunk)
            file.seek(0)
            again = CleanRequest(request.scope, _replaying(cast(BinaryIO, file)))
            again.state.upload = file
            try:
                return await self.answer(again, self.once(inner), _long)
            finally:
                await again.close()


class ApiUpload(_Uploading, ApiRoute):
    """A route of the API that takes a file."""


class PageUpload(_Uploading, PageRoute):
    """A page whose form takes a file."""


async def _nothing(_: Request) -> Response:
    return Response()


@asynccontextmanager
async def _long(db: Database) -> AsyncIterator[Session]:
    async with db.long_transaction(STATEMENT_S) as session:
        yield session


def _replaying(file: BinaryIO) -> Receive:
    """The body once more, for whoever reads it from the request."""

    async def receive() -> Message:
        chunk = file.read(CHUNK)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    return receive
