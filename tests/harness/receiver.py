"""Somebody who is told by webhook, on a port of their own, and checks what comes with the library
that receivers use.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def verified(self, secret: str) -> Any:
        """What it says; raises where `secret` has not signed it."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """Answers 200, unless it is told what to answer next, one request after the other, or `always`
    something else.
    """

    address: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    always: Answer | None = None

    async def hear(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(request.path, headers, await request.text()))
        answer = self.answers.pop(0) if self.answers else self.always
        return await answer(request) if answer else web.Response(text="Thank you")

    @property
    def events(self) -> list[str]:
        return [one.json["type"] for one in self.received]


def status(code: int, text: str = "", **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=code, text=text, headers=headers)

    return answer


async def hang(_: web.Request) -> web.Response:
    await asyncio.sleep(3600)
    raise AssertionError


async def cut_off(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def receiver(host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    """One that is there until the block ends."""
    here = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", here.hear)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    port = runner.addresses[0][1]
    here.address = f"http://{host}:{port}/hook"
    try:
        yield here
    finally:
        await runner.cleanup()
