"""Letters go out no faster than is set, whichever worker has them."""

import asyncio
from contextlib import suppress
from datetime import datetime

from bot.worker.errors import Interrupted
from models.db.database import Database
from models.outbox.mail_pause import find_pause
from models.outbox.pace import Paced, take_place


class Pace:
    """One letter in `gap_s` seconds, of all workers together; 0: as fast as they go.

    One letter of ours waits for its place at a time, so that whoever ends leaves one place empty.
    """

    def __init__(self, db: Database, gap_s: float, stopping: asyncio.Event) -> None:
        self._db = db
        self._gap_s = gap_s
        self._stopping = stopping
        self._turn = asyncio.Lock()

    async def keep(self, now: datetime) -> None:
        """Returns when a letter may go out, and at once where a pause holds them all; raises
        Interrupted where the program ends before.
        """
        if not self._gap_s:
            return
        async with self._turn:
            async with self._db.transaction() as session:
                pause = await find_pause(session)
                if pause is not None and pause.until > now:
                    return
                wait_s = await take_place(session, Paced.LETTERS, self._gap_s)
            if wait_s > 0:
                await self._wait(wait_s)

    async def _wait(self, wait_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), wait_s)
            raise Interrupted
