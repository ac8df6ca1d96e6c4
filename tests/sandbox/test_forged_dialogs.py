"""Somebody acts in another person's dialog: the app hears of it, the owner sees no trace."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from sandbox.fake_slack.sandbox import Sandbox
from tests.sandbox.slack_bot import ACTIONS, BUTTON, Bot, dialog, text_input

Json = dict[str, Any]

REFUSED: Json = {**dialog(ACTIONS), "title": {"type": "plain_text", "text": "Not yours"}}
ERRORS: Json = {"response_action": "errors", "errors": {"reason": "It is not yours."}}


def opened(sandbox: Sandbox) -> Json:
    """Two dialogs of Ana's, one on the other; the topmost asks for a reason."""
    sandbox.slack.surfaces.open("UANA", dialog())
    return sandbox.slack.surfaces.push("UANA", dialog(text_input(), ACTIONS, notify_on_close=True))


def answering(bot: Bot, kind: str, **answer: Any) -> None:
    async def handle(ack: Any, **_: Any) -> None:
        await ack(**answer)

    bot.answers[kind] = handle


@pytest.mark.parametrize(
    ("answer", "action", "title"),
    [
        ({}, None, "Reject"),
        (ERRORS, "errors", "Reject"),
        ({"response_action": "update", "view": REFUSED}, "update", "Not yours"),
        ({"response_action": "push", "view": REFUSED}, "push", "Not yours"),
        ({"response_action": "clear"}, "clear", None),
    ],
)
async def test_a_forged_submission_leaves_the_owner_what_they_had(
    sandbox: Sandbox, bot: Bot, answer: Json, action: str | None, title: str | None
) -> None:
    view = opened(sandbox)
    before = deepcopy(sandbox.views("UANA"))
    answering(bot, "submission", **answer)
    told = await sandbox.submit("UKIM", view["id"], {"reason": "forged"})
    assert (told["ok"], told["response_action"]) == (True, action)
    assert told.get("errors") == answer.get("errors")
    assert (told["view"]["title"]["text"] if told["view"] else None) == title
    assert sandbox.views("UANA") == before
    assert sandbox.views("UKIM")["stack"] == []
    (body,) = bot.bodies("submission")
    assert (body["user"]["id"], body["view"]["id"]) == ("UKIM", view["id"])
    assert body["view"]["state"]["values"]["reason"]["text"]["value"] == "forged"


async def test_after_a_refused_forgery_the_right_person_submits(sandbox: Sandbox, bot: Bot) -> None:
    view = opened(sandbox)
    answering(bot, "submission", response_action="update", view=REFUSED)
    assert (await sandbox.submit("UKIM", view["id"], {"reason": "forged"}))["ok"]
    answering(bot, "submission")
    told = await sandbox.submit("UANA", view["id"], {"reason": "because"})
    assert (told["ok"], told["response_action"]) == (True, None)
    assert len(sandbox.views("UANA")["stack"]) == 1
    body = bot.bodies("submission")[-1]
    assert body["view"]["title"]["text"] == "Reject"
    assert body["view"]["state"]["values"]["reason"]["text"]["value"] == "because"


async def test_a_forged_click_and_a_forged_close_leave_the_dialog(
    sandbox: Sandbox, bot: Bot
) -> None:
    view = opened(sandbox)
    before = deepcopy(sandbox.views("UANA"))
    click = {**BUTTON, "block_id": "buttons"}
    forged = {"reason": "forged"}
    assert (await sandbox.interact("UKIM", None, None, click, view["id"], forged))["ok"]
    assert (await sandbox.close("UKIM", view["id"]))["ok"]
    assert sandbox.views("UANA") == before
    assert [body["user"]["id"] for _, body in bot.received] == ["UKIM", "UKIM"]
