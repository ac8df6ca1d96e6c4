"""`chat.*` and `reactions.*`: what is kept, what comes back, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.waiting import until
from tests.sandbox.slack_bot import ACTIONS, SECTION, Bot, error_of

Json = dict[str, Any]
METADATA = {"event_type": "countersign", "event_payload": {"k": "bill:42"}}
UNKNOWN_TS = "1700000000.000001"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"channel": "CNOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": "CSECRET", "text": "x"}, "channel_not_found"),
        ({"channel": "COUTSIDE", "text": "x"}, "not_in_channel"),
        ({"channel": "COLD", "text": "x"}, "is_archived"),
        ({"channel": "UGONE", "text": "x"}, "channel_not_found"),
        ({}, "no_text"),
        ({"text": ""}, "no_text"),
        ({"blocks": "not json"}, "invalid_blocks_format"),
        ({"blocks": '{"type":"section"}'}, "invalid_blocks_format"),
        ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"blocks": [SECTION] * 51}, "invalid_blocks"),
        ({"text": "x", "attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
        ({"text": "x", "markdown_text": "x"}, "markdown_text_conflict"),
        ({"text": "x", "metadata": {"event_type": "x"}}, "invalid_metadata_format"),
        ({"text": "x", "metadata": "{"}, "invalid_metadata_format"),
        (
            {"text": "x", "metadata": {"event_type": "x", "event_payload": {"k": "x" * 9000}}},
            "metadata_too_large",
        ),
        ({"text": "x", "thread_ts": "yesterday"}, "invalid_thread_ts"),
        ({"text": "x", "thread_ts": UNKNOWN_TS}, "thread_not_found"),
    ],
)
async def test_a_message_slack_would_not_take_is_refused(
    sandbox: Sandbox, client: AsyncWebClient, args: Json, error: str
) -> None:
    call = client.api_call("chat.postMessage", json={"channel": "CGENERAL", **args})
    assert await error_of(call) == error
    assert sandbox.messages("CGENERAL") == []


async def test_bad_blocks_are_named_with_their_place(client: AsyncWebClient) -> None:
    blocks: list[Json] = [SECTION, {"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="CGENERAL", text="x", blocks=blocks)
    answer = caught.value.response
    assert "json-pointer:/blocks/1" in answer["errors"][0]
    assert answer["response_metadata"]["messages"][0].startswith("[ERROR] ")


async def test_a_posted_message_says_that_the_app_wrote_it(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel="#general", text="hello", blocks=[SECTION])
    message = posted["message"]
    assert (posted["channel"], posted["ts"]) == ("CGENERAL", message["ts"])
    assert message["user"] == sandbox.bot_user_id
    assert message["bot_id"] == sandbox.installation.bot_id
    assert message["blocks"][0]["block_id"]
    assert sandbox.messages("CGENERAL") == [message]


async def test_every_element_gets_an_action_id(client: AsyncWebClient) -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}}
    blocks = [{"type": "actions", "elements": [button]}]
    posted = await client.chat_postMessage(channel="CGENERAL", text="x", blocks=blocks)
    assert posted["message"]["blocks"][0]["elements"][0]["action_id"]


async def test_a_user_id_stands_for_the_direct_message(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel="UANA", text="psst")
    assert posted["channel"] == sandbox.dm("UANA")


async def test_a_direct_message_of_somebody_deactivated_is_closed(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    call = client.chat_postMessage(channel=sandbox.dm("UGONE"), text="x")
    assert await error_of(call) == "is_archived"


async def test_long_text_without_blocks_is_cut_into_several_messages(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel="CGENERAL", text="x" * 9_000)
    lengths = [len(message["text"]) for message in sandbox.messages("CGENERAL")]
    assert lengths == [4_000, 4_000, 1_000]
    assert posted["ts"] == sandbox.messages("CGENERAL")[0]["ts"]


async def test_an_app_may_post_where_it_is_not_when_it_has_the_scope() -> None:
    manifest = {"oauth_config": {"scopes": {"bot": ["chat:write", "chat:write.public"]}}}
    async with serve(Sandbox(manifest=manifest)) as sandbox:
        sandbox.add_channel(id="COPEN", name="open", bot=False)
        client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
        assert (await client.chat_postMessage(channel="COPEN", text="hello"))["ok"]


# -- threads -----------------------------------------------------------------------------------


async def test_a_reply_is_counted_on_its_thread(sandbox: Sandbox, client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel="CGENERAL", text="bill"))["ts"]
    reply = await client.chat_postMessage(channel="CGENERAL", text="re", thread_ts=parent)
    head = sandbox.messages("CGENERAL")[0]
    assert (head["reply_count"], head["latest_reply"]) == (1, reply["ts"])
    assert reply["message"]["parent_user_id"] == sandbox.bot_user_id


async def test_a_reply_to_a_reply_is_refused(client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel="CGENERAL", text="bill"))["ts"]
    reply = await client.chat_postMessage(channel="CGENERAL", text="re", thread_ts=parent)
    call = client.chat_postMessage(channel="CGENERAL", text="re", thread_ts=reply["ts"])
    assert await error_of(call) == "cannot_reply_to_message"


async def test_a_deleted_thread_head_leaves_a_tombstone(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    parent = (await client.chat_postMessage(channel="CGENERAL", text="bill"))["ts"]
    await client.chat_postMessage(channel="CGENERAL", text="re", thread_ts=parent)
    await client.chat_delete(channel="CGENERAL", ts=parent)
    assert sandbox.messages("CGENERAL")[0]["subtype"] == "tombstone"
    again = client.chat_update(channel="CGENERAL", ts=parent, text="x")
    assert await error_of(again) == "message_not_found"


async def test_the_last_reply_gone_leaves_no_thread(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    parent = (await client.chat_postMessage(channel="CGENERAL", text="bill"))["ts"]
    reply = await client.chat_postMessage(channel="CGENERAL", text="re", thread_ts=parent)
    await client.chat_delete(channel="CGENERAL", ts=reply["ts"])
    assert "reply_count" not in sandbox.messages("CGENERAL")[0]


# -- private answers ---------------------------------------------------------------------------


async def test_a_private_answer_is_shown_to_one_person(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    answer = await client.chat_postEphemeral(channel="CGENERAL", user="UKIM", text="psst")
    (message,) = sandbox.messages("CGENERAL")
    assert (message["ts"], message["ephemeral_user"]) == (answer["message_ts"], "UKIM")
    assert sandbox.messages("CGENERAL", "UANA") == []
    history = await client.conversations_history(channel="CGENERAL")
    assert history["messages"] == []


async def test_a_private_answer_needs_somebody_who_is_there(client: AsyncWebClient) -> None:
    call = client.chat_postEphemeral(channel="CFINANCE", user="UKIM", text="psst")
    assert await error_of(call) == "user_not_in_channel"


async def test_a_private_answer_cannot_be_updated(client: AsyncWebClient) -> None:
    answer = await client.chat_postEphemeral(channel="CGENERAL", user="UKIM", text="psst")
    call = client.chat_update(channel="CGENERAL", ts=answer["message_ts"], text="x")
    assert await error_of(call) == "message_not_found"


async def test_a_private_answer_is_not_cut_but_refused(client: AsyncWebClient) -> None:
    call = client.chat_postEphemeral(channel="CGENERAL", user="UKIM", text="x" * 40_001)
    assert await error_of(call) == "msg_too_long"


# -- updates -----------------------------------------------------------------------------------


async def test_an_update_keeps_what_it_does_not_mention(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(
        channel="CGENERAL", text="one", blocks=[ACTIONS], metadata=METADATA
    )
    await client.chat_update(channel="CGENERAL", ts=posted["ts"], text="two")
    (message,) = sandbox.messages("CGENERAL")
    assert (message["text"], message["metadata"]) == ("two", METADATA)
    assert message["blocks"] == posted["message"]["blocks"]
    assert message["edited"]["user"] == sandbox.bot_user_id


async def test_an_update_takes_away_what_it_gives_empty(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(
        channel="CGENERAL", text="one", blocks=[ACTIONS], metadata=METADATA
    )
    await client.chat_update(
        channel="CGENERAL", ts=posted["ts"], text="two", blocks=[], metadata={}
    )
    (message,) = sandbox.messages("CGENERAL")
    assert not {"blocks", "metadata"} & set(message)


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"channel": "CNOWHERE"}, "channel_not_found"),
        ({"ts": UNKNOWN_TS}, "message_not_found"),
        ({"text": None}, "no_text"),
        ({"text": "x" * 4_001}, "msg_too_long"),
        ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
    ],
)
async def test_an_update_slack_would_not_take_is_refused(
    client: AsyncWebClient, args: Json, error: str
) -> None:
    posted = await client.chat_postMessage(channel="CGENERAL", text="one")
    given = {"channel": "CGENERAL", "ts": posted["ts"], "text": "two", **args}
    given = {key: value for key, value in given.items() if value is not None}
    assert await error_of(client.api_call("chat.update", json=given)) == error


async def test_other_peoples_messages_are_left_alone(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    ts = (await sandbox.message("UANA", "CGENERAL", "mine"))["ts"]
    update = client.chat_update(channel="CGENERAL", ts=ts, text="x")
    assert await error_of(update) == "cant_update_message"
    delete = client.chat_delete(channel="CGENERAL", ts=ts)
    assert await error_of(delete) == "cant_delete_message"


# -- links and reactions -----------------------------------------------------------------------


async def test_a_permalink_leads_to_the_message(client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="CGENERAL", text="x"))["ts"]
    answer = await client.chat_getPermalink(channel="CGENERAL", message_ts=ts)
    assert answer["permalink"].endswith(f"/archives/CGENERAL/p{ts.replace('.', '')}")
    call = client.chat_getPermalink(channel="CGENERAL", message_ts=UNKNOWN_TS)
    assert await error_of(call) == "message_not_found"


async def test_a_reaction_is_given_once_and_taken_back_once(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    ts = (await sandbox.message("UANA", "CGENERAL", "mine"))["ts"]
    where = {"channel": "CGENERAL", "timestamp": ts}
    await client.reactions_add(name="eyes", **where)
    assert sandbox.messages("CGENERAL")[0]["reactions"][0]["users"] == [sandbox.bot_user_id]
    assert await error_of(client.reactions_add(name="eyes", **where)) == "already_reacted"
    await client.reactions_remove(name="eyes", **where)
    assert await error_of(client.reactions_remove(name="eyes", **where)) == "no_reaction"
    assert sandbox.messages("CGENERAL")[0]["reactions"] == []


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"name": "Not A Name"}, "invalid_name"),
        ({"channel": "CNOWHERE"}, "channel_not_found"),
        ({"timestamp": "now"}, "bad_timestamp"),
        ({"timestamp": UNKNOWN_TS}, "message_not_found"),
        ({"timestamp": None}, "no_item_specified"),
    ],
)
async def test_a_reaction_to_nothing_is_refused(
    client: AsyncWebClient, args: Json, error: str
) -> None:
    given = {"name": "eyes", "channel": "CGENERAL", "timestamp": UNKNOWN_TS, **args}
    given = {key: value for key, value in given.items() if value is not None}
    assert await error_of(client.api_call("reactions.add", json=given)) == error


# -- what the app hears of itself --------------------------------------------------------------


async def test_the_app_hears_of_its_own_messages_edits_and_deletions(
    sandbox: Sandbox, client: AsyncWebClient, bot: Bot
) -> None:
    ts = (await client.chat_postMessage(channel="CGENERAL", text="one"))["ts"]
    await client.chat_update(channel="CGENERAL", ts=ts, text="two")
    await client.chat_delete(channel="CGENERAL", ts=ts)
    await until(lambda: len(bot.events("message")) == 3)
    posted, changed, deleted = bot.events("message")
    assert (posted["bot_id"], posted["ts"]) == (sandbox.installation.bot_id, ts)
    assert changed["subtype"] == "message_changed"
    assert (changed["message"]["text"], changed["previous_message"]["text"]) == ("two", "one")
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)
