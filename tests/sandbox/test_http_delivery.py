"""HTTP mode: signed posts, their repetition, and the answers in their bodies."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_sdk.signature import SignatureVerifier

from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.waiting import until
from tests.sandbox.slack_bot import ACTIONS, BUTTON, WORKSPACE, Bot, app_of, dialog

Json = dict[str, Any]


class Receiver:
    """An HTTP server that keeps what it is sent and answers as it is told."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.responses: list[web.Response] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.read()))
        return self.responses.pop(0) if self.responses else web.Response()


async def listen(handler: Any) -> tuple[web.AppRunner, str]:
    app = web.Application()
    app.router.add_post("/slack/events", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"


@pytest.fixture
async def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def http_sandbox(receiver: Receiver) -> AsyncIterator[Sandbox]:
    runner, url = await listen(receiver.handle)
    async with serve(
        Sandbox(
            workspace=WORKSPACE, mode="http", bot_http_url=url, retry_delays_s=(0.0, 0.01, 0.02)
        )
    ) as sandbox:
        yield sandbox
    await runner.cleanup()


async def test_every_payload_is_signed_and_written_as_slack_does(
    http_sandbox: Sandbox, receiver: Receiver
) -> None:
    await http_sandbox.command("UANA", "CGENERAL", "/bill", "help")
    posted = http_sandbox.workspace.post(
        http_sandbox.workspace.conversations["CGENERAL"], {"blocks": [ACTIONS]}
    )
    action = {**BUTTON, "block_id": "buttons"}
    await http_sandbox.interact("UANA", "CGENERAL", posted["ts"], action)
    await http_sandbox.message("UANA", "CGENERAL", "hello")
    verifier = SignatureVerifier(http_sandbox.signing_secret)
    assert all(verifier.is_valid_request(body, headers) for headers, body in receiver.requests)
    command, click, event = (body.decode() for _, body in receiver.requests)
    assert parse_qs(command)["command"] == ["/bill"]
    assert json.loads(parse_qs(click)["payload"][0])["type"] == "block_actions"
    assert json.loads(event)["event"]["text"] == "hello"


async def test_a_failed_event_is_repeated_three_times(
    http_sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.responses = [web.Response(status=500) for _ in range(4)]
    assert not (await http_sandbox.message("UANA", "CGENERAL", "hello"))["acked"]
    await until(lambda: len(receiver.requests) == 4)
    numbers = [headers.get("X-Slack-Retry-Num") for headers, _ in receiver.requests]
    reasons = {headers.get("X-Slack-Retry-Reason") for headers, _ in receiver.requests[1:]}
    assert (numbers, reasons) == ([None, "1", "2", "3"], {"http_error"})


async def test_the_app_can_ask_for_no_repetition(http_sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.responses = [web.Response(status=500, headers={"X-Slack-No-Retry": "1"})]
    await http_sandbox.message("UANA", "CGENERAL", "hello")
    await http_sandbox.message("UANA", "CGENERAL", "and another")
    assert len(receiver.requests) == 2


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (web.Response(status=404), {"ok": False, "error": "dispatch_failed"}),
        (
            web.Response(text="{", content_type="application/json"),
            {"ok": False, "error": "dispatch_failed"},
        ),
        (web.Response(), {"ok": True, "message": None}),
    ],
)
async def test_a_command_succeeds_by_its_status(
    http_sandbox: Sandbox, receiver: Receiver, response: web.Response, outcome: Json
) -> None:
    receiver.responses = [response]
    answer = await http_sandbox.command("UANA", "CGENERAL", "/bill")
    assert {key: answer[key] for key in outcome} == outcome


async def test_a_plain_text_body_is_a_private_answer(
    http_sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.responses = [web.Response(text="one moment")]
    answer = await http_sandbox.command("UANA", "CGENERAL", "/bill")
    assert answer["message"]["text"] == "one moment"
    assert answer["message"]["ephemeral_user"] == "UANA"


async def test_a_receiver_that_is_gone_or_slow_is_told_apart(
    http_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_request: web.Request) -> web.Response:
        await until(lambda: False, 1)
        return web.Response()

    monkeypatch.setattr(http_sandbox.webhooks, "_ack_s", 0.05)
    runner, http_sandbox.bot_http_url = await listen(never)
    slow = await http_sandbox.command("UANA", "CGENERAL", "/bill")
    await runner.cleanup()
    gone = await http_sandbox.command("UANA", "CGENERAL", "/bill")
    assert (slow["error"], gone["error"]) == ("operation_timeout", "dispatch_failed")


async def test_a_bolt_app_is_served_by_http_as_by_socket() -> None:
    async with serve(Sandbox(workspace=WORKSPACE, mode="http")) as sandbox:
        bot = Bot()
        app = app_of(sandbox, bot)

        async def endpoint(request: web.Request) -> web.Response:
            answer = await app.async_dispatch(await to_bolt_request(request))
            return await to_aiohttp_response(answer)

        async def open_dialog(ack: Any, body: Json, client: Any, **_: Any) -> None:
            await client.views_open(trigger_id=body["trigger_id"], view=dialog())
            await ack("opening")

        async def complain(ack: Any, **_: Any) -> None:
            await ack(response_action="errors", errors={"reason": "Say more."})

        bot.answers = {"command": open_dialog, "submission": complain}
        runner, sandbox.bot_http_url = await listen(endpoint)
        assert (await sandbox.command("UANA", "CGENERAL", "/bill"))["message"]["text"] == "opening"
        (view,) = sandbox.views("UANA")["stack"]
        answer = await sandbox.submit("UANA", view["id"], {"reason": {"text": "no"}})
        assert answer["errors"] == {"reason": "Say more."}
        assert (await sandbox.message("UANA", "CGENERAL", "hello"))["acked"]
        assert bot.events("message")[-1]["text"] == "hello"
        await runner.cleanup()


async def test_without_an_address_nothing_is_delivered(sandbox: Sandbox) -> None:
    async with serve(Sandbox(workspace=WORKSPACE, mode="http")) as unaddressed:
        assert not unaddressed.delivery.connected
        answer = await unaddressed.command("UANA", "CGENERAL", "/bill")
        assert answer["error"] == "dispatch_failed"
