"""Posting what was promised: in order, at Slack's pace, and as good as once."""

import asyncio
import hashlib
import math
import time
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

import structlog

from bot.slack.client import ErrorKind, MessageRef, SlackClient, SlackError
from bot.timings import Timings
from bot.worker.content import Content
from bot.worker.errors import Interrupted, Overtaken
from bot.worker.message_content import ASKED_FOR, BULKY, content_of
from handlers.slack.accounts import let_go
from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.blocks.errors import refusal_message
from models.db.columns import Session
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
from models.outbox.elsewhere import UNREACHABLE, leave_recipient
from models.outbox.jobs import defer_post, defer_redraw_message
from models.outbox.messages import Message, MessageState

log = structlog.get_logger()
LOOK_BACK_S = 60.0
"""How far before the moment of sending a message is looked for: clocks differ."""

LOOKS = 2
MOST_ASIDE = 10
"""So many to one recipient are tried beyond a refused one before it is the recipient that fails."""


class MessageSender:
    """Sends waiting messages. One recipient is served by one worker at a time."""

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

    async def post(self, recipient: str, *, tired: bool = False) -> None:
        """Post everything that is due to a recipient, the oldest first.

        What was to be decided where Slack brings nothing is asked elsewhere at once. What it
        refuses for good, or has not taken in a week, is marked `failed` and does not hold up the
        rest. Other trouble is raised, to be tried again in the same order. Once `tired` of that,
        what Slack refuses while it takes others of the recipient's gives way. Each message has a
        job's whole patience, which waiting for a rate limit does not use up: both times what is
        left gets a new job.
        """
        if await self._is_limited(recipient):
            return
        progress = False
        aside: dict[int, SlackError] = {}
        while (message := await self._next(recipient, aside)) is not None:
            try:
                await self._send(message)
            except SlackError as trouble:
                if trouble.kind is ErrorKind.RATE_LIMITED:
                    self._limited_until[recipient] = time.monotonic() + trouble.retry_after_s
                    await self._go_on_later(recipient, math.ceil(trouble.retry_after_s))
                    return
                if trouble.code in UNREACHABLE:
                    await self._leave(recipient, trouble.code)
                if await self._is_over(message, trouble):
                    pass
                elif tired and _is_its_own(trouble) and len(aside) < MOST_ASIDE:
                    aside[message.id] = trouble
                    continue
                elif not progress:
                    raise
                else:
                    await self._go_on_later(recipient)
                    break
            except Overtaken:
                log.warning("overtaken", message=message.identity)
                await self._go_on_later(recipient)
                return
            progress = True
        await self._let_give_way(recipient, aside, progress)

    async def _is_limited(self, recipient: str) -> bool:
        """Whether Slack has named a time for this recipient; then there is a job for that time."""
        wait_s = self._limited_until.get(recipient, 0.0) - time.monotonic()
        if wait_s <= 0:
            self._limited_until.pop(recipient, None)
            return False
        await self._go_on_later(recipient, math.ceil(wait_s))
        return True

    async def _is_over(self, message: Message, trouble: SlackError) -> bool:
        """Give the message up where no waiting helps, or none has for long enough."""
        age_s = (datetime.now(UTC) - message.created_at).total_seconds()
        over = trouble.kind is ErrorKind.PERMANENT or age_s > self._timings.give_up
        if over:
            await self._give_up(message, trouble.code)
        return over

    async def _leave(self, recipient: str, cause: str) -> None:
        """Slack brings nothing there: others are asked at once, whatever becomes of it. Whoever
        has left the workspace, which nobody told us, decides nothing any more.
        """
        gone = await self._who_left(recipient)
        async with self._db.transaction() as session:
            if gone is not None:
                await let_go(session, gone)
            await leave_recipient(session, recipient, cause, self._approvals_channel)

    async def _who_left(self, recipient: str) -> str | None:
        """The Slack id of a recipient who is deactivated there, though active here."""
        if recipient.startswith("channel:"):
            return None
        async with self._db.transaction() as session:
            account = await slack_id_of(session, recipient)
        try:
            known = await self._slack.user_info(account) if account else None
        except SlackError as trouble:
            log.warning("cannot ask who is there", recipient=recipient, cause=trouble.code)
            return None
        return account if known is not None and known.get("deleted") else None

    async def _let_give_way(
        self, recipient: str, aside: dict[int, SlackError], progress: bool
    ) -> None:
        """Where nothing at all went through, it is the recipient that is in trouble."""
        if not aside:
            return
        if not progress:
            raise next(iter(aside.values()))
        wait_s = self._timings.back_off_mending
        for message_id, trouble in aside.items():
            log.error(
                "message gives way", message=message_id, recipient=recipient, cause=trouble.code
            )
            self._aside_until[message_id] = time.monotonic() + wait_s
        await self._go_on_later(recipient, math.ceil(wait_s))

    async def _next(self, recipient: str, aside: Iterable[int]) -> Message | None:
        if self._stopping.is_set():
            raise Interrupted
        now = time.monotonic()
        self._aside_until = {one: until for one, until in self._aside_until.items() if until > now}
        async with self._db.transaction() as session:
            return await next_due(session, recipient, {*aside, *self._aside_until})

    async def _go_on_later(self, recipient: str, delay_s: int = 0) -> None:
        async with self._db.transaction() as session:
            await defer_post(session, recipient, delay_s)

    async def _send(self, message: Message) -> None:
        channel = await self._channel(message.recipient)
        if message.state == MessageState.SENDING:
            ts = await self._look_for(message, channel)
            if ts is not None:
                log.info("message found, not sent again", message=message.identity)
                await self._record(message, MessageRef(channel, ts), 0)
                return
        made = await self._content(message)
        if made is None:
            return
        content, actions = made
        await self._wait_for_turn(channel)
        since = await self._claim(message)
        try:
            where = await self._slack.post(channel, message_key(message), content)
        except SlackError as trouble:
            if trouble.kind is not ErrorKind.UNKNOWN:
                async with self._db.transaction() as session:
                    await release_claim(session, message, since)
            raise
        await self._record(message, where, actions)

    async def _claim(self, message: Message) -> datetime:
        """Take the message for oneself, unless somebody else has.

        A machine that sleeps does not notice, and its work may have been given to another: what
        was claimed long ago, by the clock on the wall, is no longer sent.
        """
        async with self._db.transaction() as session:
            since = await claim(session, message)
            claimed_s = time.time()
        if since is None or time.time() - claimed_s > self._timings.stalled / 2:
            raise Overtaken
        return since

    async def _channel(self, recipient: str) -> str:
        async with self._db.transaction() as session:
            account = await slack_id_of(session, recipient)
        if account is None:
            raise SlackError("no_slack_account", ErrorKind.PERMANENT)
        if recipient.startswith("channel:"):
            return account
        if account not in self._dms:
            self._dms[account] = await self._slack.open_dm(account)
        return self._dms[account]

    async def _look_for(self, message: Message, channel: str) -> str | None:
        """Where a message stands that was on its way when something broke, if it arrived."""
        assert message.claimed_at is not None
        oldest_s = message.claimed_at.timestamp() - LOOK_BACK_S
        try:
            for look in range(LOOKS):
                if look:
                    await asyncio.sleep(self._timings.settle)
                ts = await self._slack.find(channel, message_key(message), oldest_s)
                if ts is not None:
                    return ts
        except SlackError as trouble:
            if trouble.kind is not ErrorKind.PERMANENT and trouble.code != "missing_scope":
                raise
            log.warning("cannot look for a message, so it is sent again", cause=trouble.code)
        return None

    async def _content(self, message: Message) -> tuple[SlackMessage, int] | None:
        """The message, or None where there is nothing to tell or nobody could draw it."""
        try:
            async with self._reading(message) as session:
                made: Content | None = await content_of(session, message)
        except (Refusal, LookupError, ValueError) as error:
            if isinstance(error, Refusal) and message.kind in ASKED_FOR:
                return refusal_message(error), 0
            await self._undrawable(message, error)
            return None
        if made is None:
            async with self._db.transaction() as session:
                await drop(session, message.id)
            return None
        try:
            return made.draw(), made.actions
        except Exception as error:
            await self._undrawable(message, error)
            return None

    def _reading(self, message: Message) -> AbstractAsyncContextManager[Session]:
        bulky = message.kind in BULKY
        return self._db.long_transaction(self._timings.bulk) if bulky else self._db.transaction()

    async def _undrawable(self, message: Message, error: Exception) -> None:
        log.error("message cannot be drawn", message=message.identity, exc_info=error)
        await self._give_up(message, f"not drawn: {type(error).__name__}")

    async def _wait_for_turn(self, channel: str) -> None:
        """At most one message a pace to each channel."""
        now = time.monotonic()
        turn = max(now, self._free_at.get(channel, now))
        self._free_at[channel] = turn + self._timings.pace
        await asyncio.sleep(turn - now)

    async def _record(self, message: Message, where: MessageRef, actions: int) -> None:
        async with self._db.transaction() as session:
            drawn = actions if where.complete else 0
            await mark_sent(session, message, where.channel, where.ts, drawn)
            if not (where.complete or message.bill_id):
                await defer_redraw_message(session, message.id)

    async def _give_up(self, message: Message, cause: str) -> None:
        log.error(
            "message given up", message=message.identity, recipient=message.recipient, cause=cause
        )
        async with self._db.transaction() as session:
            await mark_failed(session, message, cause, self._approvals_channel)


def _is_its_own(trouble: SlackError) -> bool:
    """Whether the message may be what Slack stumbles over, rather than the recipient or the way."""
    return trouble.answered and not trouble.needs_somebody


def message_key(message: Message) -> str:
    """What the message carries: it tells nobody anything, and is the same at every try."""
    return hashlib.sha256(message.identity.encode()).hexdigest()[:32]
