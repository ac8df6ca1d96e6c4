"""Stories: a few people, the sandbox, and the real bot, in one process and on one database.

A story says who types, clicks, answers and writes; it waits for what people would wait for, and
reads what they would read. The clock is the story's own and travels.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from bot.app import App
from bot.settings import Settings
from bot.timings import Timings
from models.db.database import Database
from models.outbox.threads import bill_of_thread
from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from sandbox.fake_slack.shapes import JsonObject

PATIENCE_S = 30.0
# Twice what Slack gives an app: a machine that is busy with other things must not end a story.
LONG_ACK_S = 6.0
QUICK = Timings(
    pace=0.0,
    settle=0.2,
    progress=0.05,
    poll=0.3,
    sweep=1.0,
    tend=1.0,
    watch=0.5,
    reconnect=1.0,
)


@dataclass
class Clock:
    """The time in the story. It stands still unless it is told to travel."""

    now: datetime = field(default_factory=lambda: datetime(2026, 11, 2, 9, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def travel(self, **much: float) -> None:
        self.now += timedelta(**much)


@dataclass
class Story:
    """What people do in Slack, and what each of them sees there."""

    sandbox: Sandbox
    db: Database
    clock: Clock
    app: App

    async def type(self, user: str, line: str, channel: str | None = None) -> JsonObject:
        """Type a command; returns the newest private answer, which tells what came of it."""
        place = channel or self.sandbox.dm(user)
        before = {one["ts"] for one in self.whispers(user, place)}
        command, _, text = line.partition(" ")
        done = await self.sandbox.command(user, place, command, text)
        assert done["ok"], done
        return next(one for one in self.whispers(user, place) if one["ts"] not in before)

    async def click(
        self,
        user: str,
        message: JsonObject,
        label: str,
        channel: str | None = None,
        **chosen: Any,
    ) -> list[JsonObject]:
        """Click the button or menu that reads `label`; returns the private answers that are new."""
        place = channel or self.sandbox.dm(user)
        before = {one["ts"] for one in self.whispers(user, place)}
        done = await self.sandbox.interact(
            user, place, message["ts"], element(message, label) | chosen
        )
        assert done["ok"], done
        return [one for one in self.whispers(user, place) if one["ts"] not in before]

    async def submit(self, user: str, **answers: Any) -> JsonObject:
        """Send the open dialog; each answer goes to the field whose block or label is named so."""
        view = self.dialog(user)
        values = {block_of(view, name): {"_": value} for name, value in answers.items()}
        named = {
            block["block_id"]: {block["element"]["action_id"]: values[block["block_id"]]["_"]}
            for block in view["blocks"]
            if block.get("block_id") in values
        }
        return await self.sandbox.submit(user, view["id"], named)

    def dialog(self, user: str) -> JsonObject:
        """The topmost open dialog."""
        stack: list[JsonObject] = self.sandbox.views(user)["stack"]
        return stack[-1]

    def whispers(self, user: str, channel: str) -> list[JsonObject]:
        """What only this person was told there."""
        seen = self.sandbox.messages(channel, user)
        return [one for one in seen if one.get("ephemeral_user") == user]

    def messages(self, user: str) -> list[JsonObject]:
        """What stands in this person's conversation with the bot, for both to see."""
        seen = self.sandbox.messages(self.sandbox.dm(user), user)
        return [one for one in seen if "ephemeral_user" not in one]

    def cards(self, user: str, of: str = "") -> list[JsonObject]:
        """The cards in somebody's DM whose text mentions `of`."""
        return [
            one
            for one in self.messages(user)
            if "thread_ts" not in one and "blocks" in one and of in read(one)
        ]

    async def card(self, user: str, of: str) -> JsonObject:
        """The card of a customer in somebody's DM, as soon as it is there, and the bot knows that:
        what is written under it before is brought again, but only after a minute.
        """
        await self.until(lambda: bool(self.cards(user, of)))
        card = self.cards(user, of)[-1]
        async with asyncio.timeout(PATIENCE_S):
            while not await self._is_known(self.sandbox.dm(user), card):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return card

    async def _is_known(self, channel: str, card: JsonObject) -> bool:
        async with self.db.transaction() as session:
            return await bill_of_thread(session, channel, card["ts"]) is not None

    def again(self, message: JsonObject, channel: str) -> JsonObject:
        """The message as it reads now."""
        return next(m for m in self.sandbox.messages(channel) if m["ts"] == message["ts"])

    async def until(self, holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Wait for what is to come; a story that waits in vain fails."""
        async with asyncio.timeout(patience_s):
            while not holds():  # noqa: ASYNC110 - anything may be waited for
                await asyncio.sleep(0.02)


def read(message: JsonObject) -> str:
    """All that can be read in a message or a view, in one string."""
    return " ".join([str(message.get("text", "")), *_texts(message.get("blocks", []))])


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "text" and isinstance(value, str):
                yield value
            elif key != "value":
                yield from _texts(value)
    elif isinstance(part, list):
        for one in part:
            yield from _texts(one)


def element(message: JsonObject, label: str) -> JsonObject:
    """The button that reads `label`, or whose action id it is, ready to be clicked."""
    for block in message.get("blocks", []):
        accessory = [block["accessory"]] if "accessory" in block else []
        for one in [*block.get("elements", []), *accessory]:
            if label in (one.get("action_id"), _label(one)):
                return {**one, "block_id": block["block_id"]}
    raise AssertionError(f"nothing reads “{label}” in {json.dumps(message, ensure_ascii=False)}")


def _label(one: JsonObject) -> str | None:
    text = one.get("text")
    return text.get("text") if isinstance(text, dict) else None


def labels(message: JsonObject) -> list[str]:
    """What the buttons of a message read."""
    found = (
        _label(one)
        for block in message.get("blocks", [])
        if block["type"] == "actions"
        for one in block["elements"]
    )
    return [label for label in found if label]


def block_of(view: JsonObject, name: str) -> str:
    """The id of the input block that is called `name`, by its id or by its label."""
    for block in view["blocks"]:
        label = block.get("label", {}).get("text", "").lower()
        if block["type"] == "input" and name in (block.get("block_id"), label):
            return str(block["block_id"])
    raise AssertionError(f"no field {name} in {json.dumps(view, ensure_ascii=False)}")


@asynccontextmanager
async def told(
    database_url: str,
    workspace: JsonObject,
    *,
    manifest: JsonObject | None = None,
    timings: Timings = QUICK,
    rate_limits: bool = False,
    **settings: Any,
) -> AsyncIterator[Story]:
    """Open a story on a migrated database: the sandbox, and the bot connected to it."""
    clock = Clock()
    async with serve(
        Sandbox(workspace=workspace, manifest=manifest, rate_limits=rate_limits, ack_s=LONG_ACK_S)
    ) as sandbox:
        given = {
            "database_url": SecretStr(database_url),
            "slack_bot_token": SecretStr(sandbox.bot_token),
            "slack_app_token": SecretStr(sandbox.app_token),
            "slack_api_url": sandbox.api_url,
            "smtp_url": SecretStr(sandbox.smtp_url),
            "mail_from": "Billing <billing@example.com>",
            "send_delay_minutes": 0,
            "port": 0,
        }
        chosen = Settings(_env_file=None).model_copy(update=given | settings)  # type: ignore[call-arg]
        app = App(chosen, now=clock, timings=timings)
        db = Database(database_url)
        await app.start()
        try:
            story = Story(sandbox, db, clock, app)
            await story.until(lambda: sandbox.delivery.connected)
            yield story
        finally:
            await app.drain_and_stop()
            await db.close()
