"""Clicks, submissions and suggestions, and the answers Slack accepts to each."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.sandbox import Sandbox
from tests.sandbox.slack_bot import ACTIONS, BUTTON, SECTION, Bot, dialog, field_block, text_input

Json = dict[str, Any]
CLICK: Json = {**BUTTON, "block_id": "buttons"}


def option(value: str) -> Json:
    return {"text": {"type": "plain_text", "text": value.title()}, "value": value}


def acking(*args: Any, **answer: Any) -> Any:
    async def handle(ack: Any, **_: Any) -> None:
        await ack(*args, **answer)

    return handle


def opened(sandbox: Sandbox, view: Json, user: str = "UANA") -> Json:
    return sandbox.slack.surfaces.open(user, view)


async def card(client: AsyncWebClient, **more: Any) -> Json:
    posted = await client.chat_postMessage(
        channel="CGENERAL", text="bill", blocks=[ACTIONS], **more
    )
    return dict(posted["message"])


# -- clicks ------------------------------------------------------------------------------------


async def test_a_click_carries_the_message_the_place_and_the_button(
    sandbox: Sandbox, bot: Bot, client: AsyncWebClient
) -> None:
    message = await card(client)
    assert (await sandbox.interact("UKIM", "CGENERAL", message["ts"], CLICK)) == {"ok": True}
    (body,) = bot.bodies("action")
    action = body["actions"][0]
    assert (action["action_id"], action["value"], action["type"]) == ("go", "42", "button")
    assert body["message"]["ts"] == body["container"]["message_ts"] == message["ts"]
    assert body["channel"] == {"id": "CGENERAL", "name": "general"}
    assert (body["user"]["id"], body["user"]["team_id"]) == ("UKIM", sandbox.team_id)
    assert body["response_url"].startswith(sandbox.base_url)


async def test_a_click_in_a_thread_says_so(
    sandbox: Sandbox, bot: Bot, client: AsyncWebClient
) -> None:
    parent = (await client.chat_postMessage(channel="CGENERAL", text="bills"))["ts"]
    message = await card(client, thread_ts=parent)
    await sandbox.interact("UKIM", "CGENERAL", message["ts"], CLICK)
    assert bot.bodies("action")[0]["container"]["thread_ts"] == parent


async def test_a_click_finds_its_block_by_the_action(
    sandbox: Sandbox, bot: Bot, client: AsyncWebClient
) -> None:
    message = await card(client)
    await sandbox.interact("UKIM", "CGENERAL", message["ts"], {"action_id": "go"})
    assert bot.bodies("action")[0]["actions"][0]["block_id"] == "buttons"


@pytest.mark.parametrize("user", ["UGUEST", "UGONE"])
async def test_a_forged_click_arrives_like_any_other(
    sandbox: Sandbox, bot: Bot, client: AsyncWebClient, user: str
) -> None:
    posted = await client.chat_postMessage(channel="CFINANCE", text="bill", blocks=[ACTIONS])
    forged = {"type": "button", "action_id": "approve", "block_id": "other", "value": "9:9"}
    assert (await sandbox.interact(user, "CFINANCE", posted["ts"], forged))["ok"]
    (body,) = bot.bodies("action")
    assert (body["user"]["id"], body["actions"][0]["value"]) == (user, "9:9")


async def test_a_choice_in_a_message_is_in_its_state(
    sandbox: Sandbox, bot: Bot, client: AsyncWebClient
) -> None:
    select = {"type": "static_select", "action_id": "who", "options": [option("a"), option("b")]}
    blocks = [{"type": "actions", "block_id": "choice", "elements": [select]}]
    posted = await client.chat_postMessage(channel="CGENERAL", text="x", blocks=blocks)
    chosen = {**select, "block_id": "choice", "selected_option": option("b")}
    await sandbox.interact("UANA", "CGENERAL", posted["ts"], chosen)
    (body,) = bot.bodies("action")
    assert body["actions"][0]["selected_option"] == option("b")
    assert "options" not in body["actions"][0]
    assert body["state"]["values"]["choice"]["who"]["selected_option"] == option("b")


async def test_a_click_in_home_carries_the_view(
    sandbox: Sandbox, bot: Bot, client: AsyncWebClient
) -> None:
    home = {"type": "home", "blocks": [ACTIONS]}
    view = (await client.views_publish(user_id="UANA", view=home))["view"]
    await sandbox.interact("UANA", None, None, CLICK, view_id=view["id"])
    (body,) = bot.bodies("action")
    assert body["container"] == {"type": "view", "view_id": view["id"]}
    assert body["view"]["id"] == view["id"]
    assert not {"message", "channel", "response_url"} & set(body)


async def test_a_click_in_a_dialog_may_push_and_carries_what_was_entered(
    sandbox: Sandbox, bot: Bot
) -> None:
    async def push(ack: Any, body: Json, client: Any, **_: Any) -> None:
        await client.views_push(trigger_id=body["trigger_id"], view=dialog())
        await ack()

    bot.answers["action"] = push
    view = opened(sandbox, dialog(text_input(), ACTIONS))
    entered = {"reason": {"text": "because"}}
    assert (await sandbox.interact("UANA", None, None, CLICK, view["id"], entered))["ok"]
    values = bot.bodies("action")[0]["view"]["state"]["values"]
    assert values["reason"]["text"]["value"] == "because"
    assert len(sandbox.views("UANA")["stack"]) == 2


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ({"channel": "CNOWHERE", "messageTs": "1.0"}, "channel_not_found"),
        ({"channel": "CGENERAL", "messageTs": "1.0"}, "message_not_found"),
        ({"channel": None, "messageTs": None, "view_id": "V1"}, "view_not_found"),
    ],
)
async def test_a_click_on_nothing_is_refused(
    sandbox: Sandbox, bot: Bot, place: Json, error: str
) -> None:
    assert (await sandbox.interact("UANA", action=CLICK, **place))["error"] == error
    assert bot.received == []


async def test_a_click_is_acknowledged_with_an_empty_body(
    sandbox: Sandbox, bot: Bot, client: AsyncWebClient
) -> None:
    bot.answers["action"] = acking({"text": "thanks"})
    message = await card(client)
    refused = await sandbox.interact("UKIM", "CGENERAL", message["ts"], CLICK)
    assert refused["error"] == "invalid_ack"


# -- submissions -------------------------------------------------------------------------------

FIELDS: list[tuple[Json, Any, Json]] = [
    ({"type": "plain_text_input"}, "because", {"value": "because"}),
    ({"type": "plain_text_input", "initial_value": "as before"}, None, {"value": "as before"}),
    ({"type": "number_input", "is_decimal_allowed": False}, 12, {"value": "12"}),
    ({"type": "email_text_input"}, "a@example.test", {"value": "a@example.test"}),
    (
        {"type": "static_select", "options": [option("a"), option("b")]},
        "b",
        {"selected_option": option("b")},
    ),
    (
        {
            "type": "static_select",
            "option_groups": [
                {"label": {"type": "plain_text", "text": "Group"}, "options": [option("c")]}
            ],
        },
        {"type": "static_select", "selected_option": option("c")},
        {"selected_option": option("c")},
    ),
    (
        {"type": "checkboxes", "options": [option("a"), option("b")]},
        ["a", "b"],
        {"selected_options": [option("a"), option("b")]},
    ),
    ({"type": "radio_buttons", "options": [option("a")]}, "a", {"selected_option": option("a")}),
    ({"type": "external_select"}, option("acme"), {"selected_option": option("acme")}),
    ({"type": "users_select"}, "UKIM", {"selected_user": "UKIM"}),
    ({"type": "multi_users_select"}, ["UKIM"], {"selected_users": ["UKIM"]}),
    ({"type": "conversations_select"}, "CGENERAL", {"selected_conversation": "CGENERAL"}),
    ({"type": "channels_select"}, "CGENERAL", {"selected_channel": "CGENERAL"}),
    ({"type": "datepicker"}, "2026-11-30", {"selected_date": "2026-11-30"}),
    ({"type": "timepicker"}, "09:30", {"selected_time": "09:30"}),
    ({"type": "datetimepicker"}, 1_800_000_000, {"selected_date_time": 1_800_000_000}),
]


@pytest.mark.parametrize(("element", "given", "state"), FIELDS)
async def test_what_is_entered_becomes_the_state_slack_sends(
    sandbox: Sandbox, bot: Bot, element: Json, given: Any, state: Json
) -> None:
    block = field_block("field", {**element, "action_id": "it"})
    view = opened(sandbox, dialog(block))
    values = {} if given is None else {"field": {"it": given}}
    answer = await sandbox.submit("UANA", view["id"], values)
    assert answer == {"ok": True, "response_action": None, "view": None}
    (body,) = bot.bodies("submission")
    assert body["view"]["state"]["values"]["field"]["it"] == {"type": element["type"], **state}
    assert body["view"]["callback_id"] == "reject"


async def test_a_file_put_into_a_dialog_can_be_downloaded(
    sandbox: Sandbox, bot: Bot, client: AsyncWebClient
) -> None:
    block = field_block("file", {"type": "file_input", "action_id": "csv"})
    view = opened(sandbox, dialog(block))
    given = {"filename": "usage.csv", "content": "customer,year\n"}
    await sandbox.submit("UANA", view["id"], {"file": {"csv": [given]}})
    (body,) = bot.bodies("submission")
    (file,) = body["view"]["state"]["values"]["file"]["csv"]["files"]
    assert (file["name"], file["user"]) == ("usage.csv", "UANA")
    assert (await client.files_info(file=file["id"]))["file"]["size"] == 14


CSV: Json = {"name": "usage.CSV", "content": "customer,year\n"}


@pytest.mark.parametrize(
    ("element", "given", "sentence"),
    [
        ({"type": "plain_text_input"}, "", "Please complete this required field."),
        ({"type": "plain_text_input", "min_length": 5}, "no", "at least 5"),
        ({"type": "plain_text_input", "max_length": 5}, "much too long", "at most 5"),
        ({"type": "number_input", "is_decimal_allowed": False}, "x", "number"),
        ({"type": "number_input", "is_decimal_allowed": False}, "1.5", "whole"),
        ({"type": "number_input", "is_decimal_allowed": True, "min_value": "2"}, "1", "at least 2"),
        ({"type": "number_input", "is_decimal_allowed": True, "max_value": "2"}, "3", "at most 2"),
        ({"type": "checkboxes", "options": [option("a")]}, [], "required"),
        ({"type": "file_input"}, [], "required"),
        ({"type": "file_input", "filetypes": ["csv"]}, [CSV, {**CSV, "name": "a.pdf"}], "a.pdf"),
        ({"type": "file_input", "max_files": 1}, [CSV, CSV], "at most 1 file."),
    ],
)
async def test_what_the_dialog_itself_refuses_never_reaches_the_app(
    sandbox: Sandbox, bot: Bot, element: Json, given: Any, sentence: str
) -> None:
    view = opened(sandbox, dialog(field_block("field", {**element, "action_id": "it"})))
    answer = await sandbox.submit("UANA", view["id"], {"field": {"it": given}})
    assert (answer["response_action"], answer["by"]) == ("errors", "client")
    assert sentence in answer["errors"]["field"]
    assert bot.received == []


async def test_an_optional_field_may_stay_empty(sandbox: Sandbox, bot: Bot) -> None:
    element = {"type": "plain_text_input", "action_id": "it"}
    view = opened(sandbox, dialog(field_block("field", element, optional=True)))
    assert (await sandbox.submit("UANA", view["id"], {}))["response_action"] is None
    values = bot.bodies("submission")[0]["view"]["state"]["values"]
    assert values["field"]["it"]["value"] is None


@pytest.mark.parametrize(
    "values",
    [
        {"nowhere": {"text": "x"}},
        {"reason": {"nothing": "x"}, "pick": {"it": "a"}},
        {"pick": {"it": "z"}},
        {"file": {"it": "F404"}},
    ],
)
async def test_values_for_nothing_are_refused(sandbox: Sandbox, bot: Bot, values: Json) -> None:
    pick = {"type": "static_select", "action_id": "it", "options": [option("a")]}
    two = {
        "type": "actions",
        "block_id": "pick",
        "elements": [pick, {**pick, "action_id": "other"}],
    }
    file = field_block("file", {"type": "file_input", "action_id": "it"})
    view = opened(sandbox, dialog(text_input(), two, file))
    assert (await sandbox.submit("UANA", view["id"], values))["error"] == "invalid_values"
    assert bot.received == []


async def test_errors_leave_the_dialog_open(sandbox: Sandbox, bot: Bot) -> None:
    bot.answers["submission"] = acking(response_action="errors", errors={"reason": "Say more."})
    view = opened(sandbox, dialog())
    answer = await sandbox.submit("UANA", view["id"], {"reason": "no"})
    assert answer["errors"] == {"reason": "Say more."}
    assert answer["view"]["id"] == view["id"]


async def test_an_update_takes_the_dialogs_place(sandbox: Sandbox, bot: Bot) -> None:
    bot.answers["submission"] = acking(
        response_action="update", view=dialog(SECTION, callback_id="done")
    )
    view = opened(sandbox, dialog())
    old_hash = view["hash"]
    answer = await sandbox.submit("UANA", view["id"], {"reason": "no"})
    assert (answer["view"]["callback_id"], answer["view"]["id"]) == ("done", view["id"])
    assert answer["view"]["hash"] != old_hash


async def test_a_pushed_dialog_closes_onto_the_one_below(sandbox: Sandbox, bot: Bot) -> None:
    bot.answers["submission"] = acking(response_action="push", view=dialog(callback_id="sure"))
    view = opened(sandbox, dialog())
    top = (await sandbox.submit("UANA", view["id"], {"reason": "no"}))["view"]
    assert top["previous_view_id"] == view["id"]
    del bot.answers["submission"]
    below = await sandbox.submit("UANA", top["id"], {"reason": "yes"})
    assert below["view"]["id"] == view["id"]
    bot.answers["submission"] = acking(response_action="clear")
    assert (await sandbox.submit("UANA", view["id"], {"reason": "no"}))["view"] is None


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "dance"},
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "errors", "errors": {"reason": ""}},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "push", "view": {"type": "home", "blocks": []}},
        {"text": "thanks"},
    ],
)
async def test_an_answer_slack_would_not_accept_is_shown_as_a_failure(
    sandbox: Sandbox, bot: Bot, answer: Json
) -> None:
    bot.answers["submission"] = acking(answer)
    view = opened(sandbox, dialog())
    refused = await sandbox.submit("UANA", view["id"], {"reason": "no"})
    assert (refused["ok"], refused["error"]) == (False, "invalid_ack")
    assert sandbox.views("UANA")["stack"][0]["id"] == view["id"]


async def test_a_forged_submission_names_its_forger(sandbox: Sandbox, bot: Bot) -> None:
    view = opened(sandbox, dialog())
    await sandbox.submit("UKIM", view["id"], {"reason": "no"})
    assert bot.bodies("submission")[0]["user"]["id"] == "UKIM"
    home = sandbox.slack.surfaces.publish("UANA", {"type": "home", "blocks": [SECTION]})
    assert (await sandbox.submit("UANA", home["id"], {}))["error"] == "invalid_view"
    assert (await sandbox.submit("UANA", "V404", {}))["error"] == "view_not_found"


# -- closing -----------------------------------------------------------------------------------


async def test_only_a_dialog_that_asked_tells_of_its_closing(sandbox: Sandbox, bot: Bot) -> None:
    quiet = opened(sandbox, dialog())
    assert await sandbox.close("UANA", quiet["id"]) == {"ok": True}
    assert bot.received == []
    loud = opened(sandbox, dialog(notify_on_close=True))
    await sandbox.close("UANA", loud["id"])
    (body,) = bot.bodies("closed")
    assert (body["view"]["id"], body["is_cleared"]) == (loud["id"], False)
    assert sandbox.views("UANA")["stack"] == []


async def test_closing_the_lowest_dialog_clears_those_above(sandbox: Sandbox, bot: Bot) -> None:
    lowest = opened(sandbox, dialog(notify_on_close=True))
    sandbox.slack.surfaces.push("UANA", dialog(notify_on_close=True))
    await sandbox.close("UANA", lowest["id"])
    assert [body["is_cleared"] for body in bot.bodies("closed")] == [True, True]


# -- suggestions -------------------------------------------------------------------------------


async def test_a_select_asks_the_app_for_its_options(
    sandbox: Sandbox, bot: Bot, client: AsyncWebClient
) -> None:
    bot.answers["options"] = acking(options=[option("acme")])
    view = opened(sandbox, dialog())
    found = await sandbox.suggest("UANA", "who", "customer", "ac", view_id=view["id"])
    assert found == {"ok": True, "options": [option("acme")]}
    message = await card(client)
    where = {"channel": "CGENERAL", "messageTs": message["ts"]}
    await sandbox.suggest("UANA", "who", "customer", "ac", **where)
    in_view, in_message = bot.bodies("options")
    assert (in_view["value"], in_view["view"]["id"]) == ("ac", view["id"])
    assert in_message["container"]["message_ts"] == message["ts"]


async def test_options_may_be_grouped(sandbox: Sandbox, bot: Bot) -> None:
    groups = [{"label": {"type": "plain_text", "text": "A"}, "options": [option("acme")]}]
    bot.answers["options"] = acking(option_groups=groups)
    view = opened(sandbox, dialog())
    found = await sandbox.suggest("UANA", "who", "customer", "ac", view_id=view["id"])
    assert found["option_groups"] == groups


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"options": [option(str(number)) for number in range(101)]},
        {"options": [{"text": {"type": "plain_text", "text": "x" * 76}, "value": "x"}]},
        {"options": [{"text": {"type": "plain_text", "text": "x"}, "value": "x" * 151}]},
    ],
)
async def test_options_slack_would_not_show_are_refused(
    sandbox: Sandbox, bot: Bot, answer: Json
) -> None:
    bot.answers["options"] = acking(answer)
    view = opened(sandbox, dialog())
    found = await sandbox.suggest("UANA", "who", "customer", "ac", view_id=view["id"])
    assert found["error"] == "invalid_ack"
