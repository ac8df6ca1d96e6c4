"""What comes with a request: no more of it than is taken, and no slower."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request

from handlers.http.errors import Stalled, TooLarge

LARGEST_BODY = 1_000_000
WITHIN_S = 60


async def whole_body(request: Request) -> bytes:
    """All of it, in memory; raises TooLarge and Stalled."""
    return b"".join([chunk async for chunk in chunks_of(request, LARGEST_BODY, WITHIN_S)])


async def chunks_of(request: Request, largest: int, within_s: float) -> AsyncIterator[bytes]:
    """Piece by piece; raises TooLarge beyond `largest` bytes, and Stalled where the last of it is
    not there `within_s` seconds from now.
    """
    deadline, size = asyncio.get_running_loop().time() + within_s, 0
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                chunk = await anext(stream, None)
        except TimeoutError:
            raise Stalled from None
        if chunk is None:
            return
        size += len(chunk)
        if size > largest:
            raise TooLarge
        yield chunk
