"""Posting what was promised: in order, at Slack's pace, and as good as once."""

import asyncio
import hashlib
import math
import time
from collections.abc import Iterable
from datetime import UTC, datetime

import structlog

from bot.slack.client import ErrorKind, MessageRef, SlackClient, SlackError
from bot.timings import Timings
from bot.worker.errors import Interrupted, Overtaken
from bot.worker.message_content import Content, content_of
from handlers.slack.blocks.block_kit import SlackMessage
from models.db.database import Database
from models.errors import Refusal
from models.outbox.delivery import (
    claim,
    drop,
    mark_failed,
    mark_sent,
    next_due,
    release_claim,
    slack_id_of,
)
from models.outbox.jobs import defer_sending
from models.outbox.messages import Message, MessageState

log = structlog.get_logger()
LOOK_BACK_S = 60.0
"""How far before the moment of sending a message is looked for: clocks differ."""

LOOKS = 2
MOST_ASIDE = 10
"""So many of one place are tried beyond a refused one before the place itself is in doubt."""


class MessageSender:
    """Brings waiting postings to their places. One place is worked on by one poster at a time."""

    def __init__(
        self,
        db: Database,
        slack: SlackClient,
        timings: Timings,
        stopping: asyncio.Event,
        approvals_channel: str | None = None,
    ) -> None:
        """`approvals_channel` gets the cards of people whom Slack cannot reach."""
        self._db = db
        self._slack = slack
        self._timings = timings
        self._stopping = stopping
        self._approvals_channel = approvals_channel
        self._dms: dict[str, str] = {}
        self._free_at: dict[str, float] = {}
        self._limited_until: dict[str, float] = {}
        self._aside_until: dict[int, float] = {}

    async def post(self, place: str, *, tired: bool = False) -> None:
        """Post everything that is due in a place, the oldest first.

        What Slack refuses for good, or has not taken in a week, is marked `failed` and does not
        hold up the rest. Other trouble is raised, to be tried again in the same order. Once
        `tired` of that, what Slack refuses while it takes others of the place gives way to them.
        Each posting has a job's whole patience, which waiting for a rate limit does not use up:
        both times what is left gets a new job.
        """
        if await self._is_limited(place):
            return
        progress = False
        aside: dict[int, SlackError] = {}
        while (posting := await self._next(place, aside)) is not None:
            try:
                await self._send(posting)
            except SlackError as trouble:
                if trouble.kind is ErrorKind.RATE_LIMITED:
                    self._limited_until[place] = time.monotonic() + trouble.retry_after_s
                    await self._go_on_later(place, math.ceil(trouble.retry_after_s))
                    return
                if await self._is_over(posting, trouble):
                    pass
                elif tired and _is_its_own(trouble) and len(aside) < MOST_ASIDE:
                    aside[posting.id] = trouble
                    continue
                elif not progress:
                    raise
                else:
                    await self._go_on_later(place)
                    break
            except Overtaken:
                log.warning("overtaken", posting=posting.key)
                await self._go_on_later(place)
                return
            progress = True
        await self._let_give_way(place, aside, progress)

    async def _is_limited(self, place: str) -> bool:
        """Whether Slack has named a time for this place; then there is a job for that time."""
        wait_s = self._limited_until.get(place, 0.0) - time.monotonic()
        if wait_s <= 0:
            self._limited_until.pop(place, None)
            return False
        await self._go_on_later(place, math.ceil(wait_s))
        return True

    async def _is_over(self, posting: Message, trouble: SlackError) -> bool:
        """Give the posting up where no waiting helps, or none has for long enough."""
        age_s = (datetime.now(UTC) - posting.created_at).total_seconds()
        over = trouble.kind is ErrorKind.PERMANENT or age_s > self._timings.give_up
        if over:
            await self._give_up(posting, trouble.code)
        return over

    async def _let_give_way(self, place: str, aside: dict[int, SlackError], progress: bool) -> None:
        """Where nothing at all went through, it is the place that is in trouble."""
        if not aside:
            return
        if not progress:
            raise next(iter(aside.values()))
        wait_s = self._timings.back_off_mending
        for posting_id, trouble in aside.items():
            log.error("posting gives way", posting=posting_id, place=place, cause=trouble.code)
            self._aside_until[posting_id] = time.monotonic() + wait_s
        await self._go_on_later(place, math.ceil(wait_s))

    async def _next(self, place: str, aside: Iterable[int]) -> Message | None:
        if self._stopping.is_set():
            raise Interrupted
        now = time.monotonic()
        self._aside_until = {one: until for one, until in self._aside_until.items() if until > now}
        async with self._db.transaction() as session:
            return await next_due(session, place, {*aside, *self._aside_until})

    async def _go_on_later(self, place: str, delay_s: int = 0) -> None:
        async with self._db.transaction() as session:
            await defer_sending(session, place, delay_s)

    async def _send(self, posting: Message) -> None:
        channel = await self._channel(posting.place)
        if posting.state == MessageState.SENDING:
            ts = await self._look_for(posting, channel)
            if ts is not None:
                log.info("message found, not sent again", posting=posting.key)
                await self._record(posting, MessageRef(channel, ts), 0)
                return
        made = await self._draft(posting)
        if made is None:
            return
        message, actions = made
        await self._wait_for_turn(channel)
        since = await self._claim(posting)
        try:
            standing = await self._slack.post(channel, message_key(posting), message)
        except SlackError as trouble:
            if trouble.kind is not ErrorKind.UNKNOWN:
                async with self._db.transaction() as session:
                    await release_claim(session, posting, since)
            raise
        await self._record(posting, standing, actions)

    async def _claim(self, posting: Message) -> datetime:
        """Take the posting for oneself, unless somebody else has.

        A machine that sleeps does not notice, and its work may have been given to another: what
        was claimed long ago, by the clock on the wall, is no longer sent.
        """
        async with self._db.transaction() as session:
            since = await claim(session, posting)
            claimed_s = time.time()
        if since is None or time.time() - claimed_s > self._timings.stalled / 2:
            raise Overtaken
        return since

    async def _channel(self, place: str) -> str:
        async with self._db.transaction() as session:
            account = await slack_id_of(session, place)
        if account is None:
            raise SlackError("no_slack_account", ErrorKind.PERMANENT)
        if place.startswith("channel:"):
            return account
        if account not in self._dms:
            self._dms[account] = await self._slack.open_dm(account)
        return self._dms[account]

    async def _look_for(self, posting: Message, channel: str) -> str | None:
        """The message of a posting that was on its way when something broke, if it arrived."""
        assert posting.sending_since is not None
        oldest_s = posting.sending_since.timestamp() - LOOK_BACK_S
        try:
            for look in range(LOOKS):
                if look:
                    await asyncio.sleep(self._timings.settle)
                ts = await self._slack.find(channel, message_key(posting), oldest_s)
                if ts is not None:
                    return ts
        except SlackError as trouble:
            if trouble.kind is not ErrorKind.PERMANENT and trouble.code != "missing_scope":
                raise
            log.warning("cannot look for a message, so it is sent again", cause=trouble.code)
        return None

    async def _draft(self, posting: Message) -> tuple[SlackMessage, int] | None:
        """The message, or None where there is nothing to tell or nobody could draw it."""
        try:
            async with self._db.transaction() as session:
                made: Content | None = await content_of(session, posting)
        except (Refusal, LookupError, ValueError) as error:
            await self._undrawable(posting, error)
            return None
        if made is None:
            async with self._db.transaction() as session:
                await drop(session, posting.id)
            return None
        try:
            return made.draw(), made.actions
        except Exception as error:
            await self._undrawable(posting, error)
            return None

    async def _undrawable(self, posting: Message, error: Exception) -> None:
        log.error("posting cannot be drawn", posting=posting.key, exc_info=error)
        await self._give_up(posting, f"not drawn: {type(error).__name__}")

    async def _wait_for_turn(self, channel: str) -> None:
        """At most one message a pace to each channel."""
        now = time.monotonic()
        turn = max(now, self._free_at.get(channel, now))
        self._free_at[channel] = turn + self._timings.pace
        await asyncio.sleep(turn - now)

    async def _record(self, posting: Message, standing: MessageRef, actions: int) -> None:
        async with self._db.transaction() as session:
            await mark_sent(session, posting, standing.channel, standing.ts, actions)

    async def _give_up(self, posting: Message, cause: str) -> None:
        log.error("posting given up", posting=posting.key, place=posting.place, cause=cause)
        async with self._db.transaction() as session:
            await mark_failed(session, posting, cause, self._approvals_channel)


def _is_its_own(trouble: SlackError) -> bool:
    """Whether the message may be what Slack stumbles over, rather than the place or the way."""
    return trouble.answered and not trouble.needs_somebody


def message_key(posting: Message) -> str:
    """What the message carries: it tells nobody anything, and is the same at every try."""
    return hashlib.sha256(posting.key.encode()).hexdigest()[:32]
