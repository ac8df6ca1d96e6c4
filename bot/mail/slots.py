"""How many letters are under way at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

CONNECTIONS = 5
"""At once: servers turn away those who open many."""

IN_HAND = 10
"""Letters at once, from the look at what is to be mailed to the record of what came of it: while
some are handed over, what others say is read and written together.
"""


class Slots:
    """One letter at a time until the server has listened to one, then a few: what nobody gets in
    with is tried once, not five times.
    """

    def __init__(self) -> None:
        self.is_proven = False
        self.connections = asyncio.Semaphore(CONNECTIONS)
        self._all = asyncio.Semaphore(IN_HAND)
        self._first = asyncio.Lock()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        async with self._all, AsyncExitStack() as alone:
            if not self.is_proven:
                await alone.enter_async_context(self._first)
            if self.is_proven:
                await alone.aclose()
            yield
