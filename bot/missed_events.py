"""What Slack brought to nobody is looked for: replies under open cards, and accounts.

Slack brings an event for some minutes at most. After an outage, and a few times a day, one of all
programs reads what was written under open cards since the last look, and who people are by now, and
hands on what nobody heard as if Slack had brought it.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from bot.slack.client import ErrorKind, SlackClient, SlackError, ask_slack
from bot.slack.socket_mode import Socket
from bot.timings import Timings
from bot.worker.interruption import log_interrupted
from handlers.slack import accounts
from handlers.slack.context import Services
from handlers.slack.thread import OK, handle_message, read
from models.people.users import slack_ids_of_people
from models.queries.open_threads import OpenCards, open_threads, places_of_open_cards
from models.schedule.heard_replies import forget_refused, is_heard
from models.schedule.scheduled_work import claim, keep_position, mark_done, position

log = structlog.get_logger()
KIND = "missed_replies"
EVERY, AFTER_AN_OUTAGE = timedelta(hours=6), timedelta(minutes=10)
OVERLAP_S = 3_600
"""What was written while the last look went on is looked at again."""
PAGE, MOST_PAGES = 200, 50

Json = dict[str, Any]


@dataclass
class Look:
    """`since` and `newest` in seconds of Slack's clock; `whole`: nothing has to be tried again."""

    since: int
    newest: int
    whole: bool = True
    found: int = 0


class MissedEvents:
    """Looks until it is stopped."""

    def __init__(
        self, services: Services, slack: SlackClient, timings: Timings, socket: Socket | None = None
    ) -> None:
        """Without a `socket` only the start counts as the end of an outage."""
        self._services = services
        self._slack = slack
        self._timings = timings
        self._returned = socket.returned if socket else asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Where `missed` is infinite, nobody looks."""
        self._returned.set()
        if not math.isinf(self._timings.missed):
            self._looking = asyncio.create_task(self._go_on(), name="missed events")

    async def stop(self) -> None:
        """A look that is called off is made again."""
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    async def _go_on(self) -> None:
        while True:
            try:
                if await self._is_due():
                    await self.look()
            except Exception as error:
                log_interrupted("what was missed was not looked for", error)
                self._returned.set()
            await asyncio.sleep(self._timings.missed)

    async def _is_due(self) -> bool:
        every = AFTER_AN_OUTAGE if self._returned.is_set() else EVERY
        async with self._services.db.transaction() as session:
            now = self._services.now()
            if not await claim(session, KIND, every, now):
                return False
            await mark_done(session, KIND, now)
        self._returned.clear()
        return True

    async def look(self) -> int:
        """How many replies were found that nobody had heard."""
        async with self._services.db.transaction() as session:
            upto = await position(session, KIND)
            places = await places_of_open_cards(session)
            people = await slack_ids_of_people(session)
        look = Look(since=max(0, upto - OVERLAP_S), newest=upto)
        for place in places:
            await self._try(look, self._look_at(look, place), channel=place.channel)
        for slack_user_id in people:
            await self._try(look, self._ask_who(slack_user_id), user=slack_user_id)
        if look.whole:
            async with self._services.db.transaction() as session:
                await keep_position(session, KIND, look.newest)
                await forget_refused(session, self._services.now())
        else:
            self._returned.set()
        if look.found:
            log.info("missed replies taken in", replies=look.found)
        return look.found

    async def _try(self, look: Look, looking: Awaitable[None], **at: str) -> None:
        """A conversation that the bot cannot see any more keeps no other from being looked at."""
        try:
            await looking
        except SlackError as trouble:
            log.warning("not looked at", cause=trouble.code, **at)
            look.whole &= trouble.kind is ErrorKind.PERMANENT or trouble.needs_somebody

    async def _ask_who(self, slack_user_id: str) -> None:
        """Whether they have left or are back, where they are, and whether they are away."""
        answer = await self._ask(partial(self._slack.asking.users_info, user=slack_user_id))
        await accounts.changed(self._services, answer["user"])

    async def _look_at(self, look: Look, place: OpenCards) -> None:
        """A conversation tells which of its threads have new replies: only these are read."""
        asking = self._slack.asking
        latest = {}
        heads = self._pages(
            asking.conversations_history,
            channel=place.channel,
            oldest=place.oldest,
            inclusive=True,
        )
        async for head in heads:
            if float(head.get("latest_reply") or 0) > look.since:
                latest[str(head["ts"])] = int(float(head["latest_reply"]))
        async with self._services.db.transaction() as session:
            threads = await open_threads(session, place.channel, latest)
        for thread in threads:
            replies = self._pages(
                asking.conversations_replies,
                channel=place.channel,
                ts=thread,
                oldest=f"{look.since}.000000",
            )
            async for reply in replies:
                await self._take_in(look, place.channel, reply)
            look.newest = max(look.newest, latest[thread])

    async def _take_in(self, look: Look, channel: str, reply: Json) -> None:
        event = {**reply, "type": "message", "channel": channel}
        said = read(event)
        if said is None:
            return
        async with self._services.db.transaction() as session:
            if await is_heard(session, channel, said.ts, said.edited_ts):
                return
        body = {"type": "event_callback", "event": event}
        receipt = await handle_message(self._services, body)
        look.whole &= receipt.status == OK
        look.found += 1

    async def _pages(self, ask: Callable[..., Awaitable[Any]], **asked: Any) -> AsyncIterator[Json]:
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._ask(partial(ask, limit=PAGE, cursor=cursor, **asked))
            for message in page["messages"]:
                yield message
            cursor = page.get("response_metadata", {}).get("next_cursor")
            if not cursor:
                return
        log.warning("looked back far enough", channel=asked["channel"], pages=MOST_PAGES)

    async def _ask(self, call: Callable[[], Awaitable[Any]]) -> Json:
        """Nobody waits for the answer, so it is asked for at leisure."""
        while True:
            await asyncio.sleep(self._timings.courtesy)
            try:
                return await ask_slack(call())
            except SlackError as trouble:
                if trouble.kind is not ErrorKind.RATE_LIMITED:
                    raise
                await asyncio.sleep(trouble.retry_after_s)
