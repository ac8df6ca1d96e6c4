"""Long lists of bills that somebody sends: chunk by chunk, with their progress."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from bot.posting import Interrupted
from bot.redrawing import Painter
from bot.slack import SlackTrouble
from bot.timings import Timings
from models import announce, outbox
from models.base import Database
from models.bills import Source
from models.case import Act
from models.rules import Rules

log = structlog.get_logger()


class Dispatcher:
    """Works lists off that were begun by a click."""

    def __init__(
        self,
        db: Database,
        painter: Painter,
        rules: Rules,
        now: Callable[[], datetime],
        timings: Timings,
        stopping: asyncio.Event,
    ) -> None:
        self._db = db
        self._painter = painter
        self._rules = rules
        self._now = now
        self._timings = timings
        self._stopping = stopping

    async def dispatch(self, list_id: int) -> None:
        """Send what is left of a list; one that was interrupted is gone on with."""
        shown_at = time.monotonic()
        after: int | None = 0
        while after is not None:
            if self._stopping.is_set():
                raise Interrupted
            after = await self._step(list_id, after)
            if after and time.monotonic() - shown_at >= self._timings.progress:
                await self._show(list_id)
                shown_at = time.monotonic()

    async def _step(self, list_id: int, after: int) -> int | None:
        async with self._db.transaction() as session:
            user = await outbox.sender(session, list_id)
            act = Act(user, self._now(), Source.SLACK, self._rules)
            upto = await outbox.step(session, list_id, act, after)
            if upto is None:
                await announce.digest_moved(session, list_id)
        return upto

    async def _show(self, list_id: int) -> None:
        """Progress is a courtesy: trouble with it does not stop the list."""
        try:
            await self._painter.redraw_digest(list_id)
        except SlackTrouble as trouble:
            log.info("progress not shown", list=list_id, cause=trouble.code)
