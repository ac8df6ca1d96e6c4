"""Many at once: real transactions on connections of their own, all in front of one lock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.absence import mark_away, mark_back
from models.actions.approve import approve_bill, reject_bill
from models.actions.comment import add_comment, add_reply, delete_reply, edit_reply
from models.actions.recalculate import recalculate
from models.actions.send import send_bill
from models.actions.undo import undo_decision
from models.batches.bill_run import run_step, start_bill_run
from models.batches.bill_run_report import run_report
from models.batches.bulk_send import send_report, send_step, start_send
from models.batches.lists import end_list
from models.batches.send_preview import preview_send
from models.bills.bill import Bill, get_bill
from models.bills.history import BillAction, actions_of
from models.bills.states import NotSent, RejectReason, State, Verb
from models.context import Context, Source
from models.db.database import Database
from models.db.locks import busy_after_waiting
from models.errors import Busy, Refusal, WrongState
from models.outbox.messages import Message
from models.people.permissions import Role
from models.people.users import User, add_user
from models.settings import BillingSettings
from models.usage.usage import record_usage
from tests.harness.billing import approved, clock, correct_usage, drawn, go_out, later
from tests.harness.cast import People
from tests.harness.issuing import issue_bill
from tests.harness.scene import NOW, OCTOBER, ZONE, act, bill_for, prove
from tests.harness.waiting import PATIENCE_S

Doing = Callable[[AsyncSession], Awaitable[Any]]

FRIDAY = date(2026, 11, 6)
_LOCKED_OUT = sa.text("""
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
""")


@asynccontextmanager
async def machines(url: str, count: int) -> AsyncIterator[list[Database]]:
    """So many replicas of the bot, each with its own ten connections."""
    opened = [Database(url, statement_s=PATIENCE_S, lock_s=PATIENCE_S) for _ in range(count)]
    try:
        yield opened
    finally:
        for database in opened:
            await database.close()


async def at_once(
    databases: list[Database], bill_id: int, *doings: Doing
) -> tuple[list[Any], list[Refusal]]:
    """Let all of these run into the bill's lock before any of them gets it.

    Returns what they answered, and what they were refused. They are dealt out to the databases in
    turn; those beyond the connections come as these become free.
    """
    in_front = min(len(doings), 10 * len(databases))
    async with databases[0].long_transaction() as holder:
        await get_bill(holder, bill_id, lock=True)
        tasks = [
            asyncio.create_task(alone(databases[i % len(databases)], doing))
            for i, doing in enumerate(doings)
        ]
        await asyncio.wait_for(locked_out(databases[0], in_front), PATIENCE_S)
    answers = await asyncio.gather(*tasks)
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    return [answer for answer in answers if not isinstance(answer, Refusal)], refused


async def locked_out(database: Database, count: int) -> None:
    waiting = 0
    while waiting < count:
        async with database.long_transaction() as session:
            waiting = (await session.scalars(_LOCKED_OUT)).one()


async def alone(database: Database, doing: Doing) -> Any:
    """What came of it in a transaction of its own: the answer, or the refusal."""
    try:
        with busy_after_waiting():
            async with database.transaction() as session:
                return await doing(session)
    except Refusal as refusal:
        return refusal


def approving(bill: Bill, user: User) -> Doing:
    return lambda session: approve_bill(session, bill.id, bill.version, act(user))


def rejecting(bill: Bill, user: User) -> Doing:
    code = RejectReason.USAGE_WRONG
    return lambda session: reject_bill(session, bill.id, bill.version, act(user), code, "No")


async def record_of(db: Database, bill_id: int) -> tuple[Bill, list[str]]:
    """The bill, proved, and the verbs of its actions in order."""
    async with db.transaction() as session:
        await prove(session, bill_id)
        told = await actions_of(session, bill_id)
        return await get_bill(session, bill_id), [action.action for action in told]


async def test_of_fifty_decisions_at_once_exactly_one_counts(
    database_url: str, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(session, act(people.ana))
        crew = [
            await add_user(session, f"Person {number}", (Role.CSM, Role.SALES)[number % 2])
            for number in range(50)
        ]
    decisions = [
        (rejecting if number % 3 == 0 else approving)(bill, user)
        for number, user in enumerate(crew)
    ]
    async with machines(database_url, 2) as databases:
        counted, refused = await at_once(databases, bill.id, *decisions)
    assert (len(counted), len(refused)) == (1, 49)
    assert all(isinstance(refusal, WrongState) for refusal in refused)
    after, verbs = await record_of(db, bill.id)
    assert verbs == [Verb.GENERATE, counted[0].action]
    assert (after.version, after.status) == (
        2,
        {"approve": State.APPROVED, "reject": State.REJECTED}[counted[0].action],
    )


async def test_a_csm_and_a_salesperson_at_once_both_count_once(
    database_url: str, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(
            session,
            act(people.ana),
            csm_id=people.kim.id,
            require_csm_approval=True,
            require_sales_approval=True,
        )
    clicks = [approving(bill, user) for user in (people.kim, people.sam) * 5]
    async with machines(database_url, 1) as databases:
        counted, refused = await at_once(databases, bill.id, *clicks)
    assert {action.stakeholder_id for action in counted} == {people.kim.id, people.sam.id}
    assert (len(counted), len(refused)) == (2, 8)
    after, _ = await record_of(db, bill.id)
    assert (after.version, after.status) == (2, State.APPROVED)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("both", [True, False])
async def test_of_ten_undos_at_once_one_counts(
    database_url: str, db: Database, people: People, named: bool, both: bool
) -> None:
    """Whether they name the decision or not, and even where it moved no version."""
    async with db.transaction() as session:
        bill = await bill_for(
            session, act(people.ana), require_csm_approval=True, require_sales_approval=both
        )
        action = await approve_bill(session, bill.id, 1, act(people.kim))
    decision, version = action.id if named else None, bill.version

    async def taking_back(session: AsyncSession) -> BillAction:
        return await undo_decision(session, bill.id, version, act(people.kim), "Oops", decision)

    async with machines(database_url, 1) as databases:
        counted, refused = await at_once(databases, bill.id, *[taking_back] * 10)
    assert (len(counted), len(refused)) == (1, 9)
    after, verbs = await record_of(db, bill.id)
    assert (after.status, verbs) == (State.PENDING, [Verb.GENERATE, Verb.APPROVE, Verb.UNDO])


def delivering(bill: Bill, by: Context) -> tuple[Doing, Doing, Doing]:
    """A reply in the thread of the bill's card; its edit; its deletion."""

    async def said(session: AsyncSession) -> BillAction | None:
        return await add_reply(session, bill.id, by, "Wrong limit", "C1", "1.5")

    async def changed(session: AsyncSession) -> BillAction | None:
        return await edit_reply(session, by, "Wrong price", "C1", "1.5", "1.7")

    async def deleted(session: AsyncSession) -> BillAction | None:
        return await delete_reply(session, bill.id, by, "Wrong price", "C1", "1.5")

    return said, changed, deleted


async def test_one_reply_delivered_five_times_at_once_is_one_comment(
    database_url: str, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(session, act(people.ana))
    async with machines(database_url, 1) as databases:
        for delivery in delivering(bill, act(people.kim)):
            answers, refused = await at_once(databases, bill.id, *[delivery] * 5)
            assert refused == []
            assert len([answer for answer in answers if answer is not None]) == 1
    _, verbs = await record_of(db, bill.id)
    assert verbs == [Verb.GENERATE, Verb.COMMENT, Verb.COMMENT_EDIT, Verb.COMMENT_DELETE]


async def test_a_reply_its_edit_and_its_deletion_at_once_leave_it_deleted(
    database_url: str, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(session, act(people.ana))
    said, changed, deleted = delivering(bill, act(people.kim))
    async with db.transaction() as session:
        await said(session)
    async with machines(database_url, 1) as databases:
        _, refused = await at_once(databases, bill.id, *[said, deleted, changed] * 3)
    assert refused == []
    _, verbs = await record_of(db, bill.id)
    assert verbs[:2] + verbs[-1:] == [Verb.GENERATE, Verb.COMMENT, Verb.COMMENT_DELETE]
    assert verbs[2:-1] in ([], [Verb.COMMENT_EDIT])


async def test_comments_and_a_decision_at_once_make_one_chain(
    database_url: str, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(session, act(people.ana))

    async def commenting(session: AsyncSession) -> BillAction:
        return await add_comment(session, bill.id, act(people.ana), "Hm")

    doings = [commenting] * 6 + [approving(bill, people.kim)] + [commenting] * 3
    async with machines(database_url, 1) as databases:
        counted, refused = await at_once(databases, bill.id, *doings)
    assert (len(counted), refused) == (10, [])
    after, verbs = await record_of(db, bill.id)
    assert (after.version, sorted(verbs)) == (2, ["approve", *["comment"] * 9, "generate"])


_MADE = sa.text("""
select count(*), count(distinct customer_id), sum(overage_amount) from bills
where year = 2026 and month = 10
""")

_CUSTOMERS = sa.text("""
with made as (
    insert into customers (name, monthly_api_limit, overage_unit_cost)
    select 'Customer ' || n, 1000, 0.01 from generate_series(1, 60) n returning id)
insert into usages (customer_id, year, month, api_usage)
select id, 2026, 10, 1000 + 100 * row_number() over () from made
""")


async def test_three_runs_of_one_month_at_once_bill_nobody_twice(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        await session.execute(_CUSTOMERS)
    settings = BillingSettings(chunk_customers=7)
    runs = await asyncio.gather(
        *(
            whole_run(db, Context(user, NOW, source), settings)
            for user, source in (
                (people.ana, Source.SLACK),
                (people.ana, Source.SLACK),
                (people.system, Source.CLI),
            )
        )
    )
    async with db.transaction() as session:
        added = [(await run_report(session, run)).added for run in runs]
        made, customers, amount = (await session.execute(_MADE)).one()
        ids = list(await session.scalars(sa.select(Bill.id)))
        cards = await session.scalar(sa.select(sa.func.count()).select_from(Message))
    # 100 calls over, 200 over, ... 6,000 over, at a cent each.
    assert (made, customers, amount, sum(added)) == (60, 60, Decimal("1830.00"), 60)
    assert cards == 2 * 60, "a card for Kim and one for Lee"
    for bill_id in ids:
        async with db.transaction() as session:
            await prove(session, bill_id)


async def whole_run(db: Database, by: Context, settings: BillingSettings) -> int:
    async with db.transaction() as session:
        run_id = await start_bill_run(session, OCTOBER, by, ZONE)
    finished = False
    while not finished:
        async with db.long_transaction() as session:
            finished = (await run_step(session, run_id, settings, by.now)).ended
    return run_id


async def test_one_run_worked_on_by_two_machines_goes_on_and_ends_once(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        await session.execute(_CUSTOMERS)
        run_id = await start_bill_run(session, OCTOBER, act(people.ana), ZONE)

    async def work() -> int:
        for steps in range(1, 40):
            async with db.long_transaction() as session:
                now = NOW + timedelta(seconds=steps)
                if (await run_step(session, run_id, BillingSettings(chunk_customers=7), now)).ended:
                    return steps
        raise AssertionError("the run never ends")

    steps = await asyncio.gather(work(), work())
    # Nine chunks, and each of the two sees the end.
    assert sum(steps) == 10
    async with db.transaction() as session:
        facts = await run_report(session, run_id)
        made, *_ = (await session.execute(_MADE)).one()
    assert (facts.added, facts.done, made) == (60, 60, 60)


async def test_a_correction_is_issued_while_its_month_is_settled_and_neither_waits_in_vain(
    db: Database, people: People
) -> None:
    """Both lock the bill that went out before its correction, or each would wait for the other."""
    async with db.transaction() as session:
        bill = await approved(session, people)
        await go_out(session, people, bill)
        by = later(act(people.ana), hours=1)
        [proposed] = (await correct_usage(session, by, bill.customer_id, 175_000)).proposed
        await approve_bill(session, proposed, 1, act(people.kim))
        await send_bill(session, proposed, 2, act(people.ana))
        await record_usage(session, bill.customer_id, OCTOBER, 180_000, by)
    clocked = clock(people, NOW + timedelta(hours=2))
    async with db.transaction() as settling_one:
        await get_bill(settling_one, bill.id, lock=True)
        issuing = asyncio.create_task(
            alone(db, lambda session: issue_bill(session, proposed, clocked, drawn))
        )
        await asyncio.wait_for(locked_out(db, 1), PATIENCE_S)
        assert (await recalculate(settling_one, clocked)).invalidated == (proposed,)
    assert await issuing is False


async def test_whoever_waits_for_a_bill_in_vain_is_told_that_nothing_was_done(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(session, act(people.ana))
    hasty = Database(db.url, lock_s=0.1)
    async with db.long_transaction() as holder:
        await get_bill(holder, bill.id, lock=True)
        refusal = await alone(
            hasty, lambda session: approve_bill(session, bill.id, 1, act(people.kim))
        )
    await hasty.close()
    assert isinstance(refusal, Busy)
    async with db.transaction() as session:
        assert (await prove(session, bill.id)).status == State.PENDING


async def test_two_who_go_away_with_each_others_help_are_not_both_gone(
    db: Database, people: People
) -> None:
    async with db.transaction() as first:
        await mark_away(first, act(people.kim), FRIDAY, people.lee)
        second = asyncio.create_task(
            alone(db, lambda session: mark_away(session, act(people.lee), FRIDAY, people.kim))
        )
        await asyncio.wait_for(locked_out(db, 1), PATIENCE_S)
    assert "Kim is away too" in str(await second)
    async with db.transaction() as session:
        lee = await session.get_one(User, people.lee.id)
        assert lee.away_until is None


async def test_whoever_comes_back_and_goes_away_again_at_once_is_away(
    db: Database, people: People
) -> None:
    """What the second click found of Kim, before it waited, is not what it goes by."""
    async with db.transaction() as session:
        await mark_away(session, act(people.kim), FRIDAY, people.lee)
    seen = asyncio.Event()

    async def going(session: AsyncSession) -> None:
        kim = await session.get_one(User, people.kim.id)
        seen.set()
        await mark_away(session, act(kim), FRIDAY, people.sam)

    async with db.transaction() as back:
        assert await mark_back(back, act(people.kim))
        again = asyncio.create_task(alone(db, going))
        await asyncio.wait_for(seen.wait(), PATIENCE_S)
        await asyncio.wait_for(locked_out(db, 1), PATIENCE_S)
    assert await again is None
    async with db.transaction() as session:
        kim = await session.get_one(User, people.kim.id)
        assert (kim.away_until, kim.delegate_id) == (FRIDAY, people.sam.id)


async def test_two_who_add_one_person_at_once_add_her_once_and_are_told_so(db: Database) -> None:
    async def adding(session: AsyncSession) -> User:
        return await add_user(session, "Eve", Role.MANAGER, "UEVE")

    async with db.transaction() as first:
        await adding(first)
        second = asyncio.create_task(alone(db, adding))
        await asyncio.wait_for(locked_out(db, 1), PATIENCE_S)
    assert "Somebody else did the same" in str(await second)


async def test_a_bill_that_somebody_is_at_leaves_the_rest_of_a_list_alone(
    db: Database, people: People
) -> None:
    by = Context(people.ana, NOW, Source.SLACK, BillingSettings(can_mail=True))
    async with db.transaction() as session:
        bills = [await approved(session, people, f"Customer {n}") for n in range(3)]
        shown = await preview_send(session, by, [bill.id for bill in bills])
    assert shown.id is not None
    async with db.transaction() as holder:
        await get_bill(holder, bills[1].id, lock=True)
        async with db.transaction() as session:
            assert await start_send(session, shown.id, by)
        async with db.transaction() as session:
            step = await send_step(session, shown.id, by)
            assert (step.after, step.busy) == (None, (bills[1].id,))
            assert (await send_report(session, shown.id)).sent == 2
    async with db.transaction() as session:
        await end_list(session, shown.id, step.busy)
        report = await send_report(session, shown.id)
        assert [(one.line.id, one.kept) for one in report.kept] == [(bills[1].id, NotSent.BUSY)]
        assert (await send_step(session, shown.id, by)).is_last
        assert (await send_report(session, shown.id)).sent == 3
