"""What every Web API call meets first: tokens, scopes, arguments, rate limits."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from sandbox.fake_slack.world.rates import PER_MINUTE, Rates
from tests.sandbox.slack_bot import WORKSPACE, Clock, refusal_of


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.parametrize(
    ("method", "token", "error"),
    [
        ("auth.test", "", "not_authed"),
        ("auth.test", "xoxb-somebody-else", "invalid_auth"),
        ("auth.test", "xapp", "not_allowed_token_type"),
        ("chat.postMessage", "xapp", "not_allowed_token_type"),
        ("apps.connections.open", "xoxb", "not_allowed_token_type"),
        ("apps.connections.open", "", "not_authed"),
        ("chat.postMessages", "xoxb", "unknown_method"),
    ],
)
async def test_a_call_needs_the_right_kind_of_token(
    sandbox: Sandbox, http: aiohttp.ClientSession, method: str, token: str, error: str
) -> None:
    token = {"xapp": sandbox.app_token, "xoxb": sandbox.bot_token}.get(token, token)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with http.post(sandbox.api_url + method, headers=headers) as answer:
        assert answer.status == 200
        assert (await answer.json())["error"] == error


async def test_methods_that_ask_for_no_token_need_none(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    for method in ("api.test", "blocks.validate?blocks=[]"):
        async with http.post(sandbox.api_url + method) as answer:
            assert (await answer.json())["ok"]


@pytest.mark.parametrize("way", ["query", "form", "json", "multipart", "token in the body"])
async def test_arguments_may_come_in_any_of_slacks_ways(
    sandbox: Sandbox, http: aiohttp.ClientSession, way: str
) -> None:
    args = {"channel": "CGENERAL", "text": "hello"}
    form = aiohttp.FormData(args, default_to_multipart=True)
    ways: dict[str, dict[str, Any]] = {
        "query": {"params": args},
        "form": {"data": args},
        "json": {"json": args},
        "multipart": {"data": form},
        "token in the body": {"data": {**args, "token": sandbox.bot_token}},
    }
    given = ways[way]
    if way != "token in the body":
        given["headers"] = {"Authorization": f"Bearer {sandbox.bot_token}"}
    async with http.post(f"{sandbox.api_url}chat.postMessage", **given) as answer:
        assert (await answer.json())["message"]["text"] == "hello"


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        (b"{", "application/json", "invalid_json"),
        (b"[]", "application/json", "json_not_object"),
        (b"<x/>", "application/xml", "invalid_post_type"),
        (b"{}", "application/json", "invalid_arguments"),
    ],
)
async def test_a_body_slack_cannot_read_is_refused(
    sandbox: Sandbox, http: aiohttp.ClientSession, body: bytes, content_type: str, error: str
) -> None:
    headers = {"Authorization": f"Bearer {sandbox.bot_token}", "Content-Type": content_type}
    url = f"{sandbox.api_url}chat.postMessage"
    async with http.post(url, data=body, headers=headers) as answer:
        assert (await answer.json())["error"] == error


async def test_a_method_for_forms_alone_does_not_read_json(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    headers = {"Authorization": f"Bearer {sandbox.bot_token}"}
    url = f"{sandbox.api_url}users.info"
    async with http.post(url, json={"user": "UANA"}, headers=headers) as answer:
        assert (await answer.json())["error"] == "invalid_arguments"


async def test_a_missing_argument_is_named(client: AsyncWebClient) -> None:
    refused = await refusal_of(client.api_call("chat.update", json={"ts": "1.000000"}))
    assert refused["error"] == "invalid_arguments"
    messages = refused["response_metadata"]["messages"]
    assert messages == ["[ERROR] missing required field: channel"]


MANIFEST = {
    "oauth_config": {"scopes": {"bot": ["chat:write", "users:read", "channels:read"]}},
    "features": {"app_home": {"home_tab_enabled": False, "messages_tab_enabled": False}},
}


@pytest.mark.parametrize(
    ("method", "args", "needed"),
    [
        ("conversations.open", {"users": "UANA"}, "im:write"),
        ("conversations.history", {"channel": "CGENERAL"}, "channels:history"),
        ("conversations.history", {"channel": "CFINANCE"}, "groups:history"),
        ("conversations.list", {"types": "im"}, "im:read"),
        ("users.lookupByEmail", {"email": "ana@example.test"}, "users:read.email"),
        ("files.getUploadURLExternal", {"filename": "a", "length": 1}, "files:write"),
        ("team.info", {}, "team:read"),
        ("reactions.add", {"name": "ok", "channel": "C", "timestamp": "1"}, "reactions:write"),
    ],
)
async def test_a_scope_that_was_not_granted_is_named(
    method: str, args: dict[str, Any], needed: str
) -> None:
    async with serve(Sandbox(workspace=WORKSPACE, manifest=MANIFEST)) as sandbox:
        client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
        refused = await refusal_of(client.api_call(method, params=args))
    assert (refused["error"], refused["needed"]) == ("missing_scope", needed)
    assert refused["provided"] == "channels:read,chat:write,users:read"


async def test_a_manifest_without_tabs_closes_home_and_messages() -> None:
    async with serve(Sandbox(workspace=WORKSPACE, manifest=MANIFEST)) as sandbox:
        client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
        home = {"type": "home", "blocks": []}
        refused = await refusal_of(client.views_publish(user_id="UANA", view=home))
        assert refused["error"] == "not_enabled"
        posted = client.chat_postMessage(channel="UANA", text="hello")
        assert (await refusal_of(posted))["error"] == "messages_tab_disabled"


async def test_addresses_are_hidden_from_an_app_that_may_not_read_them() -> None:
    async with serve(Sandbox(workspace=WORKSPACE, manifest=MANIFEST)) as sandbox:
        client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
        user = (await client.users_info(user="UANA"))["user"]
    assert "email" not in user["profile"]


async def test_granted_scopes_are_told_in_a_header(client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert "chat:write" in answer.headers["X-OAuth-Scopes"].split(",")


# -- rate limits -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "args", "limit"),
    [
        ("users.list", {}, 20),
        ("team.info", {}, 50),
    ],
)
async def test_each_tier_has_its_limit_a_minute(
    sandbox: Sandbox, client: AsyncWebClient, method: str, args: dict[str, str], limit: int
) -> None:
    await sandbox.fault(rate_limits=True)
    for _ in range(limit):
        await client.api_call(method, params=args)
    with pytest.raises(SlackApiError) as caught:
        await client.api_call(method, params=args)
    assert caught.value.response.status_code == 429
    assert caught.value.response["error"] == "ratelimited"
    assert int(caught.value.response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(("tier", "limit"), PER_MINUTE.items())
def test_a_tier_refills_over_a_minute(clock: Clock, tier: str, limit: int) -> None:
    rates = Rates(clock)
    if tier == "post":
        waits = [rates.wait_s("m", tier, f"C{number}") for number in range(limit)]
    else:
        waits = [rates.wait_s("m", tier) for _ in range(limit)]
    assert set(waits) == {0}
    wait = rates.wait_s("m", tier)
    assert wait == math.ceil(60 / limit)
    clock.now += wait
    assert rates.wait_s("m", tier) == 0


async def test_a_channel_takes_a_short_burst_then_one_message_a_second(
    sandbox: Sandbox, client: AsyncWebClient, clock: Clock
) -> None:
    await sandbox.fault(rate_limits=True)
    for _ in range(5):
        await client.chat_postMessage(channel="CGENERAL", text="hello")
    refused = await refusal_of(client.chat_postMessage(channel="CGENERAL", text="hello"))
    assert refused["error"] == "ratelimited"
    await client.chat_postMessage(channel="CFINANCE", text="another channel has its own limit")
    clock.now += 1
    await client.chat_postMessage(channel="CGENERAL", text="a second later")
    assert len(sandbox.messages("CGENERAL")) == 6


async def test_an_unknown_argument_is_named_in_a_warning(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel="CGENERAL", text="x", unfurl_links=False)
    assert "warning" not in posted.data
    changed = await client.chat_update(
        channel="CGENERAL", ts=posted["ts"], text="y", unfurl_links=False, colour="red"
    )
    warnings = ["unknown_argument:colour", "unknown_argument:unfurl_links"]
    assert changed["ok"]
    assert changed["warning"] == ",".join(warnings)
    assert changed["response_metadata"] == {"warnings": warnings}
    assert sandbox.warnings == ["chat.update: colour", "chat.update: unfurl_links"]


async def test_a_warning_leaves_the_rest_of_the_metadata_alone(client: AsyncWebClient) -> None:
    page = await client.users_list(limit=1, colour="red")
    assert page["response_metadata"]["next_cursor"]
    assert page["response_metadata"]["warnings"] == ["unknown_argument:colour"]


async def test_the_workspace_may_be_named_in_any_call(client: AsyncWebClient) -> None:
    assert "warning" not in (await client.auth_test(team_id="T1")).data
