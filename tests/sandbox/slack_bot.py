"""A small app built as real ones are, whose answers a test decides."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.waiting import until

Json = dict[str, Any]
Answer = Callable[..., Awaitable[None]]

WORKSPACE: Json = {
    "users": [
        {"id": "UANA", "name": "ana", "real_name": "Ana Ruiz", "email": "ana@example.test"},
        {"id": "UKIM", "name": "kim", "real_name": "Kim Lee", "email": "kim@example.test"},
        {"id": "UGUEST", "name": "gus", "real_name": "Gus", "is_restricted": True},
        {"id": "UGONE", "name": "gone", "real_name": "Gone", "deleted": True},
    ],
    "channels": [
        {"id": "CGENERAL", "name": "general", "members": ["UANA", "UKIM"]},
        {"id": "CFINANCE", "name": "finance", "is_private": True, "members": ["UANA"]},
        {"id": "COUTSIDE", "name": "outside", "members": ["UANA"], "bot": False},
        {"id": "CSECRET", "name": "secret", "is_private": True, "members": ["UKIM"], "bot": False},
        {"id": "COLD", "name": "old", "members": ["UANA"], "is_archived": True},
    ],
}

BUTTON: Json = {
    "type": "button",
    "action_id": "go",
    "text": {"type": "plain_text", "text": "Go"},
    "value": "42",
}
ACTIONS: Json = {"type": "actions", "block_id": "buttons", "elements": [BUTTON]}
SECTION: Json = {"type": "section", "text": {"type": "mrkdwn", "text": "Hello"}}


def dialog(*blocks: Json, **more: Any) -> Json:
    """A dialog with these blocks, or with one text field."""
    return {
        "type": "modal",
        "callback_id": "reject",
        "title": {"type": "plain_text", "text": "Reject"},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": list(blocks) or [text_input()],
        **more,
    }


def text_input(block_id: str = "reason", **more: Any) -> Json:
    return field_block(block_id, {"type": "plain_text_input", "action_id": "text", **more})


def field_block(block_id: str, element: Json, **more: Any) -> Json:
    label = {"type": "plain_text", "text": "Reason"}
    return {"type": "input", "block_id": block_id, "label": label, "element": element, **more}


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class Bot:
    """What the app has received, newest last, and how it answers."""

    received: list[tuple[str, Json]] = field(default_factory=list)
    headers: list[Json] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)

    def bodies(self, kind: str) -> list[Json]:
        return [body for one, body in self.received if one == kind]

    def events(self, kind: str) -> list[Json]:
        return [body["event"] for body in self.bodies("event") if body["event"]["type"] == kind]

    async def handle(self, kind: str, body: Json, ack: Any, client: Any, respond: Any) -> None:
        self.received.append((kind, body))
        answer = self.answers.get(kind)
        if answer is None:
            await ack()
        else:
            await answer(ack=ack, body=body, client=client, respond=respond)


def app_of(sandbox: Sandbox, bot: Bot) -> AsyncApp:
    """A Bolt app that hands everything it hears to `bot`."""
    client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
    app = AsyncApp(
        name="bot",
        client=client,
        signing_secret=sandbox.signing_secret,
        process_before_response=True,
        ignoring_self_events_enabled=False,
    )
    anything = re.compile(".*")

    @app.middleware
    async def note_headers(req: Any, next: Any) -> None:  # noqa: A002 - Bolt's word
        bot.headers.append(req.headers)
        await next()

    def hear(kind: str) -> Any:
        async def listener(ack: Any, body: Json, client: Any, respond: Any) -> None:
            await bot.handle(kind, body, ack, client, respond)

        return listener

    app.command(anything)(hear("command"))
    app.action(anything)(hear("action"))
    app.view_submission(anything)(hear("submission"))
    app.view_closed(anything)(hear("closed"))
    app.options(anything)(hear("options"))
    app.event(anything)(hear("event"))
    return app


@asynccontextmanager
async def connected(sandbox: Sandbox, bot: Bot) -> AsyncIterator[AsyncSocketModeHandler]:
    """The app, connected by Socket Mode."""
    handler = AsyncSocketModeHandler(app_of(sandbox, bot), sandbox.app_token, ping_interval=1.0)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await until(lambda: sandbox.delivery.connected)
    try:
        yield handler
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]
        await handler.client.aiohttp_client_session.close()


async def refusal_of(call: Awaitable[object]) -> Json:
    """The body of the error that a Web API call ends with."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return dict(caught.value.response.data)


async def error_of(call: Awaitable[object]) -> str:
    return str((await refusal_of(call))["error"])
