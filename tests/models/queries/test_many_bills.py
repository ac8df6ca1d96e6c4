"""With thousands of bills as with ten: what a waiting person asks for reads only what it shows."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.absence import mark_away, mark_back
from models.batches.bill_run import run_step, start_bill_run
from models.batches.bill_run_report import run_report
from models.bills.bill import Bill
from models.bills.month_totals import SPARE_PARTS
from models.bills.states import State
from models.db.database import do_put_off
from models.people.users import User
from models.queries.ageing import ages_of_waiting
from models.queries.bill_list import BillFilter, Page, bills_waiting_for, find_bills, list_bills
from models.queries.month_board import BIGGEST, load_month
from models.queries.months_billed import months_billed
from models.queries.newest import LATEST_ACTIONS, newest_actions
from models.queries.totals import Total
from models.settings import BillingSettings
from tests.harness.cast import People, find_people
from tests.harness.reading import rows_read
from tests.harness.scene import NOW, OCTOBER, ZONE, act
from tests.models.conftest import CUSTOMERS, KIMS

MOST = 50
SHOWN = 21

ASKED: dict[str, Callable[[People], BillFilter]] = {
    "all": lambda _: BillFilter(),
    "pending": lambda _: BillFilter(State.PENDING),
    "sent": lambda _: BillFilter(State.SENT),
    "a month": lambda _: BillFilter(period=OCTOBER),
    "a month's pending": lambda _: BillFilter(State.PENDING, period=OCTOBER),
    "a month's sent": lambda _: BillFilter(State.SENT, period=OCTOBER),
    "a year's sent": lambda _: BillFilter(State.SENT, year=2026),
    "a year without any": lambda _: BillFilter(year=2024),
    "every October": lambda _: BillFilter(month=10),
    "every October's sent": lambda _: BillFilter(State.SENT, month=10),
    "a CSM's without customers": lambda people: BillFilter(csm_id=people.ana.id),
    "the manager's": lambda people: BillFilter(mine_of=people.max),
    "Finance's": lambda people: BillFilter(mine_of=people.ana),
    "nobody's in Sales": lambda people: BillFilter(mine_of=people.sam),
}


@pytest.fixture
def session(company: AsyncSession) -> AsyncSession:
    return company


@pytest.fixture
async def people(company: AsyncSession) -> People:
    return await find_people(company)


async def test_what_waits_for_whole_roles_is_counted_however_much_it_is(
    session: AsyncSession, people: People
) -> None:
    for wanted in (BillFilter(mine_of=people.max), BillFilter(), BillFilter(State.PENDING)):
        page = await find_bills(session, wanted, most=MOST)
        told = (page.count, page.is_counted, sum(one.bills for one in page.totals))
        assert told == (2 * CUSTOMERS, True, 2 * CUSTOMERS)
    assert (await bills_waiting_for(session, people.max)).count == 2 * CUSTOMERS


@pytest.mark.parametrize("asked", ASKED)
async def test_a_list_reads_no_more_than_it_shows_and_counts(
    session: AsyncSession, people: People, asked: str
) -> None:
    read = await rows_read(session, lambda: find_bills(session, ASKED[asked](people), most=MOST))
    assert read["bills"] <= 2 * (MOST + 1 + SHOWN), read
    assert read["customers"] <= 2 * SHOWN, read


async def test_a_year_reads_no_more_than_its_months_one_by_one(session: AsyncSession) -> None:
    wanted, months = BillFilter(year=2026), 2
    read = await rows_read(session, lambda: find_bills(session, wanted, most=MOST))
    assert read["bills"] <= months * 2 * (MOST + 1 + SHOWN), read


async def test_the_bills_of_a_year_or_of_a_month_of_each_follow_on_one_another(
    session: AsyncSession,
) -> None:
    """Page by page they are those of their months, the oldest first."""
    for wanted, months in (
        (BillFilter(State.PENDING, year=2026), (9, 10)),
        (BillFilter(State.PENDING, month=10), (10,)),
        (BillFilter(State.PENDING, year=2025), ()),
        (BillFilter(State.PENDING, month=1), ()),
    ):
        found: list[Bill] = []
        page = await list_bills(session, wanted, after=None, limit=700)
        found += [one.bill for one in page.bills]
        while page.after:
            page = await list_bills(session, wanted, after=page.after, limit=700)
            found += [one.bill for one in page.bills]
        expected = sa.select(Bill).where(Bill.year == 2026, Bill.month.in_(months))
        assert found == list(await session.scalars(expected.order_by(Bill.created_at, Bill.id)))


@pytest.mark.parametrize("state", [None, State.PENDING, State.SENT])
async def test_the_bills_of_a_csm_are_found_by_their_customers(
    session: AsyncSession, people: People, state: State | None
) -> None:
    kims = BillFilter(state, csm_id=people.kim.id)
    for ask in (
        lambda: find_bills(session, kims, most=MOST),
        lambda: ages_of_waiting(session, kims, NOW, most=MOST),
    ):
        read = await rows_read(session, ask)
        assert read["bills"] <= 10 * KIMS, read


@pytest.mark.parametrize(("state", "year"), [(None, None), (State.PENDING, None), (None, 2026)])
async def test_of_a_csm_with_very_many_customers_a_list_reads_the_oldest_of_each_and_what_it_shows(
    session: AsyncSession, people: People, state: State | None, year: int | None
) -> None:
    await session.execute(_HAND_OVER, {"kim": people.kim.id, "theirs": THEIRS})
    kims = BillFilter(state, csm_id=people.kim.id, year=year)
    read = await rows_read(session, lambda: find_bills(session, kims, most=MOST))
    assert read["bills"] <= THEIRS + 2 * (MOST + 1) + 4 * SHOWN, read
    read = await rows_read(session, lambda: ages_of_waiting(session, kims, NOW, most=MOST))
    assert read["bills"] <= 2 * (MOST + 1), read


async def test_the_bills_of_a_csm_follow_on_one_another_and_are_counted_whole(
    session: AsyncSession, people: People
) -> None:
    """Whatever state they are in, page by page: what waits first, the oldest first."""
    some = sa.select(Bill.id).where(Bill.customer_id.in_(_named(people.kim)))
    for bill_id in (await session.scalars(some.order_by(Bill.id.desc()).limit(5))).all():
        await session.execute(_REJECT, {"bill_id": bill_id})
    kims = BillFilter(csm_id=people.kim.id)
    seen, after = list[int](), None
    while after is not None or not seen:
        page = await find_bills(session, kims, after=after, limit=SHOWN)
        assert (page.count, page.left_out, page.is_counted) == (2 * KIMS, 5, True)
        seen += [line.id for line in page.lines]
        after = page.after
    waits = sa.case((Bill.status == "pending", 0), else_=1)
    ordered = some.order_by(waits, Bill.created_at, Bill.id)
    assert seen == list(await session.scalars(ordered))
    for most, is_counted in ((2 * KIMS - 1, False), (2 * KIMS, True)):
        page = await find_bills(session, kims, most=most)
        assert (page.count, page.is_counted) == (most, is_counted)
        assert bool(page.totals) is is_counted


@pytest.mark.parametrize("state", [None, State.PENDING])
async def test_of_very_many_bills_a_whole_month_is_counted_without_reading_all(
    session: AsyncSession, people: People, state: State | None
) -> None:
    october = BillFilter(state, period=OCTOBER)
    read = await rows_read(session, lambda: find_bills(session, october, most=MOST))
    assert read["bills"] <= 3 * (MOST + 1) + 4 * SHOWN, read
    whole = await find_bills(session, october, most=100 * CUSTOMERS)
    told = await find_bills(session, october, most=MOST)
    assert told == whole and told.is_counted
    of_kim = BillFilter(state, csm_id=people.kim.id, period=OCTOBER)
    assert not (await find_bills(session, of_kim, most=0)).is_counted


@pytest.mark.parametrize("asked", ASKED)
async def test_ages_are_told_of_no_more_than_is_counted(
    session: AsyncSession, people: People, asked: str
) -> None:
    read = await rows_read(
        session, lambda: ages_of_waiting(session, ASKED[asked](people), NOW, most=MOST)
    )
    assert read["bills"] <= 2 * (MOST + 1), read


async def test_ages_of_more_than_are_counted_are_not_told(
    session: AsyncSession, people: People
) -> None:
    waiting = BillFilter(State.PENDING)
    whole = (await find_bills(session, waiting, most=100 * CUSTOMERS)).count
    told = await ages_of_waiting(session, waiting, NOW, most=whole)
    assert sum(age.bills for age in told) == whole
    assert await ages_of_waiting(session, waiting, NOW, most=whole - 1) == ()


async def test_a_month_and_the_year_before_it_are_told_without_reading_their_bills(
    session: AsyncSession,
) -> None:
    """Whatever was done since: the sums are those of all bills, and few bills are looked at."""
    some = sa.select(Bill.id).where(Bill.month == 10).order_by(Bill.id).limit(KIMS)
    for bill_id in (await session.scalars(some)).all():
        await session.execute(_REJECT, {"bill_id": bill_id})
    await session.execute(sa.text("set constraints all immediate"))
    board = await load_month(session, OCTOBER, NOW + timedelta(days=4))
    counts = {one.state: one.bills for one in board.states if one.bills}
    assert counts == {State.PENDING: CUSTOMERS - KIMS, State.REJECTED: KIMS}
    assert board.standing == (Total("USD", CUSTOMERS - KIMS, (CUSTOMERS - KIMS) * Decimal(100)),)
    assert [age.bills for age in board.ages] == [0, CUSTOMERS - KIMS, 0, 0]
    [dollars] = (await months_billed(session, OCTOBER)).currencies
    assert dollars.amounts[-2:] == (CUSTOMERS * Decimal(100), board.standing[0].amount)
    for ask in (
        lambda: load_month(session, OCTOBER, NOW),
        lambda: months_billed(session, OCTOBER),
    ):
        read = await rows_read(session, ask)
        assert read["bills"] <= 2 * BIGGEST, read
        assert read["month_totals"] <= 2 * (SPARE_PARTS + 2 * KIMS), read


THEIRS = 600
_HAND_OVER = sa.text("""
update customers set csm_id = :kim
where id in (select id from customers order by csm_id = :kim desc, id limit :theirs)
""")

# The record is of no matter to what is added up.
_REJECT = sa.text("""
with moved as (
    update bills set status = 'rejected', version = version + 1 where id = :bill_id returning *)
insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, snapshot)
select id, version, (select min(id) from users), 'reject', 'cli', '{}' from moved
""")


async def test_that_more_was_done_is_found_by_the_latest_actions_alone(
    session: AsyncSession,
) -> None:
    first = await session.scalar(sa.select(sa.func.min(Bill.id)))
    for bill_id in (None, first):
        read = await rows_read(session, lambda asked=bill_id: newest_actions(session, asked))
        assert sum(read.values()) <= 2 * LATEST_ACTIONS, read


async def test_what_waits_for_somebody_is_found_by_who_names_them(
    session: AsyncSession, people: People
) -> None:
    found: list[Page] = []

    async def ask() -> None:
        found.append(await bills_waiting_for(session, people.kim))

    read = await rows_read(session, ask)
    assert found[0].count == 2 * KIMS
    assert read["bills"] <= 10 * KIMS, read
    assert read["customers"] <= 20 * KIMS, read


async def test_of_more_bills_than_are_counted_there_are_more_and_no_totals(
    session: AsyncSession, people: People
) -> None:
    """Of those that wait for one CSM, of each of which it is asked whose word it needs."""
    kims = BillFilter(mine_of=people.kim)
    for most, is_counted in ((2 * KIMS - 1, False), (2 * KIMS, True)):
        page = await find_bills(session, kims, most=most)
        assert (page.count, page.is_counted) == (most, is_counted)
        assert bool(page.totals) is is_counted


async def test_pages_tell_of_every_bill_once_in_their_order(
    session: AsyncSession, people: People
) -> None:
    ordered = sa.select(Bill.id).order_by(Bill.created_at, Bill.id)
    for user, most in ((people.max, CUSTOMERS * 2), (people.kim, 2 * KIMS)):
        seen, after = list[int](), None
        while after is not None or not seen:
            page = await find_bills(session, BillFilter(mine_of=user), after=after, limit=most // 3)
            seen += [line.id for line in page.lines]
            after = page.after
        mine = ordered.where(Bill.customer_id.in_(_named(user))) if user is people.kim else ordered
        assert seen == list(await session.scalars(mine))


async def test_going_away_and_coming_back_look_at_no_bill(
    session: AsyncSession, people: People
) -> None:
    """What that means for bills is looked at by a job."""

    async def leave_and_return() -> None:
        await mark_away(session, act(people.kim), date(2026, 12, 24), people.lee)
        await mark_back(session, act(people.kim))

    read = await rows_read(session, leave_and_return)
    assert (read["bills"], read["customers"], read["messages"]) == (0, 0, 0)
    await do_put_off(session)
    jobs = "select count(*) from procrastinate_jobs where task_name = 'reroute'"
    assert await session.scalar(sa.text(jobs)) == 1


async def test_a_run_that_goes_on_tells_how_far_it_is_without_looking_at_its_bills(
    session: AsyncSession, people: People
) -> None:
    run_id = await start_bill_run(session, OCTOBER, act(people.ana), ZONE)
    step = await run_step(session, run_id, BillingSettings(chunk_customers=1_000), NOW)
    read = await rows_read(session, lambda: run_report(session, run_id))
    assert not step.ended
    assert (read["bills"], read["bill_actions"], read["usages"]) == (0, 0, 0)
    assert (await run_report(session, run_id)).done == 1_000


def _named(user: User) -> sa.TextClause:
    return sa.text(f"select id from customers where csm_id = {user.id}")
