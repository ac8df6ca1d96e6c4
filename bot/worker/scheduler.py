"""The clock: asks the database again and again what is due, in every worker.

APScheduler only keeps the tempo. What is due, and that it is done once however many ask, is in
`models/schedule`.
"""

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.timings import Timings
from bot.worker.interruption import log_interrupted
from models.context import Context, Source, system_context
from models.db.columns import Session
from models.db.database import Database
from models.schedule.due import Outcome, Scheduled, do_if_due, due
from models.settings import BillingSettings

log = structlog.get_logger()

STEPS_A_TICK = 5
"""So many steps of one kind are done at a tick, so that no other waits long for it."""


class Scheduler:
    """Ticks until it is stopped. A tick that was missed is not made up for: the next asks anew."""

    def __init__(
        self,
        db: Database,
        billing: BillingSettings,
        now: Callable[[], datetime],
        timings: Timings,
    ) -> None:
        self._db = db
        self._billing = billing
        self._now = now
        self._timings = timings
        self._stopping = False
        self._ticking = asyncio.Lock()
        self._tempo = AsyncIOScheduler(timezone=UTC)

    def start(self) -> None:
        """The first tick is at once; where `tick` is infinite there is none."""
        if math.isinf(self._timings.tick):
            return
        self._tempo.add_job(
            self.tick,
            IntervalTrigger(seconds=self._timings.tick, timezone=UTC),
            next_run_time=datetime.now(UTC),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        self._tempo.start()

    async def stop(self, deadline_s: float) -> None:
        """Lets the transaction end that is under way, for so long."""
        self._stopping = True
        if not self._tempo.running:
            return
        self._tempo.pause()
        try:
            async with asyncio.timeout(deadline_s), self._ticking:
                pass
        except TimeoutError:
            log.warning("ended by force", loop="scheduler")
        self._tempo.shutdown(wait=False)

    async def tick(self) -> None:
        """Ask what is due, and do it; trouble with one kind keeps no other from being done."""
        async with self._ticking:
            try:
                async with self._db.transaction() as session:
                    kinds = await due(session, await self._context(session))
            except Exception as error:
                log_interrupted("what is due is not known", error)
                return
            for one in kinds:
                await self._try(one)

    async def _try(self, one: Scheduled) -> None:
        try:
            for _ in range(STEPS_A_TICK):
                if self._stopping or not (await self._step(one)).is_left:
                    return
        except Exception as error:
            log_interrupted("scheduled work interrupted", error, kind=one.kind)

    async def _step(self, one: Scheduled) -> Outcome:
        async with self._db.long_transaction(self._timings.bulk) as session:
            outcome = await do_if_due(session, one, await self._context(session))
        done = {what: count for what, count in outcome.counts.items() if count}
        if done:
            log.info("scheduled work done", kind=one.kind, **done)
        return outcome

    async def _context(self, session: Session) -> Context:
        return await system_context(session, self._now(), Source.CLOCK, self._billing)
