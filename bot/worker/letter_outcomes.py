"""What came of letters, written down however long that takes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

import structlog

from bot.worker.batcher import Batcher
from models.actions.send import Delivered, mark_each_delivered
from models.context import Context, Source, system_context
from models.db.columns import Session
from models.db.database import Database
from models.settings import BillingSettings

log = structlog.get_logger()
Write = Callable[[Session, Context], Awaitable[object]]


class LetterOutcomes:
    """A letter is out, or never will be: what goes wrong here must not have it mailed again."""

    def __init__(
        self,
        db: Database,
        billing: BillingSettings,
        now: Callable[[], datetime],
        again_s: Sequence[float],
    ) -> None:
        """What could not be written down is tried after each of `again_s` seconds."""
        self._db = db
        self._billing = billing
        self._now = now
        self._again_s = again_s
        self._delivered = Batcher(self._record_delivered)

    async def delivered(self, told: Delivered) -> None:
        """The mail server took a letter; those that come at the same moment are written together.

        Where one of them cannot be, as when somebody holds its bill, each is written by itself.
        """
        await self._delivered.ask(told)

    async def _record_delivered(self, told: Sequence[Delivered]) -> Sequence[None]:
        async def write(session: Session, context: Context) -> None:
            await mark_each_delivered(session, context, told)

        if len(told) == 1:
            await self.record(write)
        else:
            await self._write(write, self._db.transaction)
        return [None] * len(told)

    async def record(self, write: Write) -> None:
        """However long somebody else holds the bill. At first on a connection that is open, which
        is far cheaper than a patient one of its own.
        """
        begin: Callable[[], AbstractAsyncContextManager[Session]] = self._db.transaction
        for wait_s in (*self._again_s, None):
            try:
                await self._write(write, begin)
            except Exception:
                if wait_s is None:
                    raise
                log.exception("the outcome of a letter is not written down yet")
                begin = self._db.long_transaction
                await asyncio.sleep(wait_s)
            else:
                return

    async def _write(
        self, write: Write, begin: Callable[[], AbstractAsyncContextManager[Session]]
    ) -> None:
        async with begin() as session:
            act = await system_context(session, self._now(), Source.CLOCK, self._billing)
            await write(session, act)
