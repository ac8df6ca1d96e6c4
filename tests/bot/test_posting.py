"""Promised messages arrive: once, in order, whatever Slack does in between."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from bot.slack.client import ErrorKind as SlackKind
from bot.slack.client import MessageRef, SlackClient, SlackError
from bot.worker.send_messages import message_key
from bot.worker.worker import Worker
from handlers.slack.blocks.access import access_granted
from handlers.slack.blocks.block_kit import SlackMessage
from models.db.database import Database
from models.outbox.delivery import claim, release_claim
from models.outbox.messages import Message, user_recipient
from models.people.permissions import Role
from models.people.users import User
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import (
    all_posted,
    all_settled,
    grant,
    no_jobs,
    posting,
    rows,
    said_to,
    states,
)
from tests.harness.cast import People
from tests.harness.running import worker_only
from tests.harness.timings import QUICK
from tests.harness.waiting import until


async def test_a_posting_reaches_the_dm_and_is_noted(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    await grant(db, people.max)
    await until(lambda: all_posted(db))
    (message,) = slack.messages(slack.dm("UMAX"))
    stored = await posting(db)
    assert (stored.channel, stored.ts) == (slack.dm("UMAX"), message["ts"])
    assert "Manager" in message["text"]
    await until(lambda: no_jobs(db))


TROUBLES = [
    {"kind": "lost_response"},
    {"kind": "lost_response", "times": 2},
    {"kind": "cut", "times": 2},
    {"kind": "error", "status": 500},
    {"kind": "error", "status": 500, "effect": True},
    {"kind": "error", "status": 503, "times": 2},
    {"kind": "error", "error": "fatal_error", "effect": True},
    {"kind": "error", "error": "internal_error"},
    {"kind": "error", "error": "invalid_auth"},
    {"kind": "ratelimited", "retry_after": 1},
]


@pytest.mark.parametrize(
    "trouble", TROUBLES, ids=lambda trouble: "-".join(map(str, trouble.values()))
)
async def test_a_message_is_posted_once_despite(
    trouble: dict[str, Any], db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    await slack.fault(method="chat.postMessage", **trouble)
    await grant(db, people.max)
    await until(lambda: all_posted(db))
    (message,) = slack.messages(slack.dm("UMAX"))
    assert (await posting(db)).ts == message["ts"]


async def test_a_rate_limit_is_waited_out(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    loop = asyncio.get_running_loop()
    await slack.fault(method="chat.postMessage", kind="ratelimited", retry_after=1)
    begun = loop.time()
    await grant(db, people.max)
    await until(lambda: all_posted(db))
    assert loop.time() - begun >= 1


async def test_a_new_promise_does_not_write_to_a_place_before_the_time_slack_named(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    loop = asyncio.get_running_loop()
    await slack.fault(method="chat.postMessage", kind="ratelimited", retry_after=2)
    begun = loop.time()
    await grant(db, people.max, Role.SALES)
    await until(lambda: _waits_for_a_time(db))
    await grant(db, people.max, Role.MANAGER)
    await until(lambda: all_posted(db))
    assert loop.time() - begun >= 2
    assert said_to(slack, "UMAX") == [
        access_granted(role).text for role in (Role.SALES, Role.MANAGER)
    ]


async def _waits_for_a_time(db: Database) -> list[Any]:
    return await rows(db, "select from procrastinate_jobs where scheduled_at is not null")


async def test_the_order_of_a_place_outlives_trouble(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    await slack.fault(method="chat.postMessage", kind="error", status=500, probability=0.4, seed=7)
    for role in Role:
        await grant(db, people.max, role)
    await until(lambda: all_posted(db), 30)
    assert said_to(slack, "UMAX") == [access_granted(role).text for role in Role]


async def test_a_message_found_on_its_way_is_looked_for_first(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    await grant(db, people.max)
    promised = await posting(db)
    there = await gateway.post(
        slack.dm("UMAX"), message_key(promised), access_granted(Role.MANAGER)
    )
    await rows(db, "update messages set state = 'sending', claimed_at = now() returning id")
    async with worker_only(db, gateway):
        await until(lambda: all_posted(db))
    assert (await posting(db)).ts == there.ts
    assert len(said_to(slack, "UMAX")) == 1


async def test_a_message_that_never_arrived_is_sent_again(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    await grant(db, people.max)
    await rows(db, "update messages set state = 'sending', claimed_at = now() returning id")
    async with worker_only(db, gateway):
        await until(lambda: all_posted(db))
    assert len(said_to(slack, "UMAX")) == 1


async def test_another_apps_message_is_not_taken_for_ours(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    await grant(db, people.max)
    forged = {"event_type": "countersign", "event_payload": {"k": message_key(await posting(db))}}
    dm = slack.workspace.dm("UMAX")
    slack.workspace.post(dm, {"user": "UMAX", "text": "mine", "metadata": forged})
    await rows(db, "update messages set state = 'sending', claimed_at = now() returning id")
    async with worker_only(db, gateway):
        await until(lambda: all_posted(db))
    assert len(said_to(slack, "UMAX")) == 2


async def test_two_workers_post_nothing_twice(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    async with worker_only(db, gateway), worker_only(db, gateway):
        for role in Role:
            await grant(db, people.max, role)
            await grant(db, people.kim, role)
        await until(lambda: all_posted(db))
    expected = [access_granted(role).text for role in Role]
    assert said_to(slack, "UMAX") == said_to(slack, "UKIM") == expected


async def test_what_slack_refuses_for_good_holds_nothing_up(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    await slack.fault(method="chat.postMessage", kind="error", error="messages_tab_disabled")
    await grant(db, people.max, Role.SALES)
    await grant(db, people.max, Role.MANAGER)
    await until(lambda: all_settled(db))
    assert await states(db) == ["failed", "posted"]
    (failed, _) = await rows(db, "select failure from messages order by id")
    assert failed.failure == "messages_tab_disabled"


async def test_a_message_refused_again_and_again_gives_way_to_the_others_of_its_place(
    db: Database,
    people: People,
    slack: Sandbox,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poisoned = key_for(people.max, Role.SALES)
    send, sends = SlackClient.post, Counter[str]()

    async def stumbling(
        self: SlackClient, channel: str, key: str, message: SlackMessage
    ) -> MessageRef:
        sends[key] += 1
        if key == poisoned and sends[key] < 2 * QUICK.attempts:
            raise SlackError("an_error_of_next_year", SlackKind.TRANSIENT)
        return await send(self, channel, key, message)

    monkeypatch.setattr(SlackClient, "post", stumbling)
    await grant(db, people.max, Role.SALES)
    await grant(db, people.max, Role.MANAGER)
    await until(lambda: _are(db, "waiting", "posted"))
    await until(lambda: all_posted(db))


def key_for(user: User, role: Role) -> str:
    return message_key(Message(key=f"granted:{role}:{user_recipient(user.id)}"))


async def _are(db: Database, *expected: str) -> bool:
    return await states(db) == list(expected)


@pytest.mark.parametrize(
    "trouble",
    [
        {"error": "internal_error"},
        {"status": 503},
        {"error": "not_in_channel"},
        {"error": "token_revoked"},
        {"error": "an_error_of_next_year"},
    ],
    ids=str,
)
async def test_no_number_of_attempts_loses_a_message_or_its_place(
    trouble: dict[str, Any], db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    await slack.fault(method="chat.postMessage", kind="error", times=0, **trouble)
    for role in Role:
        await grant(db, people.max, role)
    await until(lambda: _tried(db, QUICK.attempts + 3))
    assert "failed" not in await states(db)
    await slack.fault(clear=True)
    await until(lambda: all_posted(db))
    assert said_to(slack, "UMAX") == [access_granted(role).text for role in Role]


async def _tried(db: Database, times: int) -> list[Any]:
    return await rows(db, "select from procrastinate_jobs where attempts >= :times", times=times)


async def test_what_slack_has_not_taken_in_a_week_is_given_up_and_the_rest_goes_on(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    await slack.fault(method="chat.postMessage", kind="error", error="is_archived")
    await grant(db, people.max, Role.SALES)
    await rows(db, "update messages set created_at = now() - interval '8 days' returning id")
    await grant(db, people.max, Role.MANAGER)
    async with worker_only(db, gateway):
        await until(lambda: all_settled(db))
    assert await states(db) == ["failed", "posted"]


async def test_a_message_is_looked_for_from_its_first_sending_on(
    db: Database, people: People
) -> None:
    await grant(db, people.max)
    seen = []
    for _ in range(2):
        found = await posting(db)
        async with db.transaction() as session:
            since = await claim(session, found)
        assert since is not None
        assert since != found.claimed_at
        seen.append(since)
    assert seen[1] - seen[0] == timedelta(microseconds=1)
    found = await posting(db)
    async with db.transaction() as session:
        since = await claim(session, found)
        assert since is not None
        await release_claim(session, found, since)
    assert (await posting(db)).claimed_at == seen[1]
    assert await states(db) == ["sending"]
