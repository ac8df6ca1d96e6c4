"""Socket Mode: one-use addresses, hello, envelopes, acknowledgements, disconnects."""

import asyncio
import contextlib
import json
import logging
import secrets
import uuid
from collections.abc import Callable
from itertools import count

from aiohttp import WSMsgType, web

from sandbox.fake_slack.delivery.delivery import Ack, Envelope
from sandbox.fake_slack.shapes import JsonObject
from sandbox.fake_slack.world.faults import Faults
from sandbox.fake_slack.world.slack import Slack
from sandbox.fake_slack.world.workspace import Change

_log = logging.getLogger(__name__)
CONNECTIONS = 10
_TICKET_LIFE_S = 30.0
_CONNECTION_LIFE_S = 18_060


class SocketMode:
    """The server's end of the app's WebSocket connections."""

    def __init__(
        self, slack: Slack, faults: Faults, clock: Callable[[], float], ack_s: float
    ) -> None:
        self._slack = slack
        self._faults = faults
        self._clock = clock
        self._ack_s = ack_s
        self._tickets: dict[str, float] = {}
        self._sockets: dict[web.WebSocketResponse, asyncio.Transport | None] = {}
        self._waiting: dict[str, asyncio.Future[Ack]] = {}
        self._turn = count()

    @property
    def connected(self) -> bool:
        return bool(self._sockets)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/link/", self.handle)]

    def address(self) -> str:
        """A WebSocket address for one connection, to be used within half a minute."""
        ticket = str(uuid.uuid4())
        self._tickets[ticket] = self._clock() + _TICKET_LIFE_S
        host = self._slack.base_url.replace("http", "ws", 1)
        return f"{host}/link/?ticket={ticket}&app_id={self._slack.installation.app_id}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        expires = self._tickets.pop(request.query.get("ticket", ""), 0.0)
        if self._faults.refuses_socket():
            return web.Response(status=503)
        if expires < self._clock():
            return web.Response(status=404)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self._sockets) >= CONNECTIONS:
            await self._dismiss(socket, "too_many_websockets")
            return socket
        self._sockets[socket] = request.transport
        self._slack.workspace.changed(Change())
        try:
            await socket.send_json(self._hello())
            if self._faults.drops_socket():
                await self.drop()
            await self._listen(socket)
        finally:
            self._forget(socket)
        return socket

    def _hello(self) -> JsonObject:
        return {
            "type": "hello",
            "num_connections": len(self._sockets),
            "debug_info": {
                "host": f"applink-{secrets.token_hex(3)}",
                "build_number": 1,
                "approximate_connection_time": _CONNECTION_LIFE_S,
            },
            "connection_info": {"app_id": self._slack.installation.app_id},
        }

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                continue
            try:
                answer = json.loads(frame.data)
            except ValueError:
                _log.warning("the app sent something that is not JSON: %.200s", frame.data)
                continue
            waiting = self._waiting.get(answer.get("envelope_id", ""))
            if waiting is None:
                _log.info("the app acknowledged an unknown envelope: %.200s", frame.data)
            elif not waiting.done():
                waiting.set_result(Ack(payload=answer.get("payload")))

    async def send(self, envelope: Envelope) -> Ack:
        if not self._sockets:
            return Ack("no_connection")
        socket = list(self._sockets)[next(self._turn) % len(self._sockets)]
        envelope_id = str(uuid.uuid4())
        waiting: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = waiting
        try:
            await socket.send_json(_envelope_json(envelope_id, envelope))
            return await asyncio.wait_for(waiting, self._ack_s)
        except TimeoutError:
            return Ack("timeout")
        except ConnectionError:
            self._forget(socket)
            return Ack("connection_failed")
        finally:
            del self._waiting[envelope_id]

    async def disconnect(self, reason: str) -> None:
        """Announces the end of every connection, as Slack does before a refresh."""
        for socket in list(self._sockets):
            if reason == "warning":
                await socket.send_json(_disconnect(reason))
            else:
                await self._dismiss(socket, reason)

    async def drop(self) -> None:
        """Cuts every connection without a word."""
        for socket, transport in list(self._sockets.items()):
            self._forget(socket)
            if transport is not None:
                transport.abort()

    async def stop(self) -> None:
        for socket in list(self._sockets):
            with contextlib.suppress(ConnectionError, RuntimeError):
                await asyncio.wait_for(socket.close(), 1)
        self._sockets.clear()

    async def _dismiss(self, socket: web.WebSocketResponse, reason: str) -> None:
        with contextlib.suppress(ConnectionError):
            await socket.send_json(_disconnect(reason))
            await socket.close()
        self._forget(socket)

    def _forget(self, socket: web.WebSocketResponse) -> None:
        if socket in self._sockets:
            del self._sockets[socket]
            self._slack.workspace.changed(Change())


def _envelope_json(envelope_id: str, envelope: Envelope) -> JsonObject:
    described: JsonObject = {
        "envelope_id": envelope_id,
        "payload": envelope.payload,
        "type": envelope.kind,
        "accepts_response_payload": envelope.wants_answer,
    }
    if envelope.kind == "events_api":
        described["retry_attempt"] = envelope.retry_attempt
        described["retry_reason"] = envelope.retry_reason
    return described


def _disconnect(reason: str) -> JsonObject:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink"}}
