"""Keeping posted messages true: cards of bills, and the progress of a run."""

import math
import time

import structlog

from bot.drafts import draft
from bot.slack import Gateway, Kind, SlackTrouble
from bot.timings import Timings
from handlers.views import card, replies
from handlers.views.kit import Message
from models import announce, gather, month_end, postings
from models.announce import Posting, PostingState
from models.base import Database

log = structlog.get_logger()


class Painter:
    """Draws posted messages anew."""

    def __init__(self, db: Database, slack: Gateway, timings: Timings) -> None:
        self._db = db
        self._slack = slack
        self._timings = timings

    async def redraw(self, bill_id: int) -> None:
        """Bring every posted card of the bill up to date; those that are already stay alone.

        The digests that list it are promised to be redrawn.

        A card that cannot be changed any more is marked `failed`. One that is in trouble is tried
        again by itself, so that it holds up neither the others nor what is to be drawn later. A
        rate limit is for all of them, and raised after each has had its turn.
        """
        async with self._db.transaction() as session:
            for digest_id in await postings.digests_of(session, bill_id):
                await announce.digest_moved(session, digest_id)
        limit = None
        for posting, trouble in await self._bring_up(bill_id):
            if trouble.kind is Kind.RATE_LIMITED:
                limit = trouble
                continue
            log.warning("card lags behind", posting=posting.key, cause=trouble.code)
            async with self._db.transaction() as session:
                wait_s = math.ceil(self._timings.back_off_first)
                await announce.card_lags(session, bill_id, posting.id, time.time(), wait_s)
        if limit:
            raise limit

    async def redraw_card(self, bill_id: int, posting_id: int, since_s: float) -> None:
        """Bring one card up to date. After a week in trouble it is given up."""
        for posting, trouble in await self._bring_up(bill_id, posting_id):
            if time.time() - since_s <= self._timings.give_up:
                raise trouble
            await self._give_up(posting, trouble)

    async def _bring_up(
        self, bill_id: int, only: int | None = None
    ) -> list[tuple[Posting, SlackTrouble]]:
        """Redraw what is behind; returns what could not be, and why."""
        async with self._db.transaction() as session:
            behind = await postings.behind(session, bill_id, only)
            if not behind.cards:
                return []
            (facts,) = await gather.bill_facts(session, [bill_id])
        message = card.bill_card(facts)
        troubles = []
        for posting in behind.cards:
            try:
                await self._update(posting, message, behind.actions)
            except SlackTrouble as trouble:
                troubles.append((posting, trouble))
        return troubles

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

    async def redraw_digest(self, posting_id: int) -> None:
        """Show in a posted digest what still waits, or that nothing does."""
        async with self._db.transaction() as session:
            posting = await session.get_one(Posting, posting_id)
            made = await draft(session, posting)
        if posting.state == PostingState.POSTED and made is not None:
            await self._update(posting, made.draw(), 0)

    async def _update(self, posting: Posting, message: Message, actions: int) -> None:
        assert posting.channel is not None
        assert posting.ts is not None
        try:
            await self._slack.update(posting.channel, posting.ts, message)
        except SlackTrouble as trouble:
            if trouble.kind is not Kind.PERMANENT:
                raise
            await self._give_up(posting, trouble)
            return
        async with self._db.transaction() as session:
            await postings.redrawn(session, posting, actions)

    async def _give_up(self, posting: Posting, trouble: SlackTrouble) -> None:
        log.error("message cannot be redrawn", posting=posting.key, cause=trouble.code)
        async with self._db.transaction() as session:
            await postings.failed(session, posting, trouble.code)
