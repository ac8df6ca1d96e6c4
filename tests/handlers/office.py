"""The listeners in a Slack of their own: people type, click and write; answers come back."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.client import SlackClient
from bot.slack.responder import SlackResponder
from bot.timings import Timings
from bot.worker.worker import Worker
from handlers.slack.app import register
from handlers.slack.blocks.action_ids import unpack
from handlers.slack.context import Services
from models.actions.hold import hold_bill
from models.bills.bill import Bill, get_bill
from models.bills.history import BillAction, actions_of
from models.bills.states import HoldReason
from models.context import Source, system_context
from models.db.database import Database
from models.outbox.messages import Message, MessageKind, defer_all_sending
from models.settings import BillingSettings
from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from sandbox.story import LONG_ACK_S
from tests.sandbox.slack_bot import until

Json = dict[str, Any]
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
QUICK = Timings(pace=0.01, poll=0.05, tend=math.inf)
PATIENCE_S = 30.0

CAST = ("ana", "kim", "lee", "sam", "max", "new")
MEMBERS = [*(f"U{name.upper()}" for name in CAST), "UGUS", "UFAR"]
FOREIGN_TEAM = "TELSEWHERE"
WORKSPACE: Json = {
    "users": [{"id": f"U{name.upper()}", "name": name, "real_name": name.title()} for name in CAST]
    + [
        {"id": "UGUS", "name": "gus", "real_name": "Gus", "is_restricted": True},
        {"id": "UFAR", "name": "far", "real_name": "Far", "team_id": FOREIGN_TEAM},
    ],
    "channels": [{"id": "CBILLS", "name": "bills", "members": MEMBERS}],
}


@dataclass
class Office:
    """What people in the workspace do, and what they see of it."""

    sandbox: Sandbox
    services: Services
    app: AsyncApp

    @property
    def db(self) -> Database:
        return self.services.db

    async def type(self, user: str, text: str, channel: str = "CBILLS") -> Json:
        """Types a command; returns the private answer, `{}` where there is none."""
        before = len(self.whispers(user, channel))
        command, _, rest = text.partition(" ")
        answer = await self.sandbox.command(user, channel, command, rest)
        assert answer["ok"], answer
        news = self.whispers(user, channel)[before:]
        assert len(news) <= 1, news
        return news[0] if news else {}

    async def click(
        self, user: str, message: Json, act: str, channel: str = "CBILLS"
    ) -> list[Json]:
        """Clicks the element of that action id; returns the private answers that are new."""
        return await self.forge(user, message, element(message, act), channel)

    async def forge(
        self, user: str, message: Json, clicked: Json, channel: str = "CBILLS"
    ) -> list[Json]:
        before = [one["ts"] for one in self.whispers(user, channel)]
        answer = await self.sandbox.interact(user, channel, message["ts"], clicked)
        assert answer == {"ok": True}, answer
        return [one for one in self.whispers(user, channel) if one["ts"] not in before]

    async def send(self, user: str, **values: Any) -> Json:
        """Sends the open dialog, its fields filled in."""
        view = self.dialog(user)
        fields = {block: {"value": entered} for block, entered in values.items()}
        return await self.sandbox.submit(user, view["id"], fields)

    async def on_home(self, user: str, act: str, **chosen: Any) -> None:
        """Clicks the first element of that action id on somebody's Home tab."""
        home = self.sandbox.views(user)["home"]
        clicked = {**element(home, act), **chosen}
        answer = await self.sandbox.interact(user, None, None, clicked, view_id=home["id"])
        assert answer == {"ok": True}, answer

    async def dispatch(self, body: Json) -> BoltResponse:
        """Hands the listeners a payload that Slack itself would not send here and now."""
        return await self.app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))

    async def thread_in_channel(self, bill_id: int) -> str:
        """A card of the bill in the channel; returns its ts."""
        async with self.db.transaction() as session:
            key = {"key": f"card:{bill_id}:channel:CBILLS", "kind": MessageKind.CARD}
            session.add(Message(**key, recipient="channel:CBILLS", bill_id=bill_id))
            await session.flush()
            await defer_all_sending(session)
        return str((await self._card_in("CBILLS", bill_id))["ts"])

    async def hold(self, bill_id: int) -> None:
        """The clock holds a bill."""
        async with self.db.transaction() as session:
            act = await system_context(session, NOW, Source.CLOCK)
            await hold_bill(session, bill_id, act, HoldReason.JUMP)

    def whispers(self, user: str, channel: str = "CBILLS") -> list[Json]:
        """What only this person has been told there."""
        seen = self.sandbox.messages(channel, user)
        return [one for one in seen if one.get("ephemeral_user") == user]

    def again(self, message: Json, channel: str = "CBILLS") -> Json:
        """The message as it reads now."""
        (now,) = [one for one in self.sandbox.messages(channel) if one["ts"] == message["ts"]]
        return now

    def dialog(self, user: str) -> Json:
        return self.dialogs(user)[-1]

    def dialogs(self, user: str) -> list[Json]:
        stack: list[Json] = self.sandbox.views(user)["stack"]
        return stack

    async def card(self, user: str, bill_id: int) -> Json:
        """The card of a bill in somebody's DM, once it is there."""
        return await self._card_in(self.sandbox.dm(user), bill_id)

    async def _card_in(self, channel: str, bill_id: int) -> Json:
        """The card, once it stands there and the worker has noted where."""

        query = sa.select(Message.ts).where(Message.bill_id == bill_id, Message.channel == channel)
        ts = None
        async with asyncio.timeout(PATIENCE_S):
            while ts is None:
                async with self.db.transaction() as session:
                    ts = await session.scalar(query)
                await asyncio.sleep(0.01)
        (card,) = [one for one in self.sandbox.messages(channel) if one["ts"] == ts]
        return card

    async def bill(self, bill_id: int) -> Bill:
        async with self.db.transaction() as session:
            return await get_bill(session, bill_id)

    async def actions(self, bill_id: int) -> list[BillAction]:
        async with self.db.transaction() as session:
            return list(await actions_of(session, bill_id))

    async def verbs(self, bill_id: int) -> list[str]:
        return [action.action for action in await self.actions(bill_id)]


def element(message: Json, act: str) -> Json:
    """The button or menu of that action id in a message or a view."""
    for block in message["blocks"]:
        for one in block.get("elements", []):
            if one.get("action_id") == act:
                return {**one, "block_id": block["block_id"]}
    raise AssertionError(f"no {act} in {message['blocks']}")


def carried(message: Json, act: str) -> Json:
    return unpack(element(message, act)["value"])


def acts(message: Json) -> list[str]:
    return [
        one["action_id"]
        for block in message["blocks"]
        if block["type"] == "actions"
        for one in block["elements"]
    ]


def said(message: Json) -> str:
    """Everything that can be read in a message or view."""
    return json.dumps(message.get("blocks", []), ensure_ascii=False)


@asynccontextmanager
async def opened(db: Database) -> AsyncIterator[Office]:
    """The sandbox, the worker, and the listeners connected by Socket Mode."""
    async with (
        serve(
            Sandbox(workspace=WORKSPACE, rate_limits=False, retry_delays_s=(0.0,), ack_s=LONG_ACK_S)
        ) as sandbox,
        SlackClient.open(sandbox.bot_token, sandbox.api_url) as slack,
    ):
        services = Services(
            db=db,
            now=lambda: NOW,
            zone=ZoneInfo("UTC"),
            billing=BillingSettings(),
            team_id=sandbox.team_id,
            bot_user_id=sandbox.bot_user_id,
            app_id=sandbox.installation.app_id,
            slack=SlackResponder(slack),
        )
        app = AsyncApp(name="office", client=slack.listening, process_before_response=True)
        register(app, services)
        worker = Worker(db, slack, now=services.now, billing=services.billing, timings=QUICK)
        handler = AsyncSocketModeHandler(app, sandbox.app_token, ping_interval=1.0)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await until(lambda: sandbox.delivery.connected)
        await worker.start()
        try:
            yield Office(sandbox, services, app)
        finally:
            await worker.stop(2.0)
            await services.background.drain()
            await handler.close_async()  # type: ignore[no-untyped-call]
            await handler.client.aiohttp_client_session.close()
