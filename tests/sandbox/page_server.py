"""The page, served with canned answers: what it is told, and a record of what it sent."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.sandbox.page_sample import (
    BLOCKS,
    COMMANDS,
    NOW,
    USERS,
    Json,
    app_message,
    message,
)

PAGE = Path(__file__).resolve().parents[2] / "sandbox" / "page"


def conversation(channel: str, name: str, user: str | None = None, **more: Any) -> Json:
    shape = {"is_im": user is not None, "is_private": user is not None, "user": user}
    return {"id": channel, "name": name, **shape, "last_ts": None, "topic": "", "unread": 0, **more}


def places(user: str) -> list[Json]:
    """What one person sees: the general channel, their DM with the app, Ana also finance."""
    shared = [conversation("C1", "general", topic="Everything *everybody* should know")]
    own = [conversation("C2", "finance", is_private=True, unread=3)] if user == "U1" else []
    return [*shared, *own, conversation(f"D{user}", "", "UAPP", unread=1)]


@dataclass
class FakeCompany:
    """Served state, which a test may change at will, and the requests the page made."""

    users: list[Json] = field(default_factory=lambda: USERS)
    places: dict[str, list[Json]] = field(
        default_factory=lambda: {one["id"]: places(one["id"]) for one in USERS}
    )
    messages: dict[str, list[Json]] = field(default_factory=dict)
    stacks: dict[str, list[Json]] = field(default_factory=dict)
    homes: dict[str, Json] = field(default_factory=dict)
    mail: list[Json] = field(default_factory=list)
    hint: str | None = None
    posts: list[tuple[str, Json]] = field(default_factory=list)
    answers: dict[str, Json] = field(default_factory=dict)
    listeners: list[asyncio.Queue[Json]] = field(default_factory=list)
    revision: int = 1

    def sent(self, path: str) -> list[Json]:
        return [body for one, body in self.posts if one == path]

    def changed(self, *channels: str, views: bool = False, mail: bool = False) -> None:
        """Tell every open page."""
        self.revision += 1
        change = {"revision": self.revision, "channels": channels, "views": views, "mail": mail}
        for listener in self.listeners:
            listener.put_nowait(change)

    def snapshot(self, user: str) -> Json:
        return {
            "team": {"id": "T1", "name": "Northwind"},
            "me": user,
            "users": self.users,
            "commands": COMMANDS,
            "conversations": self.places[user],
            "views": {"stack": self.stacks.get(user, []), "home": self.homes.get(user)},
            "mail": len(self.mail),
            "bot": {"id": "UAPP", "home_tab": True, "name": "Countersign", "connected": True},
            "hint": self.hint,
            "revision": self.revision,
        }


def sampled() -> FakeCompany:
    """A company with something of everything in it."""
    company = FakeCompany(hint="/bill generate 2017-03")
    root = message(NOW - 4000, "U1", "Who looks after <@U3>? *Thanks* :wave:")
    replies = [
        message(NOW - 3000 + n, "U2", f"Reply {n}", thread_ts=root["ts"], bot_id=None)
        for n in range(2)
    ]
    reactions = [{"name": "thumbsup", "count": 2, "users": ["U1", "U2"]}]
    company.messages["C1"] = [
        {**root, "reply_count": 2, "reactions": reactions},
        *replies,
        message(
            NOW - 90_000 + 89_000, "U5", "&lt;!channel&gt; &lt;script&gt;alert(1)&lt;/script&gt;"
        ),
        app_message(NOW, BLOCKS),
        app_message(NOW + 1, BLOCKS[:2], ephemeral_user="U1"),
    ]
    company.messages["DU1"] = [app_message(NOW, BLOCKS[:4])]
    company.homes["U1"] = {"id": "V9", "type": "home", "blocks": app_message(0, BLOCKS)["blocks"]}
    return company


class PageServer:
    """The routes the page talks to."""

    def __init__(self, company: FakeCompany) -> None:
        self.company = company
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.add_routes(
            [
                web.get("/", _index),
                web.static("/static", PAGE),
                web.get("/_page/snapshot", self._snapshot),
                web.get("/_page/messages", self._messages),
                web.get("/_page/events", self._events),
                web.get("/_control/mail", self._mail),
                web.post("/{path:.*}", self._post),
                web.get("/{path:.*}", _missing),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _snapshot(self, request: web.Request) -> web.Response:
        return web.json_response(self.company.snapshot(request.query.get("user", "U1")))

    async def _messages(self, request: web.Request) -> web.Response:
        channel, user = request.query["channel"], request.query["user"]
        shown = [
            one
            for one in self.company.messages.get(channel, [])
            if one.get("ephemeral_user") in (None, user)
        ]
        return web.json_response({"messages": shown})

    async def _mail(self, _: web.Request) -> web.Response:
        return web.json_response({"mail": self.company.mail})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": hello\n\n")
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self.company.listeners.append(queue)
        try:
            while True:
                change = await queue.get()
                await response.write(f"data: {json.dumps(change)}\n\n".encode())
        except ConnectionError:
            return response
        finally:
            self.company.listeners.remove(queue)

    async def _post(self, request: web.Request) -> web.Response:
        path = f"/{request.match_info['path']}"
        body = await request.json()
        self.company.posts.append((path, body))
        if path == "/_control/close":
            self.company.stacks[body["user"]].pop()
        return web.json_response(self.company.answers.get(path, {"ok": True}))


async def _index(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html")


async def _missing(_: web.Request) -> web.Response:
    return web.Response(status=404)
