"""What comes of a call to Slack, as data; and what is never said of it."""

from typing import Any

import pytest

from bot.face import Face
from bot.slack import Gateway, Kind, SlackTrouble
from handlers.views import kit, replies
from models.people.permissions import Role
from sandbox.server import Sandbox

MESSAGE = replies.access_granted(Role.SALES)

JUDGED = [
    ({"kind": "cut"}, Kind.UNKNOWN),
    ({"kind": "lost_response"}, Kind.UNKNOWN),
    ({"kind": "error", "status": 500}, Kind.UNKNOWN),
    ({"kind": "error", "status": 503}, Kind.UNKNOWN),
    ({"kind": "error", "error": "fatal_error"}, Kind.UNKNOWN),
    ({"kind": "error", "error": "invalid_auth"}, Kind.TRANSIENT),
    ({"kind": "error", "error": "missing_scope"}, Kind.TRANSIENT),
    ({"kind": "ratelimited", "retry_after": 7}, Kind.RATE_LIMITED),
    ({"kind": "error", "error": "rate_limited"}, Kind.RATE_LIMITED),
    ({"kind": "error", "error": "is_archived"}, Kind.TRANSIENT),
    ({"kind": "error", "error": "not_in_channel"}, Kind.TRANSIENT),
    ({"kind": "error", "error": "user_disabled"}, Kind.PERMANENT),
    ({"kind": "error", "error": "an_error_of_next_year"}, Kind.TRANSIENT),
]


@pytest.mark.parametrize(("fault", "kind"), JUDGED, ids=[str(row[0]) for row in JUDGED])
async def test_trouble_is_told_by_kind(
    fault: dict[str, Any], kind: Kind, slack: Sandbox, gateway: Gateway
) -> None:
    await slack.fault(method="chat.postMessage", **fault)
    with pytest.raises(SlackTrouble) as trouble:
        await gateway.post("CAPPROVALS", "k", MESSAGE)
    assert trouble.value.kind is kind
    assert (trouble.value.retry_after_s > 0) is (kind is Kind.RATE_LIMITED)
    assert trouble.value.__cause__ is None
    assert slack.bot_token not in repr(trouble.value)


async def test_slack_names_the_time_to_wait(slack: Sandbox, gateway: Gateway) -> None:
    await slack.fault(method="chat.postMessage", kind="ratelimited", retry_after=7)
    with pytest.raises(SlackTrouble) as trouble:
        await gateway.post("CAPPROVALS", "k", MESSAGE)
    assert trouble.value.retry_after_s == 7


async def test_no_update_is_asked_for_before_the_time_slack_named(
    slack: Sandbox, gateway: Gateway
) -> None:
    there = await gateway.post("CAPPROVALS", "k", MESSAGE)
    await slack.fault(method="chat.update", kind="ratelimited", retry_after=30)
    waits = []
    for _ in range(2):
        with pytest.raises(SlackTrouble) as trouble:
            await gateway.update(there.channel, there.ts, MESSAGE)
        waits.append(trouble.value.retry_after_s)
    assert waits[0] == 30
    assert 25 < waits[1] < 30


async def test_a_server_that_is_not_there_has_certainly_done_nothing(slack: Sandbox) -> None:
    async with Gateway.open(slack.bot_token, "http://127.0.0.1:9/api/") as nowhere:
        with pytest.raises(SlackTrouble) as trouble:
            await nowhere.post("CAPPROVALS", "k", MESSAGE)
    assert trouble.value.kind is Kind.TRANSIENT


async def test_a_message_is_found_by_its_key_among_many(slack: Sandbox, gateway: Gateway) -> None:
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
    slack: Sandbox, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.LOOKED_BACK_PAGES", 2)
    monkeypatch.setattr("bot.slack.PAGE_MESSAGES", 5)
    standing = await gateway.post("CAPPROVALS", "k", MESSAGE)
    channel = slack.workspace.conversations["CAPPROVALS"]
    for number in range(20):
        slack.workspace.post(channel, {"user": "UKIM", "text": str(number)})
    assert await gateway.find("CAPPROVALS", "k", float(standing.ts) - 60) is None


async def test_where_dms_cannot_be_opened_the_person_is_addressed(
    slack: Sandbox, gateway: Gateway
) -> None:
    await slack.fault(method="conversations.open", kind="error", error="unknown_method")
    channel = await gateway.open_dm("UMAX")
    assert (await gateway.post(channel, "k", MESSAGE)).channel == slack.dm("UMAX")


async def test_somebody_slack_does_not_know_is_nobody(gateway: Gateway) -> None:
    assert await gateway.user_info("UNOBODY") is None
    known = await gateway.user_info("UMAX")
    assert known is not None
    assert known["id"] == "UMAX"


async def test_a_table_gives_way_before_the_buttons_do(slack: Sandbox, gateway: Gateway) -> None:
    await slack.fault(method="chat.postMessage", kind="error", error="invalid_blocks")
    drawn = kit.message("Two", [kit.table(["a"], [["1"], ["2"]]), kit.says("and this")])
    await gateway.post("CAPPROVALS", "k", drawn)
    (posted,) = slack.messages("CAPPROVALS")
    assert [block["type"] for block in posted["blocks"]] == ["rich_text", "rich_text"]


async def test_an_answer_to_a_used_up_address_is_trouble(slack: Sandbox, gateway: Gateway) -> None:
    with pytest.raises(SlackTrouble) as trouble:
        await Face(gateway).respond(f"{slack.base_url}/response/used", MESSAGE)
    assert trouble.value.kind is Kind.PERMANENT
