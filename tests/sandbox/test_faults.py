"""Things that go wrong on purpose."""

from __future__ import annotations

import time
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.sandbox import Sandbox
from tests.sandbox.slack_bot import SECTION, error_of


def texts(sandbox: Sandbox) -> list[str]:
    return [message["text"] for message in sandbox.messages("CGENERAL")]


def post(client: AsyncWebClient, text: str) -> Any:
    return client.chat_postMessage(channel="CGENERAL", text=text)


async def test_a_lost_response_leaves_the_message(sandbox: Sandbox, client: AsyncWebClient) -> None:
    await sandbox.fault(method="chat.postMessage", kind="lost_response")
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(client, "kept")
    await post(client, "next")
    assert texts(sandbox) == ["kept", "next"]


async def test_a_cut_connection_leaves_nothing(sandbox: Sandbox, client: AsyncWebClient) -> None:
    await sandbox.fault(method="chat.postMessage", kind="cut", after=1, times=2)
    await post(client, "first")
    for _ in range(2):
        with pytest.raises(aiohttp.ClientConnectionError):
            await post(client, "lost")
    await post(client, "last")
    assert texts(sandbox) == ["first", "last"]


@pytest.mark.parametrize("effect", [True, False])
async def test_a_server_error_may_or_may_not_have_had_its_effect(
    sandbox: Sandbox, client: AsyncWebClient, effect: bool
) -> None:
    await sandbox.fault(method="chat.*", kind="error", status=503, effect=effect)
    with pytest.raises(SlackApiError) as caught:
        await post(client, "perhaps")
    assert caught.value.response.status_code == 503
    assert texts(sandbox) == (["perhaps"] if effect else [])


async def test_an_error_can_be_named(sandbox: Sandbox, client: AsyncWebClient) -> None:
    await sandbox.fault(kind="error", error="token_revoked", times=0)
    assert [await error_of(client.auth_test()) for _ in range(3)] == ["token_revoked"] * 3
    await sandbox.fault(clear=True)
    assert (await client.auth_test())["ok"]


async def test_a_limit_can_strike_at_will(sandbox: Sandbox, client: AsyncWebClient) -> None:
    await sandbox.fault(method="chat.update", kind="ratelimited", retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_update(channel="CGENERAL", ts="1.000000", text="x")
    assert caught.value.response.headers["Retry-After"] == "7"
    assert caught.value.response.status_code == 429


async def test_an_answer_can_be_late(sandbox: Sandbox, client: AsyncWebClient) -> None:
    await sandbox.fault(method="auth.test", kind="delay", seconds=0.1)
    started = time.monotonic()
    assert (await client.auth_test())["ok"]
    assert time.monotonic() - started >= 0.1


async def test_chance_is_the_same_each_time_it_is_seeded(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    async def run() -> list[bool]:
        await sandbox.fault(clear=True)
        await sandbox.fault(method="auth.test", kind="error", probability=0.5, seed=7)
        outcomes = []
        for _ in range(20):
            answer = await client.api_call("api.test")
            assert answer["ok"]
            try:
                outcomes.append(bool(await client.auth_test()))
            except SlackApiError:
                outcomes.append(False)
        return outcomes

    first = await run()
    assert first == await run()
    assert {True, False} == set(first)


@pytest.mark.parametrize(
    "spec",
    [
        {"method": "auth.test", "kind": "gremlins"},
        {"method": "auth.test", "kind": "cut", "probability": 2},
        {"socket": "melt"},
        {"envelopes": "eat"},
        {"mail": "burn"},
        {"weather": "bad"},
    ],
)
async def test_a_fault_there_is_not_is_refused(sandbox: Sandbox, spec: dict[str, Any]) -> None:
    assert (await sandbox.fault(**spec))["error"] == "invalid_fault"


async def test_reset_forgets_everything_but_people_and_places(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    await post(client, "hello")
    await client.views_publish(user_id="UANA", view={"type": "home", "blocks": [SECTION]})
    await sandbox.fault(method="*", kind="cut", times=0)
    await sandbox.fault(rate_limits=True)
    await sandbox.reset()
    assert (texts(sandbox), sandbox.mail()) == ([], [])
    assert sandbox.views("UANA") == {"stack": [], "home": None}
    assert "UANA" in sandbox.workspace.users
    for _ in range(7):
        await post(client, "no fault and no limit stands")
