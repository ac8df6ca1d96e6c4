"""Promised messages arrive: once, in order, whatever Slack does in between."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from bot import drafts
from bot.courier import Courier
from bot.posting import key_of
from bot.slack import Gateway, SlackTrouble, Standing
from bot.slack import Kind as SlackKind
from handlers.views import replies
from handlers.views.kit import Message
from models import announce, postings, workflow
from models.announce import Kind, Posting
from models.base import Database
from models.bills import RejectReason, State
from models.dossier import Line
from models.people import Role, User
from models.period import Period
from sandbox.server import Sandbox
from tests.bot.helpers import (
    NOW,
    QUICK,
    all_posted,
    all_settled,
    couriers,
    eventually,
    grant,
    no_jobs,
    posting,
    rows,
    said_to,
    states,
    texts,
)
from tests.conftest import People
from tests.store.books import act, make_bills


async def test_a_posting_reaches_the_dm_and_is_noted(
    db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    await grant(db, people.max)
    await eventually(lambda: all_posted(db))
    (message,) = slack.messages(slack.dm("UMAX"))
    stored = await posting(db)
    assert (stored.channel, stored.ts) == (slack.dm("UMAX"), message["ts"])
    assert "Manager" in message["text"]
    await eventually(lambda: no_jobs(db))


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
    trouble: dict[str, Any], db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    await slack.fault(method="chat.postMessage", **trouble)
    await grant(db, people.max)
    await eventually(lambda: all_posted(db))
    (message,) = slack.messages(slack.dm("UMAX"))
    assert (await posting(db)).ts == message["ts"]


async def test_a_rate_limit_is_waited_out(
    db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    loop = asyncio.get_running_loop()
    await slack.fault(method="chat.postMessage", kind="ratelimited", retry_after=2)
    begun = loop.time()
    await grant(db, people.max)
    await eventually(lambda: all_posted(db))
    assert loop.time() - begun >= 2


async def test_a_new_promise_does_not_write_to_a_place_before_the_time_slack_named(
    db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    loop = asyncio.get_running_loop()
    await slack.fault(method="chat.postMessage", kind="ratelimited", retry_after=3)
    begun = loop.time()
    await grant(db, people.max, Role.SALES)
    await eventually(lambda: _waits_for_a_time(db))
    await grant(db, people.max, Role.MANAGER)
    await eventually(lambda: all_posted(db))
    assert loop.time() - begun >= 3
    assert said_to(slack, "UMAX") == [
        replies.access_granted(role).text for role in (Role.SALES, Role.MANAGER)
    ]


async def _waits_for_a_time(db: Database) -> list[Any]:
    return await rows(db, "select from procrastinate_jobs where scheduled_at is not null")


async def test_the_order_of_a_place_outlives_trouble(
    db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    await slack.fault(method="chat.postMessage", kind="error", status=500, probability=0.4, seed=7)
    for role in Role:
        await grant(db, people.max, role)
    await eventually(lambda: all_posted(db), 30)
    assert said_to(slack, "UMAX") == [replies.access_granted(role).text for role in Role]


async def test_a_message_found_on_its_way_is_looked_for_first(
    db: Database, people: People, slack: Sandbox, gateway: Gateway
) -> None:
    await grant(db, people.max)
    promised = await posting(db)
    there = await gateway.post(
        slack.dm("UMAX"), key_of(promised), replies.access_granted(Role.MANAGER)
    )
    await rows(db, "update postings set state = 'sending', sending_since = now() returning id")
    async with couriers(db, gateway):
        await eventually(lambda: all_posted(db))
    assert (await posting(db)).ts == there.ts
    assert len(said_to(slack, "UMAX")) == 1


async def test_a_message_that_never_arrived_is_sent_again(
    db: Database, people: People, slack: Sandbox, gateway: Gateway
) -> None:
    await grant(db, people.max)
    await rows(db, "update postings set state = 'sending', sending_since = now() returning id")
    async with couriers(db, gateway):
        await eventually(lambda: all_posted(db))
    assert len(said_to(slack, "UMAX")) == 1


async def test_another_apps_message_is_not_taken_for_ours(
    db: Database, people: People, slack: Sandbox, gateway: Gateway
) -> None:
    await grant(db, people.max)
    forged = {"event_type": "countersign", "event_payload": {"k": key_of(await posting(db))}}
    dm = slack.workspace.dm("UMAX")
    slack.workspace.post(dm, {"user": "UMAX", "text": "mine", "metadata": forged})
    await rows(db, "update postings set state = 'sending', sending_since = now() returning id")
    async with couriers(db, gateway):
        await eventually(lambda: all_posted(db))
    assert len(said_to(slack, "UMAX")) == 2


async def test_two_couriers_post_nothing_twice(
    db: Database, people: People, slack: Sandbox, gateway: Gateway
) -> None:
    async with couriers(db, gateway), couriers(db, gateway):
        for role in Role:
            await grant(db, people.max, role)
            await grant(db, people.kim, role)
        await eventually(lambda: all_posted(db))
    expected = [replies.access_granted(role).text for role in Role]
    assert said_to(slack, "UMAX") == said_to(slack, "UKIM") == expected


async def test_what_slack_refuses_for_good_holds_nothing_up(
    db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    await slack.fault(method="chat.postMessage", kind="error", error="messages_tab_disabled")
    await grant(db, people.max, Role.SALES)
    await grant(db, people.max, Role.MANAGER)
    await eventually(lambda: all_settled(db))
    assert await states(db) == ["failed", "posted"]
    (failed, _) = await rows(db, "select failure from postings order by id")
    assert failed.failure == "messages_tab_disabled"


async def test_a_message_refused_again_and_again_gives_way_to_the_others_of_its_place(
    db: Database,
    people: People,
    slack: Sandbox,
    courier: Courier,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poisoned = key_for(people.max, Role.SALES)
    send, sends = Gateway.post, Counter[str]()

    async def stumbling(self: Gateway, channel: str, key: str, message: Message) -> Standing:
        sends[key] += 1
        if key == poisoned and sends[key] < 2 * QUICK.attempts:
            raise SlackTrouble("an_error_of_next_year", SlackKind.TRANSIENT)
        return await send(self, channel, key, message)

    monkeypatch.setattr(Gateway, "post", stumbling)
    await grant(db, people.max, Role.SALES)
    await grant(db, people.max, Role.MANAGER)
    await eventually(lambda: _are(db, "waiting", "posted"))
    await eventually(lambda: all_posted(db))


def key_for(user: User, role: Role) -> str:
    return key_of(Posting(key=f"granted:{role}:{announce.user_place(user.id)}"))


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
    trouble: dict[str, Any], db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    await slack.fault(method="chat.postMessage", kind="error", times=0, **trouble)
    for role in Role:
        await grant(db, people.max, role)
    await eventually(lambda: _tried(db, QUICK.attempts + 3))
    assert "failed" not in await states(db)
    await slack.fault(clear=True)
    await eventually(lambda: all_posted(db))
    assert said_to(slack, "UMAX") == [replies.access_granted(role).text for role in Role]


async def _tried(db: Database, times: int) -> list[Any]:
    return await rows(db, "select from procrastinate_jobs where attempts >= :times", times=times)


async def test_what_slack_has_not_taken_in_a_week_is_given_up_and_the_rest_goes_on(
    db: Database, people: People, slack: Sandbox, gateway: Gateway
) -> None:
    await slack.fault(method="chat.postMessage", kind="error", error="is_archived")
    await grant(db, people.max, Role.SALES)
    await rows(db, "update postings set created_at = now() - interval '8 days' returning id")
    await grant(db, people.max, Role.MANAGER)
    async with couriers(db, gateway):
        await eventually(lambda: all_settled(db))
    assert await states(db) == ["failed", "posted"]


async def test_a_message_is_looked_for_from_its_first_sending_on(
    db: Database, people: People
) -> None:
    await grant(db, people.max)
    seen = []
    for _ in range(2):
        found = await posting(db)
        async with db.transaction() as session:
            since = await postings.sending(session, found)
        assert since is not None
        assert since != found.sending_since
        seen.append(since)
    assert seen[1] - seen[0] == timedelta(microseconds=1)
    found = await posting(db)
    async with db.transaction() as session:
        since = await postings.sending(session, found)
        assert since is not None
        await postings.not_sent(session, found, since)
    assert (await posting(db)).sending_since == seen[1]
    assert await states(db) == ["sending"]


@pytest.mark.parametrize(
    ("months", "told"),
    [((9, 9), "2 bills of September 2026 wait for you"), ((9, 10), "2 bills wait for you")],
)
async def test_a_digest_names_a_month_only_where_all_its_bills_are_of_it(
    months: tuple[int, int], told: str, monkeypatch: pytest.MonkeyPatch, db: Database
) -> None:
    async def listed(*_: Any) -> list[Line]:
        return [replace(_LINE, id=n, period=Period(2026, m)) for n, m in enumerate(months, 1)]

    monkeypatch.setattr(postings, "listed_lines", listed)
    async with db.transaction() as session:
        made = await drafts.draft(session, Posting(kind=Kind.DIGEST))
    assert made is not None
    assert made.draw().text.startswith(told)


_LINE = Line(
    id=1,
    version=1,
    customer="Acme",
    period=Period(2026, 9),
    status=State.PENDING,
    hold_reason=None,
    amount=Decimal(5),
    currency="USD",
    created_at=NOW,
)


def test_every_kind_of_posting_can_be_drawn() -> None:
    assert set(drafts._DRAFTS) == set(Kind)


async def test_a_posting_nobody_can_draw_holds_nothing_up(
    db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    async with db.transaction() as session:
        await announce.post(session, Kind.ACCESS_GRANTED, "odd", [people.max], {"role": "Emperor"})
        await announce.post(session, Kind.REJECTION, "gone", [people.max], _NOWHERE)
    await grant(db, people.max)
    await eventually(lambda: all_settled(db))
    assert await states(db) == ["failed", "failed", "posted"]


_NOWHERE = {"bill_id": 999, "action_id": 999}


@pytest.mark.parametrize("code", ["user_disabled", "cannot_dm_bot", "user_not_found"])
async def test_the_cards_of_somebody_out_of_reach_go_to_the_approvals_channel(
    code: str, db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    await rows(db, "update users set active = false where name = 'Lee' returning id")
    await slack.fault(method="conversations.open", kind="error", error=code, times=0)
    await make_bills(db, people.ana, 2)
    await eventually(lambda: all_settled(db))
    found = await rows(db, "select place, state, failure from postings where kind = 'card'")
    assert sorted(map(tuple, found)) == [
        *[("channel:CAPPROVALS", "posted", None)] * 2,
        *[(announce.user_place(people.kim.id), "failed", code)] * 2,
    ]
    assert len(texts(slack, "CAPPROVALS")) == 2


async def test_somebody_without_an_account_any_more_is_not_written_to(
    db: Database, people: People, slack: Sandbox, gateway: Gateway
) -> None:
    await grant(db, people.max)
    await rows(db, "update users set active = false where name = 'Max' returning id")
    async with couriers(db, gateway):
        await eventually(lambda: all_settled(db))
    assert (await posting(db)).failure == "no_slack_account"
    assert not said_to(slack, "UMAX")


async def test_more_than_ten_cards_for_one_person_become_one_digest(
    db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    await make_bills(db, people.ana, 11)
    await eventually(lambda: _told(slack, "UKIM", 1))
    await eventually(lambda: _told(slack, "ULEE", 1))
    await eventually(lambda: no_jobs(db))
    (text,) = said_to(slack, "UKIM")
    assert "11 bills" in text
    assert "$1,100.00" in text
    counts = await rows(db, "select state, count(*) from postings group by state order by state")
    assert list(map(tuple, counts)) == [("listed", 22), ("posted", 2)]


async def test_ten_cards_are_ten_messages(
    db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    bills = await make_bills(db, people.ana, 10)
    await eventually(lambda: all_posted(db))
    assert [text.split(",")[0] for text in said_to(slack, "UKIM")] == [f"Bill #{n}" for n in bills]


async def test_a_crowd_of_cards_in_a_channel_stays_cards(
    db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    await make_bills(db, people.ana, 11)
    await rows(
        db,
        "update customers set slack_channel_id = 'CAPPROVALS' returning id",
    )
    bills = [row.id for row in await rows(db, "select id from bills order by id")]
    async with db.transaction() as session:
        for bill_id in bills:
            await announce.cards_of_bill(session, bill_id, None)
    await eventually(lambda: _told(slack, "CAPPROVALS", 11))


async def _told(slack: Sandbox, place: str, count: int) -> bool:
    channel = slack.dm(place) if place.startswith("U") else place
    return len(texts(slack, channel)) == count


async def test_approvals_are_told_in_one_message(
    db: Database,
    people: People,
    slack: Sandbox,
    courier: Courier,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(announce, "BUNDLING_S", 2)
    bills = await make_bills(db, people.ana, 3)
    for bill_id in bills:
        async with db.transaction() as session:
            await workflow.approve(session, bill_id, 1, act(people.kim))
    await eventually(lambda: _told(slack, "UANA", 1))
    await eventually(lambda: no_jobs(db))
    (text,) = said_to(slack, "UANA")
    assert "3 bills you generated are approved" in text
    told = await rows(db, "select state from postings where kind = 'approval' order by id")
    assert [row.state for row in told] == ["posted", "listed", "listed"]


async def test_a_rejection_does_not_wait_behind_approvals(
    db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    approved, rejected = await make_bills(db, people.ana, 2)
    async with db.transaction() as session:
        await workflow.approve(session, approved, 1, act(people.kim))
    async with db.transaction() as session:
        await workflow.reject(
            session, rejected, 1, act(people.kim), RejectReason.OTHER, "Not this time"
        )
    await eventually(lambda: _told(slack, "UANA", 1))
    assert f"rejected bill #{rejected}" in said_to(slack, "UANA")[0]
    (waiting,) = await rows(db, "select state from postings where kind = 'approval'")
    assert waiting.state == "waiting"


async def test_a_server_that_knows_only_text_gets_text(
    db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    await slack.fault(method="chat.postMessage", kind="error", error="invalid_blocks")
    await grant(db, people.max)
    await eventually(lambda: all_posted(db))
    (message,) = slack.messages(slack.dm("UMAX"))
    assert [block["type"] for block in message["blocks"]] == ["section"]
    assert message["text"] == replies.access_granted(Role.MANAGER).text


async def test_a_channel_gets_no_more_than_one_message_a_pace(
    db: Database, people: People, slack: Sandbox, gateway: Gateway
) -> None:
    loop = asyncio.get_running_loop()
    async with couriers(db, gateway, pace=0.3):
        begun = loop.time()
        for role in Role:
            await grant(db, people.max, role)
        await eventually(lambda: all_posted(db))
    assert loop.time() - begun >= 0.3 * (len(Role) - 1)


async def test_stopping_in_the_middle_loses_and_doubles_nothing(
    db: Database, people: People, slack: Sandbox, gateway: Gateway
) -> None:
    for role in Role:
        await grant(db, people.max, role)
    async with couriers(db, gateway, pace=0.5):
        await eventually(lambda: _told(slack, "UMAX", 2))
    assert len(said_to(slack, "UMAX")) < len(Role)
    async with couriers(db, gateway):
        await eventually(lambda: all_posted(db))
    assert said_to(slack, "UMAX") == [replies.access_granted(role).text for role in Role]


async def test_a_job_that_does_not_end_in_time_is_put_back(
    db: Database, people: People, slack: Sandbox, gateway: Gateway
) -> None:
    await slack.fault(method="chat.postMessage", kind="delay", seconds=1)
    await grant(db, people.max)
    async with couriers(db, gateway) as first:
        await eventually(lambda: _is_on_its_way(db))
        await first.stop(deadline_s=0.1)
        (job,) = await rows(db, "select status from procrastinate_jobs")
        assert job.status == "todo"
    async with couriers(db, gateway, settle=1.5):
        await eventually(lambda: all_posted(db))
    assert len(said_to(slack, "UMAX")) == 1


async def _is_on_its_way(db: Database) -> bool:
    return await states(db) == ["sending"]


async def test_a_job_whose_worker_died_is_taken_up_by_another(
    db: Database, people: People, slack: Sandbox, gateway: Gateway
) -> None:
    await grant(db, people.max)
    await rows(
        db,
        """with dead as (insert into procrastinate_workers (last_heartbeat)
               values (now() - interval '1 minute') returning id)
           update procrastinate_jobs set status = 'doing', worker_id = dead.id
           from dead returning worker_id""",
    )
    async with couriers(db, gateway):
        await eventually(lambda: all_posted(db))
    assert len(said_to(slack, "UMAX")) == 1


async def test_a_posting_whose_job_got_lost_is_sent_for(
    db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    async with db.transaction() as session:
        session.add(
            Posting(
                key="lonely",
                kind=Kind.ACCESS_GRANTED,
                place=announce.user_place(people.max.id),
                facts={"role": "Manager"},
            )
        )
    await eventually(lambda: all_posted(db))


async def test_cards_that_a_killed_command_left_unannounced_are_sent_for(
    db: Database, people: People, slack: Sandbox, gateway: Gateway
) -> None:
    await make_bills(db, people.ana, 2)
    await rows(db, "update runs set finished_at = null, source = 'cli' returning id")
    await rows(db, "delete from procrastinate_jobs returning id")
    async with couriers(db, gateway):
        await grant(db, people.max)
        await eventually(lambda: _is_posted(db, "access_granted"))
        assert not said_to(slack, "UKIM")
        await rows(db, "update postings set created_at = now() - interval '61 s' returning id")
        await eventually(lambda: all_posted(db))


async def _is_posted(db: Database, kind: str) -> bool:
    found = await rows(db, "select state from postings where kind = :kind", kind=kind)
    return {row.state for row in found} == {"posted"}


async def test_the_courier_goes_on_after_the_database_was_away(
    db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    others = """select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()"""
    async with db.transaction() as session:
        await session.execute(sa.text(others))
    await eventually(lambda: _granted(db, people))
    await eventually(lambda: all_posted(db))
    assert len(said_to(slack, "UMAX")) == 1


async def _granted(db: Database, people: People) -> bool:
    await grant(db, people.max)
    return True
