"""Answers by response url: five within half an hour, private unless said otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient

from sandbox.fake_slack.sandbox import Sandbox
from tests.sandbox.slack_bot import ACTIONS, BUTTON, SECTION, Bot, Clock

Json = dict[str, Any]
CLICK: Json = {**BUTTON, "block_id": "buttons"}


async def command_url(sandbox: Sandbox, bot: Bot, channel: str = "CGENERAL") -> str:
    await sandbox.command("UANA", channel, "/bill", "help")
    return str(bot.bodies("command")[-1]["response_url"])


async def click_url(sandbox: Sandbox, bot: Bot, message: Json) -> str:
    await sandbox.interact("UANA", "CGENERAL", message["ts"], CLICK)
    return str(bot.bodies("action")[-1]["response_url"])


def post(sandbox: Sandbox, message: Json) -> Json:
    """A message of the app with a button, where everybody sees it."""
    general = sandbox.workspace.conversations["CGENERAL"]
    written = {**sandbox.slack.bot_author(), "blocks": [ACTIONS], **message}
    return sandbox.workspace.post(general, written)


async def send(url: str, **body: Any) -> tuple[int, str]:
    answer = await AsyncWebhookClient(url, retry_handlers=[]).send_dict(body)
    return answer.status_code, answer.body


async def test_an_answer_is_private_unless_it_says_otherwise(sandbox: Sandbox, bot: Bot) -> None:
    url = await command_url(sandbox, bot)
    assert await send(url, text="psst") == (200, '{"ok": true}')
    await send(url, text="listen", response_type="in_channel")
    private, public = sandbox.messages("CGENERAL")
    assert (private["text"], private["ephemeral_user"]) == ("psst", "UANA")
    assert (public["text"], public.get("ephemeral_user")) == ("listen", None)


async def test_an_answer_may_go_where_the_app_is_not(sandbox: Sandbox, bot: Bot) -> None:
    url = await command_url(sandbox, bot, "COUTSIDE")
    await send(url, text="hello", response_type="in_channel")
    assert sandbox.messages("COUTSIDE")[0]["text"] == "hello"


async def test_an_address_takes_five_answers(sandbox: Sandbox, bot: Bot) -> None:
    url = await command_url(sandbox, bot)
    statuses = [(await send(url, text="again"))[0] for _ in range(5)]
    assert statuses == [200] * 5
    status, body = await send(url, text="once more")
    assert (status, "used_url" in body) == (404, True)


async def test_an_address_lives_half_an_hour(sandbox: Sandbox, bot: Bot, clock: Clock) -> None:
    url = await command_url(sandbox, bot)
    clock.now += 30 * 60
    assert (await send(url, text="just in time"))[0] == 200
    clock.now += 1
    status, body = await send(url, text="too late")
    assert (status, "expired_url" in body) == (404, True)
    assert (await send(f"{url}x", text="invented"))[0] == 404


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"text": ""}, "no_text"),
        ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"text": "x", "response_type": "everywhere"}, "invalid_response_type"),
        ({"text": "x", "thread_ts": "1.000000"}, "thread_not_found"),
    ],
)
async def test_an_answer_that_is_no_message_is_refused(
    sandbox: Sandbox, bot: Bot, body: Json, error: str
) -> None:
    status, answer = await send(await command_url(sandbox, bot), **body)
    assert (status, error in answer) == (400, True)
    assert sandbox.messages("CGENERAL") == []


async def test_an_answer_can_join_a_thread(sandbox: Sandbox, bot: Bot) -> None:
    message = post(sandbox, {"text": "bill"})
    url = await click_url(sandbox, bot, message)
    await send(url, text="in the thread", thread_ts=message["ts"], response_type="in_channel")
    assert sandbox.messages("CGENERAL")[-1]["thread_ts"] == message["ts"]


async def test_an_answer_replaces_the_clicked_message_whole(sandbox: Sandbox, bot: Bot) -> None:
    message = post(sandbox, {"text": "bill"})
    url = await click_url(sandbox, bot, message)
    await send(url, text="approved", replace_original=True)
    (replaced,) = sandbox.messages("CGENERAL")
    assert (replaced["ts"], replaced["text"]) == (message["ts"], "approved")
    assert "blocks" not in replaced
    await send(url, text="beside it", replace_original=False)
    assert len(sandbox.messages("CGENERAL")) == 2


async def test_a_private_answer_is_replaced_and_deleted_by_its_own_clicks(
    sandbox: Sandbox, bot: Bot
) -> None:
    await send(await command_url(sandbox, bot), text="choose", blocks=[ACTIONS])
    (private,) = sandbox.messages("CGENERAL")
    url = await click_url(sandbox, bot, private)
    assert bot.bodies("action")[-1]["container"]["is_ephemeral"]
    await send(url, replace_original=True, text="chosen", blocks=[SECTION])
    (replaced,) = sandbox.messages("CGENERAL", "UANA")
    assert (replaced["text"], replaced["ephemeral_user"]) == ("chosen", "UANA")
    await send(url, delete_original=True)
    assert sandbox.messages("CGENERAL") == []
    status, body = await send(url, delete_original=True)
    assert (status, "message_not_found" in body) == (400, True)


async def test_a_visible_message_is_deleted_by_an_answer(sandbox: Sandbox, bot: Bot) -> None:
    message = post(sandbox, {"text": "bill"})
    url = await click_url(sandbox, bot, message)
    await send(url, delete_original=True)
    assert sandbox.messages("CGENERAL") == []


async def test_answers_meet_faults_of_their_own(sandbox: Sandbox, bot: Bot) -> None:
    url = await command_url(sandbox, bot)
    await sandbox.fault(method="response_url", kind="error", status=503)
    assert (await send(url, text="lost"))[0] == 503
    await sandbox.fault(method="response_url", kind="error", status=500, effect=True)
    assert (await send(url, text="kept"))[0] == 500
    assert [message["text"] for message in sandbox.messages("CGENERAL")] == ["kept"]
