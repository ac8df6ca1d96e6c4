"""`conversations.*` and `users.*`: what the app may see, page by page."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.sandbox import Sandbox
from tests.sandbox.slack_bot import Bot, Clock, error_of

Json = dict[str, Any]
METADATA = {"event_type": "countersign", "event_payload": {"k": "bill:42"}}


@pytest.mark.parametrize(
    ("method", "args", "error"),
    [
        ("conversations.open", {}, "users_list_not_supplied"),
        ("conversations.open", {"users": "UNOBODY"}, "user_not_found"),
        ("conversations.open", {"users": "UGONE"}, "user_disabled"),
        ("conversations.open", {"users": ",".join(["UANA"] * 9)}, "too_many_users"),
        ("conversations.open", {"channel": "DNOWHERE"}, "channel_not_found"),
        ("conversations.info", {"channel": "CSECRET"}, "channel_not_found"),
        ("conversations.history", {"channel": "CNOWHERE"}, "channel_not_found"),
        ("conversations.history", {"channel": "COUTSIDE"}, "not_in_channel"),
        ("conversations.history", {"channel": "CGENERAL", "cursor": "x"}, "invalid_cursor"),
        ("conversations.history", {"channel": "CGENERAL", "oldest": "x"}, "invalid_ts_oldest"),
        ("conversations.history", {"channel": "CGENERAL", "latest": "x"}, "invalid_ts_latest"),
        ("conversations.replies", {"channel": "CGENERAL", "ts": "1.000000"}, "thread_not_found"),
        ("conversations.members", {"channel": "CGENERAL", "cursor": "x"}, "invalid_cursor"),
        ("conversations.members", {"channel": "CGENERAL", "limit": "x"}, "invalid_limit"),
        ("conversations.list", {"types": "town_square"}, "invalid_types"),
        ("users.info", {"user": "UNOBODY"}, "user_not_found"),
        ("users.lookupByEmail", {"email": "nobody@example.test"}, "users_not_found"),
        ("users.list", {"cursor": "x"}, "invalid_cursor"),
        ("team.info", {"team": "TELSEWHERE"}, "team_not_found"),
        ("bots.info", {"bot": "BELSEWHERE"}, "bot_not_found"),
    ],
)
async def test_what_is_not_there_is_refused(
    client: AsyncWebClient, method: str, args: Json, error: str
) -> None:
    assert await error_of(client.api_call(method, params=args)) == error


async def test_a_direct_message_is_hidden_until_it_is_opened(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    dm = sandbox.dm("UANA")
    assert await error_of(client.conversations_history(channel=dm)) == "channel_not_found"
    assert (await client.conversations_list(types="im"))["channels"] == []
    opened = await client.conversations_open(users="UANA", return_im=True)
    assert (opened["channel"]["id"], opened["channel"]["user"]) == (dm, "UANA")
    assert (await client.conversations_open(users=["UANA"]))["already_open"]
    (listed,) = (await client.conversations_list(types="im"))["channels"]
    assert listed["id"] == dm
    assert (await client.conversations_history(channel=dm))["messages"] == []


async def test_only_visible_channels_are_listed(client: AsyncWebClient) -> None:
    types = "public_channel,private_channel"
    listed = (await client.conversations_list(types=types, exclude_archived=True))["channels"]
    assert [one["name"] for one in listed] == ["general", "finance", "outside"]
    mine = (await client.users_conversations(types=types))["channels"]
    assert [one["name"] for one in mine] == ["general", "finance", "old"]


async def test_an_app_joins_a_public_channel_once(sandbox: Sandbox, client: AsyncWebClient) -> None:
    joined = await client.conversations_join(channel="COUTSIDE")
    assert joined["channel"]["is_member"]
    again = await client.conversations_join(channel="COUTSIDE")
    assert again["warning"] == "already_in_channel"
    private = client.conversations_join(channel="CFINANCE")
    assert await error_of(private) == "method_not_supported_for_channel_type"
    assert await error_of(client.conversations_join(channel="COLD")) == "is_archived"


async def test_members_come_page_by_page(sandbox: Sandbox, client: AsyncWebClient) -> None:
    first = await client.conversations_members(channel="CGENERAL", limit=2)
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_members(channel="CGENERAL", limit=2, cursor=cursor)
    assert [*first["members"], *second["members"]] == ["UANA", "UKIM", sandbox.bot_user_id]
    assert second["response_metadata"]["next_cursor"] == ""


async def test_history_is_newest_first_and_paged(client: AsyncWebClient) -> None:
    for number in range(5):
        await client.chat_postMessage(channel="CGENERAL", text=f"message {number}")
    texts: list[str] = []
    cursor = None
    while cursor != "":
        page = await client.conversations_history(channel="CGENERAL", limit=2, cursor=cursor)
        texts += [message["text"] for message in page["messages"]]
        cursor = page["response_metadata"]["next_cursor"]
        assert page["has_more"] == bool(cursor)
    assert texts == [f"message {number}" for number in (4, 3, 2, 1, 0)]


async def test_history_has_a_beginning_and_an_end(client: AsyncWebClient, clock: Clock) -> None:
    for _ in range(4):
        await client.chat_postMessage(channel="CGENERAL", text=str(clock.now))
        clock.now += 60
    start = clock.now - 240
    window: Json = {"oldest": str(start + 60), "latest": str(start + 180)}

    async def texts(**more: Any) -> list[str]:
        found = await client.conversations_history(channel="CGENERAL", **window, **more)
        return [message["text"] for message in found["messages"]]

    assert await texts() == [str(start + 120)]
    assert await texts(inclusive=True) == [str(start + at) for at in (180, 120, 60)]


async def test_history_leaves_out_replies_and_unasked_metadata(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="CGENERAL", text="bill", metadata=METADATA)
    where = {"channel": "CGENERAL", "thread_ts": posted["ts"]}
    await client.chat_postMessage(text="quiet", **where)
    await client.chat_postMessage(text="loud", reply_broadcast=True, **where)
    plain = (await client.conversations_history(channel="CGENERAL"))["messages"]
    assert [message["text"] for message in plain] == ["loud", "bill"]
    assert "metadata" not in plain[1]
    full = await client.conversations_history(channel="CGENERAL", include_all_metadata=True)
    assert full["messages"][1]["metadata"] == METADATA


async def test_replies_come_with_their_parent_oldest_first(client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel="CGENERAL", text="bill"))["ts"]
    for number in range(3):
        reply = await client.chat_postMessage(
            channel="CGENERAL", text=f"reply {number}", thread_ts=parent, metadata=METADATA
        )
    found = await client.conversations_replies(channel="CGENERAL", ts=reply["ts"], limit=2)
    assert [message["text"] for message in found["messages"]] == ["bill", "reply 0", "reply 1"]
    assert found["has_more"]
    rest = await client.conversations_replies(
        channel="CGENERAL",
        ts=parent,
        cursor=found["response_metadata"]["next_cursor"],
        include_all_metadata=True,
    )
    assert [message["text"] for message in rest["messages"]] == ["bill", "reply 2"]
    assert rest["messages"][1]["metadata"] == METADATA


async def test_replies_can_be_asked_for_since_a_moment(
    client: AsyncWebClient, clock: Clock
) -> None:
    parent = (await client.chat_postMessage(channel="CGENERAL", text="bill"))["ts"]
    await client.chat_postMessage(channel="CGENERAL", text="early", thread_ts=parent)
    clock.now += 60
    await client.chat_postMessage(channel="CGENERAL", text="late", thread_ts=parent)
    since = str(clock.now - 1)
    found = await client.conversations_replies(channel="CGENERAL", ts=parent, oldest=since)
    assert [message["text"] for message in found["messages"]] == ["bill", "late"]


# -- people ------------------------------------------------------------------------------------


async def test_a_user_says_what_a_bot_must_know_to_refuse_them(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    sandbox.add_user(id="UELSE", name="else", team_id="TELSEWHERE")
    users = {user["id"]: user for user in (await client.users_list())["members"]}
    assert users["UGUEST"]["is_restricted"]
    assert users["UGONE"]["deleted"]
    assert users["UELSE"]["is_stranger"]
    assert users[sandbox.bot_user_id]["is_bot"]
    assert (users["UANA"]["is_stranger"], users["UANA"]["team_id"]) == (False, sandbox.team_id)


async def test_people_are_listed_page_by_page(client: AsyncWebClient) -> None:
    names: list[str] = []
    cursor = None
    while cursor != "":
        page = await client.users_list(limit=2, cursor=cursor)
        names += [user["name"] for user in page["members"]]
        cursor = page["response_metadata"]["next_cursor"]
    assert names == ["countersign", "ana", "kim", "gus", "gone"]


async def test_a_person_is_found_by_address_unless_deactivated(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    found = await client.users_lookupByEmail(email="ANA@example.test")
    assert found["user"]["id"] == "UANA"
    await sandbox.change_user("UANA", deleted=True)
    call = client.users_lookupByEmail(email="ana@example.test")
    assert await error_of(call) == "users_not_found"


async def test_the_app_knows_itself(sandbox: Sandbox, client: AsyncWebClient) -> None:
    me = await client.auth_test()
    assert (me["user_id"], me["team_id"]) == (sandbox.bot_user_id, sandbox.team_id)
    bot = (await client.bots_info(bot=me["bot_id"]))["bot"]
    assert bot["user_id"] == sandbox.bot_user_id
    assert (await client.team_info())["team"]["id"] == sandbox.team_id
    assert (await client.usergroups_list())["usergroups"] == []


async def test_a_changed_person_is_told_to_the_app(sandbox: Sandbox, bot: Bot) -> None:
    answer = await sandbox.change_user("UKIM", deleted=True)
    assert answer == {"ok": True, "id": "UKIM", "acked": True}
    (event,) = bot.events("user_change")
    assert (event["user"]["id"], event["user"]["deleted"]) == ("UKIM", True)
    refused = await sandbox.change_user("UKIM", shoe_size=43)
    assert refused["error"] == "invalid_arguments"


async def test_a_changed_channel_is_told_to_the_app(sandbox: Sandbox, bot: Bot) -> None:
    await sandbox.change_channel("CFINANCE", invite=["UKIM"])
    await sandbox.change_channel("CFINANCE", is_archived=True, kick=["UANA"])
    assert bot.events("member_joined_channel")[0]["user"] == "UKIM"
    assert bot.events("group_archive")[0]["channel"] == "CFINANCE"
    conversation = sandbox.workspace.conversations["CFINANCE"]
    assert list(conversation.members) == [sandbox.bot_user_id, "UKIM"]
