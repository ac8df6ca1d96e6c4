"""What comes of a call to Slack, as data; and what is never said of it."""

from typing import Any

import pytest

from bot.slack.client import ErrorKind, SlackClient, SlackError
from bot.slack.responder import SlackResponder
from handlers.slack.blocks import block_kit
from handlers.slack.blocks.access import access_granted
from models.people.permissions import Role
from sandbox.fake_slack.sandbox import Sandbox

MESSAGE = access_granted(Role.SALES)

JUDGED = [
    ({"kind": "cut"}, ErrorKind.UNKNOWN),
    ({"kind": "lost_response"}, ErrorKind.UNKNOWN),
    ({"kind": "error", "status": 500}, ErrorKind.UNKNOWN),
    ({"kind": "error", "status": 503}, ErrorKind.UNKNOWN),
    ({"kind": "error", "error": "fatal_error"}, ErrorKind.UNKNOWN),
    ({"kind": "error", "error": "invalid_auth"}, ErrorKind.TRANSIENT),
    ({"kind": "error", "error": "missing_scope"}, ErrorKind.TRANSIENT),
    ({"kind": "ratelimited", "retry_after": 7}, ErrorKind.RATE_LIMITED),
    ({"kind": "error", "error": "rate_limited"}, ErrorKind.RATE_LIMITED),
    ({"kind": "error", "error": "is_archived"}, ErrorKind.TRANSIENT),
    ({"kind": "error", "error": "not_in_channel"}, ErrorKind.TRANSIENT),
    ({"kind": "error", "error": "user_disabled"}, ErrorKind.PERMANENT),
    ({"kind": "error", "error": "an_error_of_next_year"}, ErrorKind.TRANSIENT),
]


@pytest.mark.parametrize(("fault", "kind"), JUDGED, ids=[str(row[0]) for row in JUDGED])
async def test_trouble_is_told_by_kind(
    fault: dict[str, Any], kind: ErrorKind, slack: Sandbox, gateway: SlackClient
) -> None:
    await slack.fault(method="chat.postMessage", **fault)
    with pytest.raises(SlackError) as trouble:
        await gateway.post("CAPPROVALS", "k", MESSAGE)
    assert trouble.value.kind is kind
    assert (trouble.value.retry_after_s > 0) is (kind is ErrorKind.RATE_LIMITED)
    assert trouble.value.__cause__ is None
    assert slack.bot_token not in repr(trouble.value)


async def test_slack_names_the_time_to_wait(slack: Sandbox, gateway: SlackClient) -> None:
    await slack.fault(method="chat.postMessage", kind="ratelimited", retry_after=7)
    with pytest.raises(SlackError) as trouble:
        await gateway.post("CAPPROVALS", "k", MESSAGE)
    assert trouble.value.retry_after_s == 7


async def test_no_update_is_asked_for_before_the_time_slack_named(
    slack: Sandbox, gateway: SlackClient
) -> None:
    there = await gateway.post("CAPPROVALS", "k", MESSAGE)
    await slack.fault(method="chat.update", kind="ratelimited", retry_after=30)
    waits = []
    for _ in range(2):
        with pytest.raises(SlackError) as trouble:
            await gateway.update(there.channel, there.ts, MESSAGE)
        waits.append(trouble.value.retry_after_s)
    assert waits[0] == 30
    assert 25 < waits[1] < 30


async def test_a_server_that_is_not_there_has_certainly_done_nothing(slack: Sandbox) -> None:
    async with SlackClient.open(slack.bot_token, "http://127.0.0.1:9/api/") as nowhere:
        with pytest.raises(SlackError) as trouble:
            await nowhere.post("CAPPROVALS", "k", MESSAGE)
    assert trouble.value.kind is ErrorKind.TRANSIENT


async def test_a_message_is_found_by_its_key_among_many(
    slack: Sandbox, gateway: SlackClient
) -> None:
    standing = await gateway.post("CAPPROVALS", "the one", MESSAGE)
    for number in range(3):
        await gateway.post("CAPPROVALS", f"another {number}", MESSAGE)
    channel = slack.workspace.conversations["CAPPROVALS"]
    for number in range(450):
        slack.workspace.post(channel, {"user": "UKIM", "text": str(number)})
    since = float(standing.ts) - 60
    assert await gateway.find("CAPPROVALS", "the one", since) == standing.ts
    assert await gateway.find("CAPPROVALS", "no such one", since) is None
    assert await gateway.find("CAPPROVALS", "the one", float(standing.ts) + 60) is None


async def test_looking_back_has_an_end(
    slack: Sandbox, gateway: SlackClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.client.LOOKED_BACK_PAGES", 2)
    monkeypatch.setattr("bot.slack.client.PAGE_MESSAGES", 5)
    standing = await gateway.post("CAPPROVALS", "k", MESSAGE)
    channel = slack.workspace.conversations["CAPPROVALS"]
    for number in range(20):
        slack.workspace.post(channel, {"user": "UKIM", "text": str(number)})
    assert await gateway.find("CAPPROVALS", "k", float(standing.ts) - 60) is None


async def test_where_dms_cannot_be_opened_the_person_is_addressed(
    slack: Sandbox, gateway: SlackClient
) -> None:
    await slack.fault(method="conversations.open", kind="error", error="unknown_method")
    channel = await gateway.open_dm("UMAX")
    assert (await gateway.post(channel, "k", MESSAGE)).channel == slack.dm("UMAX")


async def test_somebody_slack_does_not_know_is_nobody(gateway: SlackClient) -> None:
    assert await gateway.user_info("UNOBODY") is None
    known = await gateway.user_info("UMAX")
    assert known is not None
    assert known["id"] == "UMAX"


async def test_a_table_gives_way_before_the_buttons_do(
    slack: Sandbox, gateway: SlackClient
) -> None:
    await slack.fault(method="chat.postMessage", kind="error", error="invalid_blocks")
    drawn = block_kit.message(
        "Two", [block_kit.table(["a"], [["1"], ["2"]]), block_kit.paragraph("and this")]
    )
    await gateway.post("CAPPROVALS", "k", drawn)
    (posted,) = slack.messages("CAPPROVALS")
    assert [block["type"] for block in posted["blocks"]] == ["rich_text", "rich_text"]


async def test_an_answer_to_a_used_up_address_is_trouble(
    slack: Sandbox, gateway: SlackClient
) -> None:
    with pytest.raises(SlackError) as trouble:
        await SlackResponder(gateway).respond(f"{slack.base_url}/response/used", MESSAGE)
    assert trouble.value.kind is ErrorKind.PERMANENT
