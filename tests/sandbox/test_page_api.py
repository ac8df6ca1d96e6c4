"""What the browser page is told: a snapshot, messages, and a stream of changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.waiting import PATIENCE_S
from tests.sandbox.slack_bot import SECTION, Bot, dialog

Json = dict[str, Any]


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sandbox.base_url) as session:
        yield session


async def snapshot(http: aiohttp.ClientSession, user: str = "UANA") -> Json:
    async with http.get("/_page/snapshot", params={"user": user}) as answer:
        return dict(await answer.json())


async def test_the_page_is_served_and_nothing_beside_it(http: aiohttp.ClientSession) -> None:
    async with http.get("/") as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
    for path in ("/static/../server.py", "/static/%2e%2e%2fserver.py", "/static/nothing.js"):
        async with http.get(path) as answer:
            assert answer.status == 404


async def test_a_snapshot_shows_one_persons_places(
    sandbox: Sandbox, http: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    seen = await snapshot(http)
    assert seen["me"] == "UANA"
    names = [place["name"] for place in seen["conversations"] if not place["is_im"]]
    assert names == ["general", "finance", "outside", "old"]
    (dm,) = [place for place in seen["conversations"] if place["is_im"]]
    assert (dm["id"], dm["user"]) == (sandbox.dm("UANA"), sandbox.bot_user_id)
    assert [command["command"] for command in seen["commands"]] == ["/bill", "/usage", "/customer"]
    assert (seen["bot"]["connected"], seen["views"]) == (False, {"stack": [], "home": None})
    assert (seen["hint"], seen["mail"]) == (None, 0)
    kims = await snapshot(http, "UKIM")
    names = [place["name"] for place in kims["conversations"] if not place["is_im"]]
    assert names == ["general", "secret"]


async def test_a_snapshot_for_nobody_is_for_the_first_person(
    http: aiohttp.ClientSession, bot: Bot
) -> None:
    seen = await snapshot(http, "UNOBODY")
    assert (seen["me"], seen["bot"]["connected"]) == ("UANA", True)


async def test_a_place_counts_what_was_said_since_it_was_read(
    sandbox: Sandbox, http: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    async def unread(user: str) -> int:
        places = {one["id"]: one for one in (await snapshot(http, user))["conversations"]}
        return int(places["CGENERAL"]["unread"])

    await client.chat_postMessage(channel="CGENERAL", text="one")
    await sandbox.message("UKIM", "CGENERAL", "two")
    assert (await unread("UANA"), await unread("UKIM")) == (2, 0)
    await http.post("/_page/read", json={"user": "UANA", "channel": "CGENERAL"})
    assert await unread("UANA") == 0
    nowhere = await http.post("/_page/read", json={"user": "UANA", "channel": "CSECRET"})
    assert not (await nowhere.json())["ok"]


async def test_messages_are_the_last_500_one_person_sees(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    general = sandbox.workspace.conversations["CGENERAL"]
    for number in range(501):
        sandbox.workspace.post(general, {"text": str(number)})
    sandbox.workspace.post_ephemeral(general, "UANA", {"text": "for Ana"})
    sandbox.workspace.post_ephemeral(general, "UKIM", {"text": "for Kim"})
    params = {"user": "UANA", "channel": "CGENERAL"}
    async with http.get("/_page/messages", params=params) as answer:
        texts = [message["text"] for message in (await answer.json())["messages"]]
    assert (len(texts), texts[0], texts[-1]) == (500, "2", "for Ana")
    async with http.get("/_page/messages", params={**params, "channel": "CSECRET"}) as answer:
        assert answer.status == 404


class Stream:
    """The changes one person's page hears of."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def next(self) -> Json:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                line = (await self._answer.content.readline()).decode()
                if line.startswith("data: "):
                    return dict(json.loads(line.removeprefix("data: ")))


@asynccontextmanager
async def watching(http: aiohttp.ClientSession, user: str) -> AsyncIterator[Stream]:
    async with http.get("/_page/events", params={"user": user}) as answer:
        assert answer.content_type == "text/event-stream"
        assert await answer.content.readline() == b": open\n"
        yield Stream(answer)


async def test_changes_are_told_together_and_to_those_they_concern(
    sandbox: Sandbox, http: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    async with watching(http, "UANA") as ana, watching(http, "UKIM") as kim:
        sandbox.workspace.post(sandbox.workspace.conversations["CFINANCE"], {"text": "one"})
        sandbox.workspace.post(sandbox.workspace.conversations["CGENERAL"], {"text": "two"})
        heard = await ana.next()
        assert heard["channels"] == ["CFINANCE", "CGENERAL"]
        assert heard["revision"] == sandbox.workspace.revision
        assert (await kim.next())["channels"] == ["CGENERAL"]
        trigger_id = sandbox.slack.triggers.issue("UANA")
        await client.views_open(trigger_id=trigger_id, view=dialog())
        assert (await ana.next())["views"]
        await client.views_publish(user_id="UKIM", view={"type": "home", "blocks": [SECTION]})
        assert (await kim.next())["views"]


@pytest.mark.parametrize("followed", [" generate 2026-10", "generate"])
async def test_a_hint_is_gone_for_all_once_somebody_has_followed_it(
    sandbox: Sandbox, http: aiohttp.ClientSession, bot: Bot, followed: str
) -> None:
    sandbox.hint = "/bill generate 2026-10"
    for other in ("", "list", "gen"):
        await sandbox.command("UANA", "CGENERAL", "/bill", other)
    assert (await snapshot(http))["hint"] == "/bill generate 2026-10"
    await sandbox.command("UANA", "CGENERAL", "/bill", followed)
    assert (await snapshot(http, "UKIM"))["hint"] is None


async def test_a_stream_ends_with_the_sandbox() -> None:
    async with aiohttp.ClientSession() as session:
        async with serve(Sandbox()) as sandbox:
            sandbox.add_user(id="UANA", name="ana")
            answer = await session.get(f"{sandbox.base_url}/_page/events?user=UANA")
        async with asyncio.timeout(PATIENCE_S):
            await answer.read()
