"""Brings payloads to the app and its answers back: three seconds, retries for events alone."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.fake_slack.delivery.payloads import event_callback, message_event
from sandbox.fake_slack.shapes import JsonObject
from sandbox.fake_slack.world.faults import Faults
from sandbox.fake_slack.world.slack import Slack
from sandbox.fake_slack.world.workspace import Conversation

ACK_S = 3.0
RETRY_DELAYS_S = (0.0, 60.0, 300.0)
_HELD_BACK_S = 0.5


@dataclass(frozen=True)
class Envelope:
    """One payload on its way. `kind` is its type in Socket Mode."""

    kind: str
    payload: JsonObject
    wants_answer: bool = False
    retry_attempt: int = 0
    retry_reason: str = ""


@dataclass(frozen=True)
class Ack:
    """What came back: `error` is empty when the app took the payload in time."""

    error: str = ""
    payload: Any = None
    final: bool = False

    @property
    def ok(self) -> bool:
        return not self.error


class Transport(Protocol):
    """Socket Mode or signed HTTP."""

    @property
    def connected(self) -> bool: ...

    async def send(self, envelope: Envelope) -> Ack: ...


class Delivery:
    """Sends commands and interactions once, events until they are taken or given up."""

    def __init__(
        self,
        slack: Slack,
        transport: Transport,
        faults: Faults,
        retry_delays_s: Sequence[float] = RETRY_DELAYS_S,
    ) -> None:
        self._slack = slack
        self._transport = transport
        self._faults = faults
        self._retry_delays_s = retry_delays_s
        self._tasks: set[asyncio.Task[Any]] = set()
        self._overtaken = asyncio.Event()

    @property
    def connected(self) -> bool:
        return self._transport.connected

    async def ask(self, kind: str, payload: JsonObject, *, wants_answer: bool = True) -> Ack:
        """Delivers a command or interaction, which Slack never repeats."""
        return await self._send(Envelope(kind, payload, wants_answer))

    def message(self, conversation: Conversation, message: JsonObject) -> asyncio.Future[Ack]:
        """Tells the app of a message, an edit or a deletion where it is a member."""
        member = self._slack.installation.bot_user_id in conversation.members
        if not member:
            return _done(Ack())
        return self.event(f"message.{conversation.kind}", message_event(conversation, message))

    def mention(self, conversation: Conversation, message: JsonObject) -> asyncio.Future[Ack]:
        """Tells the app, where it is a member, that somebody addresses it; not in its own DMs."""
        bot = self._slack.installation.bot_user_id
        if (
            conversation.is_im
            or bot not in conversation.members
            or f"<@{bot}" not in message["text"]
        ):
            return _done(Ack())
        event = message_event(conversation, message)
        del event["channel_type"]
        return self.event("app_mention", {**event, "type": "app_mention"})

    def event(self, name: str, event: JsonObject) -> asyncio.Future[Ack]:
        """Starts delivering an event; the future holds the outcome of the first attempt. An
        event the app has not subscribed to counts as taken."""
        if name not in self._slack.installation.events:
            return _done(Ack())
        first: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._spawn(self._deliver_event(event_callback(self._slack, event), first))
        return first

    async def stop(self) -> None:
        """Gives up whatever is still on its way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def forget(self) -> None:
        """Drops the repetitions that are still to come."""
        for task in list(self._tasks):
            task.cancel()

    async def _deliver_event(self, payload: JsonObject, first: asyncio.Future[Ack]) -> None:
        try:
            ack = await self._send(Envelope("events_api", payload))
        except asyncio.CancelledError:
            if not first.done():
                first.set_result(Ack("forgotten"))
            raise
        if not first.done():
            first.set_result(ack)
        for attempt, delay in enumerate(self._retry_delays_s, start=1):
            if ack.ok or ack.final:
                return
            await asyncio.sleep(delay)
            ack = await self._send(
                Envelope("events_api", payload, retry_attempt=attempt, retry_reason=ack.error)
            )

    async def _send(self, envelope: Envelope) -> Ack:
        fault = self._faults.for_envelope()
        if fault == "reorder":
            await self._wait_to_be_overtaken()
        else:
            self._overtaken.set()
            self._overtaken = asyncio.Event()
        if fault == "duplicate":
            self._spawn(self._transport.send(envelope))
        return await self._transport.send(envelope)

    async def _wait_to_be_overtaken(self) -> None:
        try:
            await asyncio.wait_for(self._overtaken.wait(), _HELD_BACK_S)
        except TimeoutError:
            return
        await asyncio.sleep(0.05)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _done(ack: Ack) -> asyncio.Future[Ack]:
    future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
    future.set_result(ack)
    return future
