"""Keeping posted messages true: cards of bills, and the progress of a run."""

import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import structlog

from bot.metrics import REDRAW
from bot.slack.client import ErrorKind, SlackClient, SlackError
from bot.timings import Timings
from bot.worker.batcher import Batcher
from bot.worker.message_content import content_of
from handlers.slack.blocks.bill_run import run_progress
from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.blocks.card import bill_card
from models.batches.bill_run import progress_messages_of
from models.batches.bill_run_report import run_report
from models.batches.bulk_send_outcome import lists_about
from models.db.columns import Session
from models.db.database import Database
from models.outbox.delivery import (
    Drawing,
    StaleCards,
    mark_all_updated,
    mark_failed,
    mark_updated,
    stale_cards,
)
from models.outbox.digests import digests_of, notices_of
from models.outbox.homes import refresh_homes
from models.outbox.jobs import (
    defer_redraw_answer,
    defer_redraw_card,
    defer_redraw_message,
    drop_answered_updates,
)
from models.outbox.messages import Message, MessageState
from models.outbox.pace import Paced, take_place, take_place_if_free
from models.outbox.private_answers import answers_about
from models.queries.bill_details import BillDetails
from models.queries.bill_loader import load_bill_details

log = structlog.get_logger()


class _Outdated(NamedTuple):
    """A bill as it is, and the cards that show less."""

    behind: StaleCards
    facts: BillDetails


class MessageUpdater:
    """Draws posted messages anew.

    Bills whose jobs run at the same moment are read together, and marked together as drawn.
    """

    def __init__(self, db: Database, slack: SlackClient, timings: Timings) -> None:
        self._db = db
        self._slack = slack
        self._timings = timings
        self._bills = Batcher(self._read)
        self._drawings = Batcher(self._mark)

    async def redraw_cards(self, bill_id: int) -> None:
        """Bring every posted card of the bill up to date; those that are already stay alone.

        The digests that list it are promised to be redrawn.

        A card that cannot be changed any more is marked `failed`. One that is in trouble is tried
        again by itself, so that it holds up neither the others nor what is to be drawn later. A
        rate limit is for all of them, and raised after each has had its turn.
        """
        limit = None
        outdated = await self._bills.ask(bill_id)
        for message, trouble in await self._bring_up(outdated):
            if trouble.kind is ErrorKind.RATE_LIMITED:
                limit = trouble
                continue
            log.warning("card lags behind", message=message.identity, cause=trouble.code)
            async with self._db.transaction() as session:
                wait_s = math.ceil(self._timings.back_off_first)
                await defer_redraw_card(session, bill_id, message.id, time.time(), wait_s)
        if limit:
            raise limit

    async def redraw_card(self, bill_id: int, message_id: int, since_s: float) -> None:
        """Bring one card up to date. After a week in trouble it is given up."""
        async with self._db.transaction() as session:
            outdated = (await _outdated(session, [bill_id])).get(bill_id)
        for message, trouble in await self._bring_up(outdated, message_id):
            if time.time() - since_s <= self._timings.give_up:
                raise trouble
            await self._give_up(message, trouble)

    async def _read(self, bill_ids: Sequence[int]) -> list[_Outdated | None]:
        """What is to be drawn of each, None where nothing is; promises what people were answered
        about them, and after a while their digests, the Homes that show them, what is said of lists
        in which they were sent, and what was told of their troubles.

        One drawing answers all that was promised of a bill by then.
        """
        async with self._db.transaction() as session:
            await drop_answered_updates(session, bill_ids)
            later = math.ceil(self._timings.progress)
            for digest_id in await digests_of(session, bill_ids):
                await defer_redraw_message(session, digest_id, later)
            for list_id in await lists_about(session, bill_ids):
                await defer_redraw_message(session, list_id, later)
            for notice_id in await notices_of(session, bill_ids):
                await defer_redraw_message(session, notice_id, later)
            for answer_id in await answers_about(session, bill_ids):
                await defer_redraw_answer(session, answer_id)
            await refresh_homes(session, bill_ids)
            outdated = await _outdated(session, bill_ids)
        return [outdated.get(bill_id) for bill_id in bill_ids]

    async def _bring_up(
        self, outdated: _Outdated | None, only: int | None = None
    ) -> list[tuple[Message, SlackError]]:
        """Redraw what is behind, or `only` the card of that id; returns what could not be, and
        why.
        """
        if outdated is None:
            return []
        troubles = []
        for message, reader in outdated.behind.cards:
            if only not in (None, message.id):
                continue
            content = bill_card(outdated.facts, reader)
            try:
                await self._update(message, content, outdated.behind.actions)
            except SlackError as trouble:
                troubles.append((message, trouble))
            else:
                since = datetime.now(UTC) - outdated.behind.acted_at
                REDRAW.observe(max(0.0, since.total_seconds()))
        return troubles

    async def redraw_run(self, run_id: int) -> None:
        """Bring a run's messages up to date; one that is still on its way is trouble."""
        async with self._db.long_transaction(self._timings.bulk) as session:
            messages = await progress_messages_of(session, run_id)
            facts = await run_report(session, run_id)
        for message in messages:
            if message.state == MessageState.POSTED:
                await self._update(message, run_progress(facts), 0)
        if any(one.state in (MessageState.WAITING, MessageState.SENDING) for one in messages):
            raise SlackError("not_posted_yet", ErrorKind.TRANSIENT)

    async def redraw_message(self, message_id: int, *, has_place: bool = False) -> None:
        """Draw a posted message anew: a digest shows what still waits, or that nothing does.

        It waits for its place among all such messages of all processes. After a week in trouble it
        is left as it is.
        """
        gap_s = self._timings.courtesy
        if not has_place and gap_s:
            async with self._db.transaction() as session:
                wait_s = await take_place(session, Paced.UPDATES, gap_s)
                if wait_s > 0:
                    await defer_redraw_message(
                        session, message_id, math.ceil(wait_s), has_place=True
                    )
                    return
        await self.redraw_now(message_id)

    async def may_show_progress(self) -> bool:
        """Whether nobody has this moment's place; it is taken with the question."""
        async with self._db.transaction() as session:
            return await take_place_if_free(session, Paced.UPDATES, self._timings.courtesy)

    async def redraw_now(self, message_id: int) -> None:
        """The same of a message that need not wait."""
        async with self._db.long_transaction(self._timings.bulk) as session:
            message = await session.get_one(Message, message_id)
            made = await content_of(session, message)
        if message.state != MessageState.POSTED or made is None:
            return
        try:
            await self._update(message, made.draw(), 0)
        except SlackError:
            age_s = (datetime.now(UTC) - message.created_at).total_seconds()
            if age_s <= self._timings.give_up:
                raise

    async def _update(self, message: Message, content: SlackMessage, actions: int) -> None:
        assert message.channel is not None
        assert message.ts is not None
        try:
            await self._slack.update(message.channel, message.ts, content)
        except SlackError as trouble:
            if trouble.kind is not ErrorKind.PERMANENT:
                raise
            await self._give_up(message, trouble)
            return
        drawing = Drawing(message.id, message.drawn_actions, actions)
        if not await self._drawings.ask(drawing):
            async with self._db.transaction() as session:
                await mark_updated(session, message, actions)

    async def _mark(self, drawings: Sequence[Drawing]) -> list[bool]:
        """Whether each was noted; of two drawings of one message that is the first."""
        first = {one.message_id: one for one in reversed(drawings)}
        async with self._db.transaction() as session:
            marked = await mark_all_updated(session, list(first.values()))
        return [one.message_id in marked and one is first[one.message_id] for one in drawings]

    async def _give_up(self, message: Message, trouble: SlackError) -> None:
        log.error("message cannot be redrawn", message=message.identity, cause=trouble.code)
        async with self._db.transaction() as session:
            await mark_failed(session, message, trouble.code)


async def _outdated(session: Session, bill_ids: Sequence[int]) -> dict[int, _Outdated]:
    behind = await stale_cards(session, bill_ids)
    if not behind:
        return {}
    found = await load_bill_details(session, list(behind))
    return {facts.id: _Outdated(behind[facts.id], facts) for facts in found}
