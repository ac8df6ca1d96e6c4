"""How many letters are under way at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CONNECTIONS = 5
"""At once: servers turn away those who open many."""


class Slots:
    """One letter at a time until the server has listened to one, then a few: what nobody gets in
    with is tried once, not five times.
    """

    def __init__(self) -> None:
        self.is_proven = False
        self._all = asyncio.Semaphore(CONNECTIONS)
        self._first = asyncio.Lock()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        async with self._all:
            if self.is_proven:
                yield
                return
            async with self._first:
                yield
