"""Slack's client of Socket Mode, with one new connection for each that Slack ends."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import structlog
from aiohttp import ClientError, ClientWebSocketResponse, WSMsgType
from slack_sdk.socket_mode.aiohttp import SocketModeClient

log = structlog.get_logger()
LINGER_S = 30.0
"""So long what Slack still sends on a connection that it has announced to end is heard."""


class LastingClient(SocketModeClient):
    """Connects once where the library does so twice: because it was told of the end, and because it
    came. When it is told, the new connection stands before the old one is left, so that what Slack
    sends meanwhile, by either, is heard and answered.
    """

    def __init__(self, app_token: str, **options: Any) -> None:
        super().__init__(app_token, **options)
        self._renewing = asyncio.Lock()
        self._leaving: ClientWebSocketResponse | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def enqueue_message(self, message: str) -> None:
        if _says_goodbye(message):
            self._start(self._renew(self.current_session))
        else:
            await super().enqueue_message(message)

    async def connect_to_new_endpoint(self, force: bool = False) -> None:
        """In the place of a connection that has ended; nothing where that was done meanwhile."""
        ended = self.current_session
        async with self._renewing:
            if self.current_session is ended:
                await super().connect_to_new_endpoint(force)

    async def _renew(self, leaving: ClientWebSocketResponse | None) -> None:
        async with self._renewing, self.connect_operation_lock:
            if self.closed or leaving is None or self.current_session is not leaving:
                return
            self._leaving, self.current_session, self.wss_uri = leaving, None, None
            if self.message_receiver is not None:
                self.message_receiver.cancel()
                await asyncio.wait([self.message_receiver])
            self._start(self._listen_on(leaving))
            await self.connect()  # type: ignore[no-untyped-call]
            self._leaving = None

    async def _listen_on(self, leaving: ClientWebSocketResponse) -> None:
        """Until Slack ends it, or long after it should have."""
        try:
            async with asyncio.timeout(LINGER_S):
                async for frame in leaving:
                    if frame.type is WSMsgType.PING:
                        await leaving.pong(frame.data)
                    elif frame.type is WSMsgType.TEXT and not _says_goodbye(frame.data):
                        await self.enqueue_message(frame.data)
        except (TimeoutError, ClientError, ConnectionError) as end:
            log.info("an old socket has ended", cause=type(end).__name__)
        finally:
            await leaving.close()

    async def is_connected(self) -> bool:
        leaving = self._leaving
        return (leaving is not None and not leaving.closed) or await super().is_connected()

    async def send_message(self, message: str) -> None:
        """By the old connection while there is no other."""
        if self.current_session is None and self._leaving is not None:
            await self._leaving.send_str(message)
        else:
            await super().send_message(message)

    async def close(self) -> None:
        self.closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await super().close()  # type: ignore[no-untyped-call]

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _says_goodbye(message: str) -> bool:
    return '"disconnect"' in message and json.loads(message).get("type") == "disconnect"
