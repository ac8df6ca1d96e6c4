"""The browser side on a port of its own, and people who ask it without a browser."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import aiohttp
from fastapi import FastAPI

from bot.web_server import WebServer, make_web_app, serve_people
from handlers.http.services import HttpServices
from handlers.web import app as pages
from models.db.database import Database
from models.people.passwords import Passwords
from models.people.sessions import open_session
from models.people.users import User
from models.settings import BillingSettings
from tests.harness.slack_people import NOW

PUBLIC_URL = "https://bills.example"
"""Where people reach the pages, as Slack's words have it."""

NOT_YET_SERVED = "http:"
STOP_S = 2.0
FEWEST_ROUNDS = 4
"""Of bcrypt: in earnest it takes 256 times as long."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Visitor:
    """Somebody with a cookie jar who follows no redirects; `token` goes along as a bearer's."""

    def __init__(self, base: str, http: aiohttp.ClientSession, token: str | None = None) -> None:
        self.base = base
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        """`more` as aiohttp takes it: `json`, `data`, `headers`, `params`."""
        headers = self._headers | more.pop("headers", {})
        asked = self._http.request(
            method, self.base + path, headers=headers, allow_redirects=False, **more
        )
        async with asked as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, **more: Any) -> Answer:
        return await self.ask("POST", path, **more)

    async def patch(self, path: str, **more: Any) -> Answer:
        return await self.ask("PATCH", path, **more)

    async def put(self, path: str, **more: Any) -> Answer:
        return await self.ask("PUT", path, **more)

    async def delete(self, path: str, **more: Any) -> Answer:
        return await self.ask("DELETE", path, **more)


class BrowserSide:
    """Where it is served, and whoever comes there."""

    def __init__(self, base: str, services: HttpServices) -> None:
        self.base = base
        self.services = services
        self._jars: list[aiohttp.ClientSession] = []

    def visitor(self, token: str | None = None) -> Visitor:
        http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._jars.append(http)
        return Visitor(self.base, http, token)

    async def token(self, user: User) -> str:
        """Signs this person in on a new device."""
        async with self.services.db.transaction() as session:
            return await open_session(session, user, self.services.now())

    async def signed_in(self, user: User) -> Visitor:
        """A browser in which this person is signed in."""
        visitor = self.visitor()
        token = await self.token(user)
        visitor._http.cookie_jar.update_cookies({"session": token})
        return visitor

    async def close(self) -> None:
        for http in self._jars:
            await http.close()


class _Hurried(WebServer):
    """Ends at once: uvicorn takes a fifth of a second to, even where it serves nobody."""

    async def stop(self, deadline_s: float) -> None:
        for listening in self._server.servers:
            listening.close()
        for connection in list(self._server.server_state.connections):
            connection.shutdown()
        ending = [*self._server.server_state.tasks, *filter(None, [self._task])]
        for task in ending:
            task.cancel()
        await asyncio.wait(ending, timeout=deadline_s)


async def _ready() -> list[str]:
    return []


_idle: defaultdict[Any, list[FastAPI]] = defaultdict(list)
"""Apps that serve nobody now, by what is built into them. What each works out of its routes at its
first requests takes a tenth of a second, which is most of what a short test does.
"""


@contextmanager
def _app(services: HttpServices) -> Iterator[FastAPI]:
    """One that serves people with these."""
    idle = _idle[services.is_secure, tuple(map(id, pages.ROUTERS))]
    if idle:
        web = idle.pop()
        web.state.services = services
    else:
        web = make_web_app(_ready)
        serve_people(web, services)
    yield web
    idle.append(web)


@asynccontextmanager
async def browser_side(
    db: Database,
    *,
    now: Callable[[], datetime] = lambda: NOW,
    billing: BillingSettings | None = None,
    trusted_proxies: Sequence[str] = (),
    **changed: Any,
) -> AsyncIterator[BrowserSide]:
    """Pages and JSON API as the program serves them, without Slack and worker."""
    given = {"passwords": Passwords(FEWEST_ROUNDS), "public_url": NOT_YET_SERVED} | changed
    rules = billing or BillingSettings("CAPPROVALS")
    services = HttpServices(db=db, now=now, billing=rules, **given)
    with _app(services) as web:
        server = _Hurried(web, "127.0.0.1", 0, trusted_proxies)
        base = f"http://127.0.0.1:{server.port}"
        if services.public_url == NOT_YET_SERVED:
            web.state.services = services = replace(services, public_url=base)
        await server.start()
        served = BrowserSide(base, services)
        try:
            yield served
        finally:
            await served.close()
            await server.stop(STOP_S)
