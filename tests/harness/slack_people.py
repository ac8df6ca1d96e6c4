"""People in Slack: what they type, click, submit and write, and what each of them sees.

`await team.kim.clicks("Approve", on=card)`: whatever a person sees knows in which conversation it
stands, so it is enough to say on what.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from handlers.slack.blocks.action_ids import unpack
from models.db.database import Database
from models.outbox.messages import Message
from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.waiting import until

Json = dict[str, Any]
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


class Seen(Json):
    """A message, and the conversation in which it stands."""

    def __init__(self, message: Json, channel: str) -> None:
        super().__init__(message)
        self.channel = channel


@dataclass
class Clock:
    """The time that decisions are dated by. It stands still unless it is told to travel."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def travel(self, **much: float) -> None:
        self.now += timedelta(**much)


@dataclass
class Team:
    """The people of a workspace with a bot in it.

    `place`: where people type unless they say; without one, in their conversation with the bot.
    """

    sandbox: Sandbox
    db: Database
    clock: Clock = field(default_factory=Clock)
    place: str | None = None

    def __getattr__(self, name: str) -> "Person":
        """`team.kim` is whoever has the id `UKIM`."""
        slack_id = f"U{name.upper()}"
        if name.startswith("_") or slack_id not in self.sandbox.workspace.users:
            raise AttributeError(name)
        return Person(self, slack_id)

    def person(self, slack_id: str) -> "Person":
        return Person(self, slack_id)

    def messages(self, channel: str) -> list[Seen]:
        """What stands there for all to see, oldest first."""
        seen = self.sandbox.messages(channel)
        return [Seen(one, channel) for one in seen if "ephemeral_user" not in one]

    def again(self, message: Json, channel: str | None = None) -> Seen:
        """The message as it reads now."""
        place = channel or message.channel  # type: ignore[attr-defined]
        (now,) = [one for one in self.sandbox.messages(place) if one["ts"] == message["ts"]]
        return Seen(now, place)

    async def card_in(self, channel: str, bill_id: int) -> Seen:
        """The bill's card there, as soon as the bot has noted where it stands: what is written
        under it before is brought again, but only after a minute.
        """
        query = sa.select(Message.ts).where(Message.bill_id == bill_id, Message.channel == channel)

        async def noted() -> str | None:
            async with self.db.transaction() as session:
                return await session.scalar(query)

        ts = await until(noted)
        (card,) = [one for one in self.sandbox.messages(channel) if one["ts"] == ts]
        return Seen(card, channel)


@dataclass(frozen=True)
class Person:
    """Somebody at their own screen."""

    team: Team
    slack_id: str

    @property
    def sandbox(self) -> Sandbox:
        return self.team.sandbox

    @property
    def dm(self) -> str:
        """Their conversation with the bot."""
        return self.sandbox.dm(self.slack_id)

    def _place(self, channel: str | None) -> str:
        return channel or self.team.place or self.dm

    async def types(self, line: str, channel: str | None = None) -> Seen:
        """Type a command; returns the private answer, an empty one where there is none."""
        place = self._place(channel)
        before = len(self.whispers(place))
        command, _, text = line.partition(" ")
        done = await self.sandbox.command(self.slack_id, place, command, text)
        assert done["ok"], done
        new = self.whispers(place)[before:]
        assert len(new) <= 1, new
        return new[0] if new else Seen({}, place)

    async def clicks(
        self, label: str, on: Json, channel: str | None = None, **chosen: Any
    ) -> list[Seen]:
        """Click what reads `label`, or has that action id; returns the new private answers."""
        return await self.forges(element(on, label) | chosen, on, channel)

    async def forges(self, clicked: Json, on: Json, channel: str | None = None) -> list[Seen]:
        """Click what perhaps is not there."""
        place = channel or on.channel  # type: ignore[attr-defined]
        before = {one["ts"] for one in self.whispers(place)}
        done = await self.sandbox.interact(self.slack_id, place, on["ts"], clicked)
        assert done["ok"], done
        return [one for one in self.whispers(place) if one["ts"] not in before]

    async def presses(self, label: str, on: Json, **chosen: Any) -> None:
        """Click in a view: the open dialog, or Home."""
        await self.presses_element(element(on, label) | chosen, on)

    async def presses_element(self, clicked: Json, on: Json) -> None:
        """The same of an element that was found already."""
        done = await self.sandbox.interact(self.slack_id, None, None, clicked, view_id=on["id"])
        assert done["ok"], done

    async def ticks(self, *bill_ids: int) -> None:
        """Tick the boxes of these bills on Home."""
        for bill_id in bill_ids:
            box = box_of(self.home, bill_id)
            await self.presses_element(box | {"selected_options": box["options"]}, on=self.home)

    async def submits(self, **answers: Any) -> Json:
        """Send the open dialog; each answer goes to the field whose block or label is named so."""
        view = self.dialog
        values = {}
        for name, value in answers.items():
            block = field_of(view, name)
            values[block["block_id"]] = {block["element"]["action_id"]: value}
        return await self.sandbox.submit(self.slack_id, view["id"], values)

    async def replies(self, text: str, to: Json) -> Json:
        """Write in the thread of a message."""
        place = to.channel  # type: ignore[attr-defined]
        return await self.sandbox.message(self.slack_id, place, text, to["ts"])

    async def edits(self, ts: str, text: str, channel: str) -> Json:
        return await self.sandbox.edit(self.slack_id, channel, ts, text)

    async def deletes(self, ts: str, channel: str) -> Json:
        return await self.sandbox.delete(self.slack_id, channel, ts)

    async def opens_home(self) -> Json:
        """Open the bot's Home, which the bot then draws."""
        return await self.sandbox.open_home(self.slack_id)

    @property
    def home(self) -> Json:
        return self.sandbox.views(self.slack_id)["home"] or {}

    @property
    def dialog(self) -> Json:
        """The topmost open dialog."""
        return self.dialogs[-1]

    @property
    def dialogs(self) -> list[Json]:
        stack: list[Json] = self.sandbox.views(self.slack_id)["stack"]
        return stack

    def whispers(self, channel: str | None = None) -> list[Seen]:
        """What only this person has been told there."""
        place = self._place(channel)
        seen = self.sandbox.messages(place, self.slack_id)
        return [Seen(one, place) for one in seen if one.get("ephemeral_user") == self.slack_id]

    def messages(self) -> list[Seen]:
        """What stands in this person's conversation with the bot, for both to see."""
        return self.team.messages(self.dm)

    async def told(self, words: str) -> Seen:
        """The message with these words in their conversation with the bot, once it is there."""
        await until(lambda: any(words in read(one) for one in self.messages()))
        return next(one for one in self.messages() if words in read(one))

    def cards(self, of: str = "") -> list[Seen]:
        """The cards in their conversation with the bot whose text mentions `of`."""
        return [
            one
            for one in self.messages()
            if "thread_ts" not in one and "blocks" in one and of in read(one)
        ]

    async def card(self, of: str | int) -> Seen:
        """The card of a bill, or of whom it mentions, once the bot has noted that it is there."""
        if isinstance(of, int):
            return await self.team.card_in(self.dm, of)
        await until(lambda: self.cards(of))
        ts = self.cards(of)[-1]["ts"]
        query = sa.select(Message.id).where(Message.channel == self.dm, Message.ts == ts)

        async def noted() -> int | None:
            async with self.team.db.transaction() as session:
                return await session.scalar(query)

        await until(noted)
        return self.cards(of)[-1]


def read(message: Json) -> str:
    """All that can be read in a message or a view, in one string."""
    return " ".join([str(message.get("text", "")), *_texts(message.get("blocks", []))])


def said(message: Json) -> str:
    """The same with its markup: all that is written in the blocks."""
    return json.dumps(message.get("blocks", []), ensure_ascii=False)


def _texts(slot: Any) -> Iterator[str]:
    if isinstance(slot, dict):
        for key, value in slot.items():
            if key == "text" and isinstance(value, str):
                yield value
            elif key != "value":
                yield from _texts(value)
    elif isinstance(slot, list):
        for one in slot:
            yield from _texts(one)


def element(message: Json, label: str) -> Json:
    """The button or menu that reads `label`, or whose action id it is, ready to be clicked."""
    for block in message.get("blocks", []):
        accessory = [block["accessory"]] if "accessory" in block else []
        for one in [*block.get("elements", []), *accessory]:
            if label in (one.get("action_id"), _label(one)):
                return {**one, "block_id": block["block_id"]}
    raise AssertionError(f"nothing reads “{label}” in {json.dumps(message, ensure_ascii=False)}")


def inbox(home: Json) -> str:
    """What somebody's Home says of what waits for them."""
    return said(home).partition("Your recent decisions")[0]


def box_of(home: Json, bill_id: int) -> Json:
    """The box by which a bill is selected on Home."""
    for block in home["blocks"]:
        for one in block.get("elements", []):
            words = [option["text"]["text"] for option in one.get("options", [])]
            if words == [f"Select #{bill_id}"]:
                return {**one, "block_id": block["block_id"]}
    raise AssertionError(f"there is no box for #{bill_id}")


def carried(message: Json, action_id: str) -> Json:
    """What a button carries for the bot."""
    return unpack(element(message, action_id)["value"])


def acts(message: Json) -> list[str]:
    """The action ids of a message's buttons and menus."""
    return [one["action_id"] for one in _elements(message)]


def labels(message: Json) -> list[str]:
    """What the buttons of a message read."""
    return [label for label in map(_label, _elements(message)) if label]


def _elements(message: Json) -> Iterator[Json]:
    for block in message.get("blocks", []):
        if block["type"] == "actions":
            yield from block["elements"]


def _label(one: Json) -> str | None:
    text = one.get("text")
    return text.get("text") if isinstance(text, dict) else None


def field_of(view: Json, name: str) -> Json:
    """The input block that is called `name`, by its id or by its label."""
    for block in view["blocks"]:
        label = block.get("label", {}).get("text", "").lower()
        if block["type"] == "input" and name in (block.get("block_id"), label):
            return dict(block)
    raise AssertionError(f"no field {name} in {json.dumps(view, ensure_ascii=False)}")
