"""Slack's payloads by WebSocket, and the watch over that socket."""

import asyncio
import time
from contextlib import suppress

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.slack.hearing import MALFORMED, hear
from bot.slack.lasting_client import LastingClient
from bot.timings import Timings

log = structlog.get_logger()


class CountingHandler(AsyncSocketModeHandler):
    """Knows whether envelopes are being worked on. While `draining` it leaves new ones
    unacknowledged, so that Slack gives them to somebody else.
    """

    client: LastingClient

    def __init__(self, bolt: AsyncApp, app_token: str, ping_s: float) -> None:
        """As the handler it comes from, but for its client."""
        self.app, self.app_token = bolt, app_token
        self.client = LastingClient(
            app_token, logger=bolt.logger, web_client=bolt.client, ping_interval=ping_s
        )
        self.client.socket_mode_request_listeners.append(self.handle)  # type: ignore[arg-type]
        self._at_work = 0
        self.draining = False
        self.idle = asyncio.Event()
        self.idle.set()

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        if self.draining:
            return
        self._at_work += 1
        self.idle.clear()
        try:
            await send_async_response(client, req, await self._answer(req), time.time())
        finally:
            self._at_work -= 1
            if not self._at_work:
                self.idle.set()

    async def _answer(self, req: SocketModeRequest) -> BoltResponse:
        """What is malformed is received all the same: brought again, it would be no better."""
        answer = await hear(self.app, req.payload, build_headers(req))
        return BoltResponse(status=200, body="") if answer.status == MALFORMED else answer


class Socket:
    """One connection, kept up: Slack ends each of them every few hours."""

    def __init__(self, bolt: AsyncApp, app_token: str, timings: Timings) -> None:
        self._handler = CountingHandler(bolt, app_token, timings.ping)
        self._timings = timings
        self._tasks: list[asyncio.Task[None]] = []
        self.hopeless = asyncio.Event()
        """Set when there has been no connection for so long that only a new start can help."""
        self.returned = asyncio.Event()
        """Set with each connection that comes after none: what was said meanwhile was not heard."""

    async def start(self) -> None:
        """Begin to connect. This never fails: it is tried until it succeeds."""
        watch = asyncio.create_task(self._watch(), name="socket's watchdog")
        watch.add_done_callback(self._without_watch)
        self._tasks = [asyncio.create_task(self._connect(), name="socket"), watch]

    def _without_watch(self, watch: asyncio.Task[None]) -> None:
        if not watch.cancelled():
            log.error("nobody watches the socket, giving up", exc_info=watch.exception())
            self.hopeless.set()

    async def _connect(self) -> None:
        await self._handler.client.connect()  # type: ignore[no-untyped-call]

    async def is_connected(self) -> bool:
        return bool(await self._handler.client.is_connected())

    async def _watch(self) -> None:
        """The client asks a used-up address again for ever; taking it away makes it ask anew."""
        down_since = asked_at = time.monotonic()
        was_down = True
        while True:
            await asyncio.sleep(self._timings.watch)
            now = time.monotonic()
            if await self.is_connected():
                down_since = asked_at = now
                self.hopeless.clear()
                if was_down:
                    self.returned.set()
                was_down = False
                continue
            was_down = True
            if now - asked_at >= self._timings.reconnect:
                log.warning("no socket, asking for a new address", down_s=round(now - down_since))
                self._handler.client.wss_uri = None
                asked_at = now
            if now - down_since >= self._timings.hopeless:
                log.error("no socket, giving up", down_s=round(now - down_since))
                self.hopeless.set()

    async def drain(self, deadline_s: float) -> None:
        """Connect no more, take on nothing, finish what was begun, and hang up."""
        client = self._handler.client
        client.default_auto_reconnect_enabled = client.auto_reconnect_enabled = False
        self._handler.draining = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._handler.idle.wait(), deadline_s)
        await self._handler.client.close()
