"""`/_control/`: the sandbox as tests and scripts drive it. Every POST answers a JSON object."""

import json
from collections.abc import Awaitable, Callable
from types import UnionType
from typing import Any
from urllib.parse import quote

from aiohttp import web

from sandbox.fake_slack.delivery.payloads import user_json
from sandbox.fake_slack.sandbox import Sandbox
from sandbox.fake_slack.shapes import JsonObject, Refused
from sandbox.fake_slack.world.workspace import Conversation
from sandbox.fake_smtp import content_of

Handler = Callable[..., Awaitable[JsonObject]]

# What these fields of a body must be; the others are looked at where they are used.
_KINDS: dict[str, tuple[type | UnionType, str]] = {
    **dict.fromkeys(("user", "command", "ts", "action_id", "block_id"), (str, "text")),
    **dict.fromkeys(("channel", "messageTs", "view_id", "thread_ts"), (str | None, "text")),
    **dict.fromkeys(("id", "text", "name"), (str | None, "text")),
    "action": (dict, "JSON object"),
    "values": (dict | None, "JSON object"),
}


def control_routes(sandbox: Sandbox) -> list[web.RouteDef]:
    state = StateApi(sandbox)
    handlers: dict[str, Handler] = {
        "command": sandbox.command,
        "message": sandbox.message,
        "edit": sandbox.edit,
        "delete": sandbox.delete,
        "interact": _interact(sandbox),
        "submit": _submit(sandbox),
        "close": sandbox.close,
        "open-home": sandbox.open_home,
        "suggest": sandbox.suggest,
        "fault": sandbox.fault,
        "reset": sandbox.reset,
        "users": _users(sandbox),
        "channels": _channels(sandbox),
    }
    return [
        web.get("/_control/state", state.state),
        web.get("/_control/messages/{channel}", state.messages),
        web.get("/_control/views/{user}", state.views),
        web.get("/_control/mail", state.mail),
        web.get("/_control/mail/{mail}/attachments/{number}", state.attachment),
        web.get("/_page/mail/{mail}/attachments/{number}", state.attachment),
        *[web.post(f"/_control/{name}", _posted(handler)) for name, handler in handlers.items()],
    ]


def _interact(sandbox: Sandbox) -> Handler:
    async def interact(
        user: str,
        action: JsonObject,
        channel: str | None = None,
        messageTs: str | None = None,  # noqa: N803
        view_id: str | None = None,
        values: JsonObject | None = None,
    ) -> JsonObject:
        return await sandbox.interact(user, channel, messageTs, action, view_id, values)

    return interact


def _submit(sandbox: Sandbox) -> Handler:
    async def submit(user: str, view_id: str, values: JsonObject | None = None) -> JsonObject:
        return await sandbox.submit(user, view_id, values or {})

    return submit


def _users(sandbox: Sandbox) -> Handler:
    async def users(id: str | None = None, **fields: Any) -> JsonObject:  # noqa: A002
        """Adds a person, or changes one who is there."""
        if id in sandbox.workspace.users:
            return await sandbox.change_user(str(id), **fields)
        user = sandbox.add_user(id=id, **fields)
        return {"ok": True, "id": user.id, "dm": sandbox.dm(user.id)}

    return users


def _channels(sandbox: Sandbox) -> Handler:
    async def channels(id: str | None = None, **fields: Any) -> JsonObject:  # noqa: A002
        """Adds a channel, or changes one that is there."""
        if id in sandbox.workspace.conversations:
            return await sandbox.change_channel(str(id), **fields)
        return {"ok": True, "id": sandbox.add_channel(id=id, **fields).id}

    return channels


def _posted(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read() or b"{}")
            _check_kinds(body)
            answer = await handler(**body)
            status = 400 if answer.get("error") == "invalid_arguments" else 200
            return web.json_response(answer, status=status)
        except Refused as refusal:
            return web.json_response(refusal.body())
        except (ValueError, TypeError) as error:
            wrong = {"ok": False, "error": "invalid_arguments", "detail": str(error)}
            return web.json_response(wrong, status=400)

    return handle


def _check_kinds(body: Any) -> None:
    if not isinstance(body, dict):
        raise ValueError("the body is no JSON object")
    for name, (kind, word) in _KINDS.items():
        if name in body and not isinstance(body[name], kind):
            raise ValueError(f"{name} is no {word}")


SHOWN_BY_BROWSERS = frozenset({"application/pdf"})
"""What may open beside the page; anything else, HTML above all, is only saved."""


class StateApi:
    """What can be looked at."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._was_ready = False

    async def state(self, _request: web.Request) -> web.Response:
        """503 until the bot has been ready once; a socket that drops later changes no more than
        `bot.connected`."""
        self._was_ready = self._was_ready or await self._sandbox.ready()
        if not self._was_ready:
            return web.json_response({"ok": False, "error": "not_ready"}, status=503)
        return web.json_response(self._state())

    def _state(self) -> JsonObject:
        sandbox = self._sandbox
        installed = sandbox.installation
        return {
            "ok": True,
            "team": {"id": installed.team_id, "name": installed.team_name},
            "bot": {
                "id": installed.bot_user_id,
                "name": installed.bot_name,
                "connected": sandbox.delivery.connected,
            },
            "warnings": sandbox.warnings,
            "users": [_person(sandbox, user) for user in sandbox.workspace.users],
            "channels": [channel_json(one) for one in sandbox.workspace.conversations.values()],
            "database_url": sandbox.database_url,
            "web_url": sandbox.web_url,
            "api_url": sandbox.api_url,
            "smtp_url": sandbox.smtp_url,
        }

    async def messages(self, request: web.Request) -> web.Response:
        try:
            found = self._sandbox.messages(request.match_info["channel"], request.query.get("user"))
        except Refused as refusal:
            return web.json_response(refusal.body(), status=404)
        return web.json_response(
            {"ok": True, "messages": [{"blocks": [], **message} for message in found]}
        )

    async def views(self, request: web.Request) -> web.Response:
        return web.json_response({"ok": True, **self._sandbox.views(request.match_info["user"])})

    async def mail(self, request: web.Request) -> web.Response:
        latest = request.query.get("latest", "0")
        kept = self._sandbox.mail()
        shown = kept[-int(latest) :] if latest.isdigit() else kept
        return web.json_response({"ok": True, "mail": shown})

    async def attachment(self, request: web.Request) -> web.Response:
        mail = self._sandbox.smtp.find(request.match_info["mail"])
        number = request.match_info["number"]
        parts = mail.attachments() if mail else []
        if not number.isdigit() or int(number) >= len(parts):
            return web.Response(status=404)
        part = parts[int(number)]
        kind = part.get_content_type()
        opens = "inline" if kind in SHOWN_BY_BROWSERS else "attachment"
        name = quote(part.get_filename() or "attachment", safe="")
        headers = {
            "Content-Disposition": f"{opens}; filename*=UTF-8''{name}",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(body=content_of(part), content_type=kind, headers=headers)


def _person(sandbox: Sandbox, user_id: str) -> JsonObject:
    user = sandbox.workspace.users[user_id]
    flat = {"email": user.email, "title": user.title}
    im = {} if user.is_bot else {"dm": sandbox.dm(user_id)}
    return {**user_json(user, sandbox.slack), **flat, **im}


def channel_json(conversation: Conversation) -> JsonObject:
    """A conversation as the control side describes it."""
    return {
        "id": conversation.id,
        "name": conversation.name,
        "is_im": conversation.is_im,
        "is_private": conversation.is_private,
        "is_archived": conversation.is_archived,
        "user": conversation.user or None,
        "members": list(conversation.members),
    }
