"""Socket Mode: addresses, hello, acknowledgements, repetitions, ends of connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.waiting import until
from tests.sandbox.slack_bot import WORKSPACE, Bot, Clock, connected

Json = dict[str, Any]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def address(sandbox: Sandbox) -> str:
    client = AsyncWebClient(base_url=sandbox.api_url)
    return str((await client.apps_connections_open(app_token=sandbox.app_token))["url"])


async def plugged(sandbox: Sandbox, http: aiohttp.ClientSession) -> Any:
    """A raw connection that has heard hello."""
    socket = await http.ws_connect(await address(sandbox))
    assert (await socket.receive_json(timeout=3))["type"] == "hello"
    return socket


async def test_hello_says_how_many_connections_there_are(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    first = await plugged(sandbox, http)
    second = await http.ws_connect(await address(sandbox))
    hello = await second.receive_json(timeout=3)
    assert (hello["type"], hello["num_connections"]) == ("hello", 2)
    assert hello["connection_info"] == {"app_id": sandbox.installation.app_id}
    assert hello["debug_info"]["approximate_connection_time"] > 0
    await first.close()
    await second.close()
    await until(lambda: not sandbox.delivery.connected)


async def test_an_address_serves_once_and_not_for_long(
    sandbox: Sandbox, http: aiohttp.ClientSession, clock: Clock
) -> None:
    used = await address(sandbox)
    socket = await http.ws_connect(used)
    late = await address(sandbox)
    clock.now += 31
    for url in (used, late, used.replace("ticket=", "ticket=x")):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(url)
    await socket.close()


async def test_an_eleventh_connection_is_one_too_many(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    sockets = [await plugged(sandbox, http) for _ in range(10)]
    extra = await http.ws_connect(await address(sandbox))
    goodbye = await extra.receive_json(timeout=3)
    assert (goodbye["type"], goodbye["reason"]) == ("disconnect", "too_many_websockets")
    assert (await extra.receive(timeout=3)).type is aiohttp.WSMsgType.CLOSE
    for socket in sockets:
        await socket.close()


async def test_each_envelope_goes_to_one_connection(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    sockets = [await plugged(sandbox, http) for _ in range(2)]
    for expected in sockets:
        said = asyncio.create_task(sandbox.message("UANA", "CGENERAL", "hello"))
        envelope = await expected.receive_json(timeout=3)
        await expected.send_json({"envelope_id": envelope["envelope_id"]})
        assert (await said)["acked"]
    for socket in sockets:
        await socket.close()


async def test_an_envelope_says_whether_it_takes_an_answer(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    socket = await plugged(sandbox, http)

    async def envelope_of(act: Any) -> Json:
        acting = asyncio.create_task(act)
        envelope = await socket.receive_json(timeout=3)
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
        await acting
        return dict(envelope)

    event = await envelope_of(sandbox.message("UANA", "CGENERAL", "hello"))
    assert (event["type"], event["accepts_response_payload"]) == ("events_api", False)
    assert (event["retry_attempt"], event["retry_reason"]) == (0, "")
    command = await envelope_of(sandbox.command("UANA", "CGENERAL", "/bill", "help"))
    assert (command["type"], command["accepts_response_payload"]) == ("slash_commands", True)
    assert "retry_attempt" not in command
    await socket.close()


async def test_an_acknowledgement_may_come_over_another_connection(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    old, new = await plugged(sandbox, http), await plugged(sandbox, http)
    said = asyncio.create_task(sandbox.message("UANA", "CGENERAL", "hello"))
    envelope = await old.receive_json(timeout=3)
    await new.send_str("nothing that can be read")
    await new.send_json({"envelope_id": "of nothing"})
    await new.send_json({"envelope_id": envelope["envelope_id"]})
    assert (await said)["acked"]
    await old.close()
    await new.close()


async def test_an_event_that_is_not_taken_is_repeated_with_its_id(
    sandbox: Sandbox, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox.sockets, "_ack_s", 0.05)
    socket = await plugged(sandbox, http)
    assert not (await sandbox.message("UANA", "CGENERAL", "hello"))["acked"]
    envelopes = [await socket.receive_json(timeout=3) for _ in range(3)]
    assert [one["retry_attempt"] for one in envelopes] == [0, 1, 2]
    assert [one["retry_reason"] for one in envelopes] == ["", "timeout", "timeout"]
    assert len({one["payload"]["event_id"] for one in envelopes}) == 1
    assert len({one["envelope_id"] for one in envelopes}) == 3
    await socket.close()


async def test_a_command_nobody_answers_times_out_and_is_not_repeated(
    sandbox: Sandbox, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox.sockets, "_ack_s", 0.05)
    socket = await plugged(sandbox, http)
    answer = await sandbox.command("UANA", "CGENERAL", "/bill")
    assert (answer["ok"], answer["error"]) == (False, "operation_timeout")
    await socket.receive_json(timeout=3)
    with pytest.raises(TimeoutError):
        await socket.receive(timeout=0.1)
    await socket.close()


async def test_without_a_connection_commands_fail_and_events_wait() -> None:
    async with serve(Sandbox(workspace=WORKSPACE, retry_delays_s=(0.0, *[0.1] * 50))) as sandbox:
        answer = await sandbox.command("UANA", "CGENERAL", "/bill")
        assert (answer["ok"], answer["error"]) == (False, "dispatch_failed")
        assert not (await sandbox.message("UANA", "CGENERAL", "hello"))["acked"]
        bot = Bot()
        async with connected(sandbox, bot):
            await until(lambda: bot.events("message"))
    assert bot.events("message")[0]["text"] == "hello"
    assert int(bot.headers[0]["x-slack-retry-num"][0]) >= 1


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled"])
async def test_a_disconnect_is_announced_and_then_carried_out(
    sandbox: Sandbox, http: aiohttp.ClientSession, reason: str
) -> None:
    socket = await plugged(sandbox, http)
    await sandbox.fault(socket=reason)
    assert (await socket.receive_json(timeout=3))["reason"] == reason
    assert (await socket.receive(timeout=3)).type is aiohttp.WSMsgType.CLOSE
    assert not sandbox.delivery.connected


async def test_a_warning_leaves_the_connection(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    socket = await plugged(sandbox, http)
    await sandbox.fault(socket="warning")
    assert (await socket.receive_json(timeout=3))["reason"] == "warning"
    assert sandbox.delivery.connected
    await socket.close()


async def test_the_app_comes_back_after_a_refresh_and_after_a_cut(
    sandbox: Sandbox, bot: Bot
) -> None:
    for fault in ("refresh_requested", "drop"):
        await sandbox.fault(socket=fault)
        await until(lambda: sandbox.delivery.connected)
        # What was on its way over the old connection is lost, as Slack's would be.
        async with asyncio.timeout(20):
            while not (await sandbox.message("UANA", "CGENERAL", fault))["acked"]:
                pass
    heard = dict.fromkeys(event["text"] for event in bot.events("message"))
    assert list(heard) == ["refresh_requested", "drop"]


async def test_connections_can_be_turned_away_for_a_while(
    sandbox: Sandbox, http: aiohttp.ClientSession, clock: Clock
) -> None:
    await sandbox.fault(socket="refuse", times=1)
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await http.ws_connect(await address(sandbox))
    assert caught.value.status == 503
    await sandbox.fault(socket="drop", seconds=5)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await http.ws_connect(await address(sandbox))
    clock.now += 5
    socket = await plugged(sandbox, http)
    await socket.close()


async def test_new_connections_can_be_cut_again(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    await sandbox.fault(socket="drop", times=2)
    socket = await http.ws_connect(await address(sandbox))
    kinds = {(await socket.receive(timeout=3)).type for _ in range(2)}
    assert kinds & {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE}
    await socket.close()
    again = await plugged(sandbox, http)
    await again.close()


async def test_envelopes_can_be_doubled_and_overtaken(sandbox: Sandbox, bot: Bot) -> None:
    await sandbox.fault(envelopes="duplicate")
    await sandbox.message("UANA", "CGENERAL", "twice")
    await until(lambda: len(bot.events("message")) == 2)
    twice = [body["event_id"] for body in bot.bodies("event")]
    assert twice[0] == twice[1]
    await sandbox.fault(envelopes="reorder")
    first = asyncio.create_task(sandbox.message("UANA", "CGENERAL", "first"))
    await until(lambda: sandbox.messages("CGENERAL")[-1]["text"] == "first")
    await sandbox.message("UANA", "CGENERAL", "second")
    await first
    assert [event["text"] for event in bot.events("message")][2:] == ["second", "first"]


async def test_acknowledgements_are_json_by_the_letter(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    socket = await plugged(sandbox, http)
    typed = asyncio.create_task(sandbox.command("UANA", "CGENERAL", "/bill"))
    envelope = await socket.receive_json(timeout=3)
    answer = {"envelope_id": envelope["envelope_id"], "payload": {"text": "done"}}
    await socket.send_str(json.dumps(answer))
    assert (await typed)["message"]["text"] == "done"
    await socket.close()
