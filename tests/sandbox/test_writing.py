"""What people type, and what the app and the others see of it."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from tests.sandbox.slack_bot import SECTION, Bot

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("typed", "received"),
    [
        ("  help  ", "help"),
        ("Johnson & Sons <Ltd>", "Johnson &amp; Sons &lt;Ltd&gt;"),
        ("away until Friday @kim", "away until Friday <@UKIM|kim>"),
        ("away until Friday <@UKIM>", "away until Friday <@UKIM|kim>"),
        ("in #general", "in <#CGENERAL|general>"),
        ("@nobody ana@example.test #nowhere", "@nobody ana@example.test #nowhere"),
    ],
)
async def test_a_commands_text_arrives_as_slack_writes_it(
    sandbox: Sandbox, bot: Bot, typed: str, received: str
) -> None:
    assert (await sandbox.command("UANA", "CGENERAL", "/bill", typed))["ok"]
    assert bot.bodies("command")[-1]["text"] == received


async def test_without_escaping_names_stay_as_typed() -> None:
    commands = [{"command": "/bill", "description": "Bills"}]
    manifest = {"features": {"slash_commands": commands}}
    async with serve(Sandbox(manifest=manifest, mode="http")) as sandbox:
        (command,) = sandbox.installation.commands
    assert (command.command, command.should_escape) == ("/bill", False)


@pytest.mark.parametrize(
    ("channel", "name"),
    [("CGENERAL", "general"), ("CFINANCE", "privategroup"), ("", "directmessage")],
)
async def test_a_command_says_where_it_was_typed_as_far_as_apps_may_know(
    sandbox: Sandbox, bot: Bot, channel: str, name: str
) -> None:
    where = channel or sandbox.dm("UANA")
    await sandbox.command("UANA", where, "/bill")
    body = bot.bodies("command")[-1]
    assert (body["channel_id"], body["channel_name"]) == (where, name)


@pytest.mark.parametrize(
    ("user", "channel", "command", "error"),
    [
        ("UANA", "CGENERAL", "/ball", "invalid_command"),
        ("UNOBODY", "CGENERAL", "/bill", "user_not_found"),
        ("UANA", "CNOWHERE", "/bill", "channel_not_found"),
        ("UANA", "CSECRET", "/bill", "channel_not_found"),
    ],
)
async def test_a_command_slack_would_not_send_is_refused(
    sandbox: Sandbox, bot: Bot, user: str, channel: str, command: str, error: str
) -> None:
    assert (await sandbox.command(user, channel, command))["error"] == error
    assert bot.received == []


async def test_an_acknowledgement_with_text_is_a_private_answer(sandbox: Sandbox, bot: Bot) -> None:
    async def answer(ack: Any, **_: Any) -> None:
        await ack(text="here", blocks=[SECTION])

    bot.answers["command"] = answer
    message = (await sandbox.command("UANA", "CGENERAL", "/bill"))["message"]
    assert sandbox.messages("CGENERAL") == [message]
    assert (message["text"], message["ephemeral_user"]) == ("here", "UANA")


async def test_an_acknowledgement_can_be_for_everybody(sandbox: Sandbox, bot: Bot) -> None:
    async def answer(ack: Any, **_: Any) -> None:
        await ack(text="here", response_type="in_channel")

    bot.answers["command"] = answer
    await sandbox.command("UANA", "CGENERAL", "/bill")
    assert sandbox.messages("CGENERAL", "UKIM")[0]["text"] == "here"


async def test_an_acknowledgement_with_bad_blocks_shows_as_a_failure(
    sandbox: Sandbox, bot: Bot
) -> None:
    async def answer(ack: Any, **_: Any) -> None:
        await ack(text="here", blocks=[{"type": "section"}])

    bot.answers["command"] = answer
    refused = await sandbox.command("UANA", "CGENERAL", "/bill")
    assert (refused["error"], refused["detail"]) == ("invalid_command_response", "invalid_blocks")
    assert sandbox.messages("CGENERAL") == []


# -- messages ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "kind"), [("CGENERAL", "channel"), ("CFINANCE", "group"), ("", "im")]
)
async def test_a_message_is_told_to_an_app_that_is_there(
    sandbox: Sandbox, bot: Bot, channel: str, kind: str
) -> None:
    where = channel or sandbox.dm("UANA")
    said = await sandbox.message("UANA", where, "hello")
    assert said == {"ok": True, "channel": where, "ts": said["ts"], "acked": True}
    (event,) = bot.events("message")
    assert (event["channel"], event["channel_type"], event["user"]) == (where, kind, "UANA")
    assert (event["ts"], event["event_ts"]) == (said["ts"], said["ts"])


async def test_a_message_elsewhere_is_not_told(sandbox: Sandbox, bot: Bot) -> None:
    assert (await sandbox.message("UANA", "COUTSIDE", "hello"))["ok"]
    assert bot.received == []


async def test_a_message_is_not_told_to_an_app_that_did_not_subscribe() -> None:
    manifest = {"settings": {"event_subscriptions": {"bot_events": ["message.im"]}}}
    async with serve(Sandbox(manifest=manifest)) as sandbox:
        sandbox.add_user(id="UANA", name="ana")
        sandbox.add_channel(id="CGENERAL", name="general", members=["UANA"])
        assert (await sandbox.message("UANA", "CGENERAL", "hello"))["acked"]
        assert not (await sandbox.message("UANA", sandbox.dm("UANA"), "hello"))["acked"]


async def test_typed_text_is_escaped_and_mentions_are_kept(sandbox: Sandbox, bot: Bot) -> None:
    typed = "reject: <b> & <@UKIM> https://example.test/?a=1&b=2 <!here>"
    await sandbox.message("UANA", "CGENERAL", typed)
    assert bot.events("message")[0]["text"] == (
        "reject: &lt;b&gt; &amp; <@UKIM> <https://example.test/?a=1&amp;b=2> &lt;!here&gt;"
    )


async def test_a_reply_names_its_thread_and_the_threads_author(
    sandbox: Sandbox, bot: Bot, client: AsyncWebClient
) -> None:
    parent = (await client.chat_postMessage(channel="CGENERAL", text="bill"))["ts"]
    first = await sandbox.message("UKIM", "CGENERAL", "first", thread_ts=parent)
    await sandbox.message("UKIM", "CGENERAL", "second", thread_ts=first["ts"])
    replies = [event for event in bot.events("message") if "bot_id" not in event]
    assert [event["thread_ts"] for event in replies] == [parent, parent]
    assert replies[0]["parent_user_id"] == sandbox.bot_user_id
    lost = await sandbox.message("UKIM", "CGENERAL", "third", thread_ts="1.000000")
    assert lost["error"] == "thread_not_found"


async def test_edits_and_deletions_are_told_with_what_was_there(sandbox: Sandbox, bot: Bot) -> None:
    ts = (await sandbox.message("UANA", "CGENERAL", "one"))["ts"]
    assert (await sandbox.edit("UANA", "CGENERAL", ts, "two & more"))["acked"]
    assert (await sandbox.delete("UANA", "CGENERAL", ts))["acked"]
    _, changed, deleted = bot.events("message")
    assert changed["message"]["text"] == "two &amp; more"
    assert changed["message"]["edited"]["user"] == "UANA"
    assert changed["previous_message"]["text"] == "one"
    assert (deleted["deleted_ts"], deleted["previous_message"]["user"]) == (ts, "UANA")
    assert sandbox.messages("CGENERAL") == []


async def test_people_change_only_their_own_messages(sandbox: Sandbox, bot: Bot) -> None:
    ts = (await sandbox.message("UANA", "CGENERAL", "mine"))["ts"]
    assert (await sandbox.edit("UKIM", "CGENERAL", ts, "x"))["error"] == "cant_update_message"
    assert (await sandbox.delete("UKIM", "CGENERAL", ts))["error"] == "cant_update_message"
    assert (await sandbox.edit("UANA", "CGENERAL", "1.0", "x"))["error"] == "message_not_found"
    assert (await sandbox.message("UANA", "COLD", "x"))["error"] == "is_archived"


async def test_a_message_where_one_is_not_arrives_all_the_same(sandbox: Sandbox, bot: Bot) -> None:
    assert (await sandbox.message("UGONE", "CFINANCE", "approve"))["acked"]
    assert bot.events("message")[0]["user"] == "UGONE"


# -- home --------------------------------------------------------------------------------------


async def test_opening_home_shows_what_the_app_publishes(sandbox: Sandbox, bot: Bot) -> None:
    async def publish(ack: Any, body: Json, client: Any, **_: Any) -> None:
        home = {"type": "home", "blocks": [SECTION]}
        await client.views_publish(user_id=body["event"]["user"], view=home)
        await ack()

    bot.answers["event"] = publish
    opened = await sandbox.open_home("UANA")
    assert opened["view"] == sandbox.views("UANA")["home"]
    await sandbox.open_home("UANA")
    first, second = bot.events("app_home_opened")
    assert (first["channel"], first["tab"]) == (sandbox.dm("UANA"), "home")
    assert ("view" in first, second["view"]["id"]) == (False, opened["view"]["id"])
