"""What messages say, to whom, and what is told together."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest
import sqlalchemy as sa

from bot.slack.client import SlackClient
from bot.worker.message_content import CONTENT_BY_KIND
from bot.worker.worker import Worker
from handlers.slack.blocks.access import access_granted
from models.actions.approve import approve_bill, reject_bill
from models.actions.issue import issue_bills
from models.actions.keep_books import import_book
from models.actions.send import mark_send_failed, send_bill
from models.actions.undo import undo_decision
from models.bills.states import RejectReason
from models.customers.customers import Customer
from models.db.database import Database
from models.imports.books import Book
from models.outbox.cards import add_cards
from models.outbox.messages import Message, MessageKind, add_messages, user_recipient
from models.outbox.notifications import promise_run_preview
from models.outbox.private_answers import Told, keep_answer
from models.people.permissions import Role
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
    texts,
    told_to,
)
from tests.harness.billing import DELAY, clock, drawn
from tests.harness.books import act, make_bills
from tests.harness.cast import People
from tests.harness.issuing import mark_delivered
from tests.harness.running import worker_only
from tests.harness.slack_people import NOW
from tests.harness.timings import bundle_after
from tests.harness.waiting import until

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("september", "told"),
    [(False, "11 bills of October 2026 wait for you"), (True, "11 bills wait for you")],
)
async def test_a_digest_names_a_month_only_where_all_its_bills_are_of_it(
    september: bool, told: str, db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    bills = await make_bills(db, people.ana, 11)
    if september:
        await rows(db, MOVED, id=bills[0])
    async with worker_only(db, gateway):
        await until(lambda: all_settled(db))
    assert said_to(slack, "UKIM")[0].startswith(told)


MOVED = """
with moved as (update bills set month = 9, version = version + 1 where id = :id returning *)
insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source)
select id, version, 1, 'comment', 'cli' from moved returning id"""


def test_every_kind_of_posting_can_be_drawn() -> None:
    assert set(CONTENT_BY_KIND) == set(MessageKind)


async def test_a_posting_nobody_can_draw_holds_nothing_up(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    async with db.transaction() as session:
        await add_messages(
            session, MessageKind.ACCESS_GRANTED, "odd", [people.max], {"role": "Emperor"}
        )
        await add_messages(session, MessageKind.REJECTION, "gone", [people.max], _NOWHERE)
    await grant(db, people.max)
    await until(lambda: all_settled(db))
    assert await states(db) == ["failed", "failed", "posted"]


_NOWHERE = {"bill_id": 999, "action_id": 999}


@pytest.mark.parametrize("code", ["user_disabled", "cannot_dm_bot", "user_not_found"])
async def test_the_cards_of_somebody_out_of_reach_go_to_the_approvals_channel(
    code: str, db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    await rows(db, "update users set active = false where name = 'Lee' returning id")
    await slack.fault(method="conversations.open", kind="error", error=code, times=0)
    await make_bills(db, people.ana, 2)
    await until(lambda: all_settled(db))
    found = await rows(db, "select recipient, state, failure from messages where kind = 'card'")
    assert sorted(map(tuple, found)) == [
        *[("channel:CAPPROVALS", "posted", None)] * 2,
        *[(user_recipient(people.kim.id), "failed", code)] * 2,
    ]
    assert len(texts(slack, "CAPPROVALS")) == 2
    kind = "select recipient, facts ->> 'refused' from messages where kind = 'unreached'"
    assert list(map(tuple, await rows(db, kind))) == [(user_recipient(people.ana.id), code)]


async def test_somebody_without_an_account_any_more_is_not_written_to(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    await grant(db, people.max)
    await rows(db, "update users set active = false where name = 'Max' returning id")
    async with worker_only(db, gateway):
        await until(lambda: all_settled(db))
    assert (await posting(db)).failure == "no_slack_account"
    assert not said_to(slack, "UMAX")


async def test_more_than_ten_cards_for_one_person_become_one_digest(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    await make_bills(db, people.ana, 11)
    await until(lambda: told_to(slack, "UKIM", 1))
    await until(lambda: told_to(slack, "ULEE", 1))
    await until(lambda: no_jobs(db))
    (text,) = said_to(slack, "UKIM")
    assert "11 bills" in text
    assert "$1,100.00" in text
    counts = await rows(db, "select kind, state, count(*) from messages group by 1, 2 order by 1")
    told = [("approving", "listed", 2), ("card", "listed", 22), ("digest", "posted", 2)]
    assert list(map(tuple, counts)) == told


async def test_ten_cards_are_ten_messages(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    bills = await make_bills(db, people.ana, 10)
    await until(lambda: all_posted(db))
    assert [text.split(",")[0] for text in said_to(slack, "UKIM")] == [f"Bill #{n}" for n in bills]


async def test_a_crowd_of_cards_in_a_channel_stays_cards(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    await make_bills(db, people.ana, 11)
    await rows(
        db,
        "update customers set slack_channel_id = 'CAPPROVALS' returning id",
    )
    bills = [row.id for row in await rows(db, "select id from bills order by id")]
    async with db.transaction() as session:
        for bill_id in bills:
            await add_cards(session, bill_id, None)
    await until(lambda: told_to(slack, "CAPPROVALS", 11))


async def test_approvals_are_told_in_one_message(
    db: Database,
    people: People,
    slack: Sandbox,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle_after(monkeypatch, 2)
    bills = await make_bills(db, people.ana, 3)
    for bill_id in bills:
        async with db.transaction() as session:
            await approve_bill(session, bill_id, 1, act(people.kim))
    await until(lambda: told_to(slack, "UANA", 1))
    await until(lambda: no_jobs(db))
    (text,) = said_to(slack, "UANA")
    assert "3 bills you generated are approved" in text
    told = await rows(db, "select state from messages where kind = 'approval' order by id")
    assert [row.state for row in told] == ["posted", "listed", "listed"]


async def test_all_of_finance_hears_in_one_message_what_was_delivered_and_of_the_failure_apart(
    db: Database,
    people: People,
    slack: Sandbox,
    gateway: SlackClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Max belongs to Finance by now; Ana sent all five, and one did not arrive."""
    bundle_after(monkeypatch, 2)
    await rows(db, "update users set role = 'Finance' where name = 'Max' returning id")
    bills = await make_bills(db, people.ana, 5)
    async with db.transaction() as session:
        await session.execute(sa.text("update customers set billing_email = 'a@b.example'"))
        for bill_id in bills:
            await approve_bill(session, bill_id, 1, act(people.kim))
            await send_bill(session, bill_id, 2, act(people.ana))
        late = clock(people, NOW + DELAY)
        await issue_bills(session, bills, late, drawn)
        await mark_send_failed(session, bills[0], late, "550 no such mailbox")
        for bill_id in bills[1:]:
            await mark_delivered(session, bill_id, late, "250 OK", "a@b.example")
    async with worker_only(db, gateway):
        for person in ("UANA", "UMAX"):
            await until(lambda person=person: _heard(slack, person, "4 bills are delivered: "))
            told = [text for text in said_to(slack, person) if "deliver" in text]
            assert sorted("could not be" in text for text in told) == [False, True]
    told = await rows(db, "select state from messages where kind = 'delivered'")
    assert sorted(row.state for row in told) == ["listed"] * 6 + ["posted"] * 2


async def test_whoever_sent_a_bill_reads_of_its_delivery_where_they_sent_it_and_else_in_the_notice(
    db: Database, people: People
) -> None:
    """Max belongs to Finance by now, and has no such answer; Ana's cannot be corrected for ever."""
    await rows(db, "update users set role = 'Finance' where name = 'Max' returning id")
    (bill_id,) = await make_bills(db, people.ana, 1)
    async with db.transaction() as session:
        await session.execute(sa.text("update customers set billing_email = 'a@b.example'"))
        await approve_bill(session, bill_id, 1, act(people.kim))
        await send_bill(session, bill_id, 2, act(people.ana))
        told = Told("It goes out", bill_id=bill_id)
        answer = "https://slack.example/answer"
        await keep_answer(session, people.ana, answer, told, datetime.now(UTC))
        late = clock(people, NOW + DELAY)
        await issue_bills(session, [bill_id], late, drawn)
        delivered = await mark_delivered(session, bill_id, late, "250 OK", "a@b.example")
    assert delivered
    facts = {"bills": [bill_id], "actions": [delivered.id]}
    ana, max_ = (user_recipient(one.id) for one in (people.ana, people.max))

    async def notice_to(recipient: str) -> str | None:
        message = Message(kind=MessageKind.DELIVERED, recipient=recipient, facts=facts)
        async with db.transaction() as session:
            made = await CONTENT_BY_KIND[MessageKind.DELIVERED](session, message)
        return made.draw().text if made else None

    words = "is delivered to a@b.example."
    assert await notice_to(ana) is None
    assert words in (await notice_to(max_) or "")
    await rows(db, "update private_answers set uses_left = 0 returning id")
    assert words in (await notice_to(ana) or "")


def _heard(slack: Sandbox, person: str, words: str) -> bool:
    return any(words in text for text in said_to(slack, person))


async def test_a_bill_that_was_approved_again_meanwhile_is_told_of_once(
    db: Database,
    people: People,
    slack: Sandbox,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle_after(monkeypatch, 2)
    (bill_id,) = await make_bills(db, people.ana, 1)
    async with db.transaction() as session:
        await approve_bill(session, bill_id, 1, act(people.kim))
        await undo_decision(session, bill_id, 2, act(people.kim), "Too soon")
        await approve_bill(session, bill_id, 3, act(people.kim))
    await until(lambda: told_to(slack, "UANA", 1))
    await until(lambda: no_jobs(db))
    assert [text.splitlines()[0] for text in said_to(slack, "UANA")] == [
        "1 bill you generated is approved."
    ]


async def test_a_rejection_does_not_wait_behind_approvals(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    approved, rejected = await make_bills(db, people.ana, 2)
    async with db.transaction() as session:
        await approve_bill(session, approved, 1, act(people.kim))
    async with db.transaction() as session:
        await reject_bill(
            session, rejected, 1, act(people.kim), RejectReason.OTHER, "Not this time"
        )
    await until(lambda: told_to(slack, "UANA", 1))
    assert f"rejected bill #{rejected}" in said_to(slack, "UANA")[0]
    (waiting,) = await rows(db, "select state from messages where kind = 'approval'")
    assert waiting.state == "waiting"


async def test_a_server_that_knows_only_text_gets_text(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    await slack.fault(method="chat.postMessage", kind="error", error="invalid_blocks")
    await grant(db, people.max)
    await until(lambda: all_posted(db))
    (message,) = slack.messages(slack.dm("UMAX"))
    assert [block["type"] for block in message["blocks"]] == ["section"]
    assert message["text"] == access_granted(Role.MANAGER).text


async def test_a_channel_gets_no_more_than_one_message_a_pace(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    loop = asyncio.get_running_loop()
    async with worker_only(db, gateway, pace=0.3):
        begun = loop.time()
        for role in Role:
            await grant(db, people.max, role)
        await until(lambda: all_posted(db))
    assert loop.time() - begun >= 0.3 * (len(Role) - 1)


async def test_a_preview_that_takes_too_long_is_told_to_whoever_waits_for_it(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    async with worker_only(db, gateway, bulk=0.2), db.transaction() as holding:
        await holding.execute(sa.text("lock table customers in access exclusive mode"))
        async with db.transaction() as session:
            await promise_run_preview(session, "2026-10", None, people.ana, NOW)
        await until(lambda: all_settled(db))
    assert "took too long" in said_to(slack, "UANA")[0]


@pytest.mark.parametrize("times", [1, 2, 3, 4])
async def test_a_request_for_access_has_its_buttons_in_the_end(
    db: Database, people: People, slack: Sandbox, worker: Worker, times: int
) -> None:
    await slack.fault(method="chat.postMessage", kind="error", error="invalid_blocks", times=times)
    async with db.transaction() as session:
        told = {"user_id": people.max.id}
        await add_messages(session, MessageKind.ACCESS_REQUEST, "asked", [people.ana], told)
    await until(lambda: all_posted(db))
    await until(lambda: no_jobs(db))
    [asked] = slack.messages(slack.dm("UANA"))
    assert any(block["type"] == "actions" for block in asked["blocks"])


async def test_a_csm_reads_what_the_usage_of_a_month_comes_to(
    db: Database, people: People, slack: Sandbox, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle_after(monkeypatch, 0)
    middle = datetime(2026, 11, 16, tzinfo=UTC)
    async with db.transaction() as session:
        for name in ("Acme", "Bolt"):
            session.add(Customer(name=name, csm_id=people.kim.id, monthly_api_limit=1000))
    by = replace(act(people.ana), now=middle)
    for told, rows_ in ((1, ["Acme,2026,11,800"]), (2, ["Acme,2026,11,1100", "Bolt,2026,11,520"])):
        file = BytesIO("\n".join(["customer,year,month,api_usage", *rows_]).encode())
        async with db.long_transaction() as session:
            await import_book(session, Book.USAGE, file, by)
        await until(lambda told=told: told_to(slack, "UKIM", told))
    first, both = slack.messages(slack.dm("UKIM"))
    assert first["text"] == "Acme has used 80 % of its limit: 800 of 1,000 calls."
    assert "By the end of November about 1,600 calls" in str(first["blocks"])
    assert both["text"] == "Usage in November 2026: 2 customers to look at."
    lines = str(both["blocks"])
    assert "is over its limit: 1,100 of 1,000 calls, 110 %." in lines
    assert "is heading over its limit: 520 of 1,000 calls so far." in lines
