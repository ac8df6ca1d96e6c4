"""The browser page's own JSON, its stream of changes, and its static files."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from sandbox.fake_slack.sandbox import Sandbox
from sandbox.fake_slack.shapes import JsonObject
from sandbox.fake_slack.world.workspace import Change, Conversation

_PAGE = Path(__file__).parent.parent / "page"
_COALESCED_S = 0.05
_HEARTBEAT_S = 15.0
_MESSAGES = 500


@dataclass(eq=False)
class Watcher:
    """One open stream: who is looking, and what has changed since it last told them."""

    user: str
    channels: set[str] = field(default_factory=set)
    views: bool = False
    mail: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, revision: int) -> JsonObject:
        news = {
            "revision": revision,
            "channels": sorted(self.channels),
            "views": self.views,
            "mail": self.mail,
        }
        self.channels, self.views, self.mail = set(), False, False
        self.woken.clear()
        return news


class PageApi:
    """Serves `/`, `/static/`, `/archives/` and `/_page/`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._watchers: set[Watcher] = set()
        self._closing = False
        sandbox.workspace.listeners.append(self._notice)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.index),
            web.get("/static/{name}", self.static),
            web.get("/archives/{channel}/p{message:[0-9]{7,}}", self.permalink),
            web.get("/_page/files/{file}", self.stored_file),
            web.get("/_page/snapshot", self.snapshot),
            web.get("/_page/messages", self.messages),
            web.get("/_page/events", self.events),
            web.post("/_page/read", self.read),
        ]

    def stop(self) -> None:
        """Ends the open streams."""
        self._closing = True
        self._sandbox.workspace.listeners.remove(self._notice)
        for watcher in self._watchers:
            watcher.woken.set()

    async def index(self, _request: web.Request) -> web.StreamResponse:
        return _file("index.html")

    async def permalink(self, request: web.Request) -> web.Response:
        """To a message's thread, as somebody who can see it."""
        conversation = self._sandbox.workspace.conversations.get(request.match_info["channel"])
        if conversation is None:
            return web.Response(status=404)
        reader = conversation.user or next(iter(conversation.members), "")
        digits = request.match_info["message"]
        ts = f"{digits[:-6]}.{digits[-6:]}"
        raise web.HTTPFound(f"/#{reader}/{conversation.id}/{ts}")

    async def static(self, request: web.Request) -> web.StreamResponse:
        return _file(request.match_info["name"])

    async def stored_file(self, request: web.Request) -> web.Response:
        """A file the app shows in an image block."""
        file = self._sandbox.slack.files.files.get(request.match_info["file"])
        if file is None or file.content is None:
            return web.Response(status=404)
        return web.Response(body=file.content, content_type=file.mimetype)

    async def snapshot(self, request: web.Request) -> web.Response:
        user = request.query.get("user", "")
        if user not in self._sandbox.workspace.users:
            user = next((one["id"] for one in self._people() if not one["is_bot"]), "")
        return web.json_response(self._snapshot(user))

    def _snapshot(self, user: str) -> JsonObject:
        sandbox, installed = self._sandbox, self._sandbox.installation
        return {
            "team": {"id": installed.team_id, "name": installed.team_name},
            "me": user,
            "users": list(self._people()),
            "commands": [
                {
                    "command": one.command,
                    "description": one.description,
                    "usage_hint": one.usage_hint,
                }
                for one in installed.commands
            ],
            "conversations": [
                self._listed(one, user)
                for one in sandbox.workspace.conversations.values()
                if user in one.members
            ],
            "views": sandbox.views(user),
            "mail": len(sandbox.smtp.mails),
            "bot": {
                "id": installed.bot_user_id,
                "name": installed.bot_name,
                "home_tab": installed.home_tab,
                "connected": sandbox.delivery.connected,
            },
            "hint": sandbox.hint,
            "web_url": sandbox.web_url,
            "revision": sandbox.workspace.revision,
        }

    def _people(self) -> Iterator[JsonObject]:
        shown = ("id", "name", "real_name", "email", "title")
        flags = ("is_bot", "is_restricted", "deleted")
        for user in self._sandbox.workspace.users.values():
            yield {key: getattr(user, key) for key in (*shown, *flags)}

    def _listed(self, conversation: Conversation, user: str) -> JsonObject:
        shown = ("id", "name", "is_im", "is_private")
        return {
            **{key: getattr(conversation, key) for key in shown},
            "user": self._sandbox.bot_user_id if conversation.is_im else None,
            "last_ts": conversation.last_ts,
            "topic": conversation.topic,
            "unread": conversation.unread(user),
        }

    async def messages(self, request: web.Request) -> web.Response:
        user = request.query.get("user", "")
        conversation = self._seen(user, request.query.get("channel", ""))
        if conversation is None:
            return web.json_response({"ok": False, "error": "channel_not_found"}, status=404)
        return web.json_response({"messages": conversation.latest(user, _MESSAGES)})

    async def read(self, request: web.Request) -> web.Response:
        body = await request.json()
        conversation = self._seen(body.get("user", ""), body.get("channel", ""))
        if conversation is None:
            return web.json_response({"ok": False, "error": "channel_not_found"})
        before = conversation.unread(body["user"])
        conversation.read_until[body["user"]] = conversation.last_ts or ""
        if before:
            seen_by = frozenset({body["user"]})
            self._sandbox.workspace.changed(Change(conversation.id, seen_by))
        return web.json_response({"ok": True})

    def _seen(self, user: str, channel: str) -> Conversation | None:
        conversation = self._sandbox.workspace.conversations.get(channel)
        if conversation is None or not self._sandbox.workspace.sees(user, conversation):
            return None
        return conversation

    async def events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        watcher = Watcher(request.query.get("user", ""))
        self._watchers.add(watcher)
        try:
            await response.write(b": open\n\n")
            while not self._closing:
                await response.write(await self._next(watcher))
        except ConnectionError:
            pass
        finally:
            self._watchers.discard(watcher)
        return response

    async def _next(self, watcher: Watcher) -> bytes:
        try:
            await asyncio.wait_for(watcher.woken.wait(), _HEARTBEAT_S)
        except TimeoutError:
            return b": still here\n\n"
        await asyncio.sleep(_COALESCED_S)
        news = watcher.take(self._sandbox.workspace.revision)
        return f"data: {json.dumps(news)}\n\n".encode()

    def _notice(self, change: Change) -> None:
        for watcher in self._watchers:
            if self._concerns(change, watcher.user):
                if change.channel:
                    watcher.channels.add(change.channel)
                watcher.views |= change.views
                watcher.mail |= change.mail
                watcher.woken.set()

    def _concerns(self, change: Change, user: str) -> bool:
        if change.users is not None:
            return user in change.users
        conversation = self._sandbox.workspace.conversations.get(change.channel or "")
        return conversation is None or self._sandbox.workspace.sees(user, conversation)


def _file(name: str) -> web.StreamResponse:
    """A static file of the page, never from anywhere else."""
    path = _PAGE / name
    if path.parent != _PAGE or not path.is_file():
        return web.Response(status=404, text="not found")
    return web.FileResponse(path, headers={"Cache-Control": "no-cache"})
