"""`/_control/` over HTTP, as scripts outside the process drive the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.waiting import until
from tests.sandbox.slack_bot import ACTIONS, BUTTON, SECTION, WORKSPACE, Bot, dialog

Json = dict[str, Any]


class Control:
    """The control side, by name."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._url = f"{base_url}/_control/"

    async def get(self, path: str) -> tuple[int, Json]:
        async with self._session.get(self._url + path) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, **body: Any) -> Json:
        async with self._session.post(self._url + path, json=body) as answer:
            return dict(await answer.json())


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[Control]:
    async with aiohttp.ClientSession() as session:
        yield Control(session, sandbox.base_url)


async def test_the_state_waits_for_the_bot_and_for_the_composer(
    sandbox: Sandbox, control: Control
) -> None:
    status, _ = await control.get("state")
    assert status == 503

    async def ready() -> bool:
        return True

    sandbox.ready = ready
    sandbox.database_url, sandbox.web_url = "postgresql:///test", "http://localhost:8000"
    status, state = await control.get("state")
    assert (status, state["database_url"]) == (200, "postgresql:///test")
    assert state["web_url"] == "http://localhost:8000"
    assert state["api_url"] == sandbox.api_url


async def test_the_state_lists_people_and_places(
    sandbox: Sandbox, control: Control, bot: Bot
) -> None:
    _, state = await control.get("state")
    users = {user["id"]: user for user in state["users"]}
    assert (users["UANA"]["email"], users["UGONE"]["deleted"]) == ("ana@example.test", True)
    places = {place["id"]: place for place in state["channels"]}
    assert places["CFINANCE"]["is_private"]
    assert places["CGENERAL"]["members"] == ["UANA", "UKIM", sandbox.bot_user_id]
    dm = places[sandbox.dm("UANA")]
    assert (dm["is_im"], dm["user"], dm["members"]) == (True, "UANA", ["UANA", sandbox.bot_user_id])


async def test_the_state_stays_when_the_socket_drops(
    sandbox: Sandbox, control: Control, bot: Bot
) -> None:
    _, state = await control.get("state")
    assert state["bot"]["connected"] is True
    await sandbox.sockets.drop()
    status, state = await control.get("state")
    assert (status, state["bot"]["connected"]) == (200, False)
    await until(lambda: sandbox.delivery.connected)
    _, state = await control.get("state")
    assert state["bot"]["connected"] is True


async def test_messages_come_with_ts_and_blocks_private_ones_among_them(
    control: Control, client: AsyncWebClient
) -> None:
    parent = (await client.chat_postMessage(channel="CGENERAL", text="bill"))["ts"]
    await client.chat_postEphemeral(channel="CGENERAL", user="UKIM", text="psst", blocks=[SECTION])
    await client.chat_postMessage(channel="CGENERAL", text="reply", thread_ts=parent)
    _, everything = await control.get("messages/CGENERAL")
    assert [message["text"] for message in everything["messages"]] == ["bill", "psst", "reply"]
    assert [len(message["blocks"]) for message in everything["messages"]] == [0, 1, 0]
    assert everything["messages"][1]["ephemeral_user"] == "UKIM"
    _, anas = await control.get("messages/CGENERAL?user=UANA")
    assert [message["text"] for message in anas["messages"]] == ["bill", "reply"]
    assert (await control.get("messages/CNOWHERE"))[0] == 404


async def test_everything_people_do_can_be_posted(
    sandbox: Sandbox, control: Control, bot: Bot, client: AsyncWebClient
) -> None:
    async def open_dialog(ack: Any, body: Json, client: Any, **_: Any) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=dialog())
        await ack()

    bot.answers["command"] = open_dialog
    ana: Json = {"user": "UANA", "channel": "CGENERAL"}
    assert (await control.post("command", **ana, command="/bill", text="help"))["ok"]
    _, views = await control.get("views/UANA")
    view_id = views["stack"][0]["id"]
    assert (await control.post("submit", user="UANA", view_id=view_id, values={"reason": "x"}))[
        "ok"
    ]
    said = await control.post("message", **ana, text="hello")
    assert (await control.post("edit", **ana, ts=said["ts"], text="hello again"))["acked"]
    assert (await control.post("delete", **ana, ts=said["ts"]))["acked"]
    card = await client.chat_postMessage(channel="CGENERAL", text="x", blocks=[ACTIONS])
    click: Json = {**BUTTON, "block_id": "buttons"}
    clicked = await control.post("interact", **ana, messageTs=card["ts"], action=click)
    assert clicked == {"ok": True}
    assert (await control.post("open-home", user="UANA"))["ok"]
    home = {"type": "home", "blocks": [ACTIONS]}
    view = (await client.views_publish(user_id="UANA", view=home))["view"]
    in_home = await control.post("interact", user="UANA", view_id=view["id"], action=click)
    assert in_home == {"ok": True}
    kinds = {kind for kind, _ in bot.received}
    assert kinds == {"command", "submission", "event", "action"}


async def test_people_and_channels_can_be_added_and_changed(
    sandbox: Sandbox, control: Control, bot: Bot
) -> None:
    added = await control.post("users", id="UNEW", name="new")
    assert added == {"ok": True, "id": "UNEW", "dm": sandbox.dm("UNEW")}
    assert (await control.post("users", id="UNEW", deleted=True))["acked"]
    assert sandbox.workspace.users["UNEW"].deleted
    made = await control.post("channels", name="new", members=["UANA"])
    archived = await control.post("channels", id=made["id"], is_archived=True)
    assert archived["acked"]
    assert (await control.post("reset"))["ok"]
    assert (await control.post("fault", rate_limits=False))["ok"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("command", {"user": "UANA"}),
        ("command", {"user": "UANA", "channel": "C", "command": "/bill", "shout": True}),
        ("users", {"name": "new", "shoe_size": 43}),
        ("channels", {"name": "new", "members": ["UNOBODY"]}),
        ("channels", {"name": "new", "colour": "red"}),
    ],
)
async def test_a_post_that_makes_no_sense_is_answered_with_an_object(
    control: Control, path: str, body: Json
) -> None:
    answer = await control.post(path, **body)
    assert (answer["ok"], answer["error"]) == (False, "invalid_arguments")


@pytest.mark.parametrize(
    ("wrong", "detail"),
    [
        ({"action": "go"}, "action is no JSON object"),
        ({"action": None}, "action is no JSON object"),
        ({"action": ["go"]}, "action is no JSON object"),
        ({"action": {}}, "the action has no type and no action_id"),
        ({"action": {"action_id": "forged"}}, "the action has no type"),
        ({"action": BUTTON, "values": []}, "values is no JSON object"),
        ({"action": BUTTON, "channel": 5}, "channel is no text"),
    ],
)
async def test_a_click_that_makes_no_sense_never_reaches_the_app(
    sandbox: Sandbox, bot: Bot, client: AsyncWebClient, wrong: Json, detail: str
) -> None:
    card = await client.chat_postMessage(channel="CGENERAL", text="x", blocks=[ACTIONS])
    body = {"user": "UANA", "channel": "CGENERAL", "messageTs": card["ts"], **wrong}
    url = f"{sandbox.base_url}/_control/interact"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        told = await answer.json()
        assert answer.status == 400
    assert told == {"ok": False, "error": "invalid_arguments", "detail": detail}
    assert bot.bodies("action") == []


async def test_a_body_that_is_no_object_is_answered_with_one(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as session:
        for data in (b"[]", b"{"):
            url = f"{sandbox.base_url}/_control/command"
            async with session.post(url, data=data) as answer:
                assert (answer.status, (await answer.json())["ok"]) == (400, False)


async def test_two_sandboxes_share_nothing() -> None:
    async with (
        serve(Sandbox(workspace=WORKSPACE)) as one,
        serve(Sandbox(workspace=WORKSPACE)) as other,
    ):
        assert one.base_url != other.base_url
        assert one.smtp_url != other.smtp_url
        assert one.bot_token.startswith("xoxb-")
        assert one.app_token.startswith("xapp-")
        assert {one.bot_token, one.app_token}.isdisjoint({other.bot_token, other.app_token})
        stranger = AsyncWebClient(token=one.bot_token, base_url=other.api_url)
        answer = await stranger.api_call("api.test")
        assert answer["ok"]
        await other.message("UANA", "CGENERAL", "hello")
        assert one.messages("CGENERAL") == []
