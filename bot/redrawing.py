"""Keeping posted messages true: cards of bills, and the progress of a run."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from bot.posting import Interrupted
from bot.slack import Gateway, Kind, SlackTrouble
from bot.timings import Timings
from handlers.views import card, replies
from handlers.views.kit import Message
from models import gather, month_end, postings
from models.announce import Posting, PostingState
from models.base import Database
from models.month_end import Rules
from models.refusals import Refusal

log = structlog.get_logger()


class Painter:
    """Draws posted messages anew."""

    def __init__(self, db: Database, slack: Gateway) -> None:
        self._db = db
        self._slack = slack

    async def redraw(self, bill_id: int) -> None:
        """Bring every posted card of the bill up to date; those that are already stay alone.

        A card that cannot be changed any more is marked `failed`. Trouble with one card is
        raised after the others have had their turn.
        """
        async with self._db.transaction() as session:
            behind = await postings.behind(session, bill_id)
            if not behind.cards:
                return
            (facts,) = await gather.bill_facts(session, [bill_id])
        message = card.bill_card(facts)
        troubles = []
        for posting in behind.cards:
            try:
                await self._update(posting, message, behind.actions)
            except SlackTrouble as trouble:
                troubles.append(trouble)
        if troubles:
            raise max(troubles, key=lambda trouble: trouble.retry_after_s)

    async def redraw_run(self, run_id: int) -> None:
        """Bring a run's message up to date; if it is still on its way, that is trouble."""
        async with self._db.transaction() as session:
            posting = await postings.of_run(session, run_id)
            facts = await month_end.facts(session, run_id)
        if posting is None:
            return
        if posting.state in (PostingState.WAITING, PostingState.SENDING):
            raise SlackTrouble("not_posted_yet", Kind.TRANSIENT)
        if posting.state == PostingState.POSTED:
            await self._update(posting, replies.progress(facts), 0)

    async def _update(self, posting: Posting, message: Message, actions: int) -> None:
        assert posting.channel is not None
        assert posting.ts is not None
        try:
            await self._slack.update(posting.channel, posting.ts, message)
        except SlackTrouble as trouble:
            if trouble.kind is not Kind.PERMANENT:
                raise
            log.error("message cannot be redrawn", posting=posting.key, cause=trouble.code)
            async with self._db.transaction() as session:
                await postings.failed(session, posting, trouble.code)
            return
        async with self._db.transaction() as session:
            await postings.redrawn(session, posting.id, actions)


class Generator:
    """Works runs off, step by step, and shows how far they are."""

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

    async def generate(self, run_id: int, *, last_try: bool = False) -> None:
        """Do what is left of a run. A failure that stays is written on the run, and shown."""
        try:
            await self._work_off(run_id)
        except Interrupted:
            raise
        except Exception as error:
            if last_try or isinstance(error, Refusal):
                await self._fail(run_id, error)
            raise

    async def _work_off(self, run_id: int) -> None:
        shown_at = time.monotonic()
        finished = False
        while not finished:
            if self._stopping.is_set():
                raise Interrupted
            async with self._db.long_transaction() as session:
                step = await month_end.step(session, run_id, self._rules, self._now())
            finished = step.finished
            if not finished and time.monotonic() - shown_at >= self._timings.progress:
                await self._show(run_id)
                shown_at = time.monotonic()

    async def _show(self, run_id: int) -> None:
        """Progress is a courtesy: trouble with it does not stop the run."""
        try:
            await self._painter.redraw_run(run_id)
        except SlackTrouble as trouble:
            log.info("progress not shown", run=run_id, cause=trouble.code)

    async def _fail(self, run_id: int, error: Exception) -> None:
        log.error("run given up", run=run_id, exc_info=error)
        cause = str(error) if isinstance(error, Refusal) else f"The cause: {type(error).__name__}."
        async with self._db.transaction() as session:
            await postings.run_failed(session, run_id, cause)
