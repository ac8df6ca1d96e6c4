"""From when a change of terms holds, and which months it never moves."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill
from models.actions.recalculate import recalculate
from models.actions.send import mark_send_failed, send_bill
from models.actions.void import reissue_bill, void_bill
from models.bills.bill import Bill, get_bill
from models.context import Context
from models.customers.customers import Customer
from models.customers.terms import show_terms_of_today, terms_history, terms_in_force
from models.db.columns import MOST_CALLS
from models.db.database import Database
from models.db.locks import lock_for_import
from models.errors import Busy, Invalid, NotAllowed, NotFound
from models.imports.files import import_customers
from models.period import Period
from models.settings import BillingSettings
from tests.billed import write_bill
from tests.harness.billing import drawn
from tests.harness.cast import People
from tests.harness.files import HEADERS
from tests.harness.issuing import issue_bill
from tests.harness.scene import NOW, OCTOBER, act, add_customer, bill_for, prove
from tests.harness.terms import change_terms
from tests.harness.waiting import PATIENCE_S

pytestmark = pytest.mark.long

TODAY = Period.of(NOW.date())
PRICE = Decimal("0.10")
LONG_AGO = "2000-01"


def months(*texts: str) -> list[Period]:
    return [Period.parse(text) for text in texts]


@dataclass(frozen=True)
class Moved:
    """A customer with a limit of 100 from `first` on, changed on 2 November 2026.

    `changes` are the month given, if any, and the limit wanted; `history` what is kept of them.
    """

    changes: tuple[tuple[str | None, int], ...]
    history: tuple[tuple[str, int], ...]
    shown: int
    first: str = LONG_AGO
    billed: tuple[str, ...] = ()


MOVED = [
    Moved(((None, 120),), ((LONG_AGO, 100), ("2026-11", 120)), 120),
    # What is in force already is not written again, and a month has one row.
    Moved(((None, 100),), ((LONG_AGO, 100),), 100),
    Moved(((None, 120), (None, 120), (None, 130)), ((LONG_AGO, 100), ("2026-11", 130)), 130),
    Moved(((LONG_AGO, 120),), ((LONG_AGO, 120),), 120),
    # The first month after the last one billed, if that is later.
    Moved(((None, 120),), ((LONG_AGO, 100), ("2026-11", 120)), 120, billed=("2026-08", "2026-10")),
    Moved(((None, 120),), ((LONG_AGO, 100), ("2026-12", 120)), 100, billed=("2026-11", "2026-03")),
    Moved((("2026-11", 120),), ((LONG_AGO, 100), ("2026-11", 120)), 120, billed=("2026-10",)),
    # A month given, in the past or the future; terms that are planned stay planned.
    Moved((("2026-02", 120),), ((LONG_AGO, 100), ("2026-02", 120)), 120),
    Moved((("2027-03", 120),), ((LONG_AGO, 100), ("2027-03", 120)), 100),
    Moved(
        (("2027-03", 120), (None, 110)),
        ((LONG_AGO, 100), ("2026-11", 110), ("2027-03", 120)),
        110,
    ),
    Moved(
        (("2026-05", 120), ("2026-02", 110), ("2026-05", 110)),
        ((LONG_AGO, 100), ("2026-02", 110), ("2026-05", 110)),
        110,
    ),
    # Before the first terms: from that month until they begin, and in all months before it too,
    # but for those that are billed.
    Moved((("2026-02", 120),), (("2026-02", 120), ("2026-06", 100)), 100, "2026-06"),
    Moved(
        (("2026-04", 120),),
        (("2026-02", 100), ("2026-04", 120), ("2026-06", 100)),
        *(100, "2026-06", ("2026-01", "2026-02")),
    ),
    Moved((("2026-06", 120),), (("2026-02", 100), ("2026-06", 120)), 120, "2026-06", ("2026-02",)),
    Moved((("2026-07", 120),), (("2026-06", 100), ("2026-07", 120)), 120, "2026-06", ("2026-02",)),
    # First terms that are still ahead hold today as well, so they are what is changed.
    Moved(((None, 120),), (("2027-03", 120),), 120, "2027-03"),
    Moved(((None, 120),), (("2026-08", 100), ("2027-03", 120)), 100, "2027-03", ("2026-08",)),
]


async def in_force(session: AsyncSession, customer: Customer, period: Period) -> int:
    query = sa.text("select monthly_api_limit from terms_in_force(:id, :day)")
    limit = await session.scalar(query, {"id": customer.id, "day": period.first_day})
    assert isinstance(limit, int)
    return limit


async def customer_of(session: AsyncSession, name: str, one: Moved) -> Customer:
    customer = await add_customer(
        session,
        name,
        None,
        monthly_api_limit=100,
        start_date=None if one.first == LONG_AGO else Period.parse(one.first).first_day,
    )
    for month in one.billed:
        await write_bill(session, customer.id, Period.parse(month), f"{name} {month}")
    return customer


async def test_a_change_holds_from_its_month_on_and_moves_no_month_that_is_billed(
    session: AsyncSession, people: People
) -> None:
    for number, one in enumerate(MOVED):
        customer = await customer_of(session, f"Customer {number}", one)
        for month, limit in one.changes:
            asked = Period.parse(month) if month else None
            await change_terms(session, customer.id, act(people.ana), limit, PRICE, asked)
        kept = await terms_history(session, customer.id)
        told = tuple((str(Period.of(row.valid_from)), row.monthly_api_limit) for row in kept)
        assert (told, customer.monthly_api_limit) == (one.history, one.shown), one
        for period in months(*one.billed, "2001-01"):
            assert await in_force(session, customer, period) == (
                terms_in_force(kept, period).monthly_api_limit
            )
        for period in months(*one.billed):
            assert await in_force(session, customer, period) == 100


drawn_months = st.integers(0, 14).map(Period(2026, 3).plus)
drawn_changes = st.lists(st.tuples(st.none() | drawn_months, st.integers(0, 4)), max_size=6)
drawn_customers = st.tuples(drawn_months, st.sets(drawn_months, max_size=3), drawn_changes)


@given(st.lists(drawn_customers, min_size=1, max_size=5))
@settings(deadline=None, max_examples=20, suppress_health_check=[*HealthCheck])
async def test_whatever_is_changed_billed_months_stay_and_the_others_take_it(
    session: AsyncSession,
    people: People,
    drawn: list[tuple[Period, set[Period], list[tuple[Period | None, int]]]],
) -> None:
    async with session.begin_nested() as attempt:
        for number, (first, billed, changes) in enumerate(drawn):
            one = Moved((), (), 0, str(first), tuple(map(str, billed)))
            customer = await customer_of(session, f"Customer {number}", one)
            last = max(billed, default=Period(2000, 1))
            for asked, limit in changes:
                changing = change_terms(session, customer.id, act(people.ana), limit, None, asked)
                if asked and asked <= last:
                    with pytest.raises(Invalid, match="can change from"):
                        await changing
                    continue
                begun = Period.of((await terms_history(session, customer.id))[0].valid_from)
                held = asked or max(TODAY, last.plus(1), begun)
                await changing
                assert await in_force(session, customer, held) == limit
                assert customer.monthly_api_limit == await in_force(session, customer, TODAY)
            for period in billed:
                assert await in_force(session, customer, period) == 100
        await attempt.rollback()


async def test_a_price_can_be_taken_away_and_the_same_price_is_no_change(
    session: AsyncSession, people: People
) -> None:
    customer = await add_customer(session, used=None)
    by = act(people.ana)
    await change_terms(session, customer.id, by, 100_000, Decimal("0.1000"))
    assert len(await terms_history(session, customer.id)) == 1
    await change_terms(session, customer.id, by, 100_000, None)
    made = (await terms_history(session, customer.id))[-1]
    assert (made.valid_from, made.overage_unit_cost) == (date(2026, 11, 1), None)
    assert customer.overage_unit_cost is None


async def test_the_current_month_is_the_companys_own(session: AsyncSession, people: People) -> None:
    customer = await add_customer(session, used=None)
    late = NOW.replace(month=10, day=31, hour=23)
    in_tokyo = Context(
        people.ana, late, act(people.ana).source, BillingSettings(zone=ZoneInfo("Asia/Tokyo"))
    )
    await change_terms(session, customer.id, in_tokyo, 7, PRICE)
    assert (await terms_history(session, customer.id))[-1].valid_from == date(2026, 11, 1)


WRITTEN = sa.text("""
select xmin::text, ctid::text from customer_terms
union all select xmin::text, ctid::text from customers order by 1, 2
""")
REFUSED = [
    ((-1, PRICE, None), "monthly_api_limit", "is negative"),
    ((MOST_CALLS + 1, PRICE, None), "monthly_api_limit", "is too big"),
    ((1, Decimal("-0.01"), None), "overage_unit_cost", "is negative"),
    ((1, Decimal("NaN"), None), "overage_unit_cost", "is not a"),
    ((1, Decimal("Infinity"), None), "overage_unit_cost", "is not a"),
    ((1, Decimal("0.12345678901"), None), "overage_unit_cost", "more than 10 decimals"),
    ((1, Decimal("1e15"), None), "overage_unit_cost", "15"),
    ((1, PRICE, "2026-08"), "valid_from", "2026-08 has its number.*from 2026-09 on"),
    ((1, PRICE, "2019-01"), "valid_from", "2026-08 has its number.*from 2026-09 on"),
]


async def test_what_cannot_be_is_refused_and_writes_nothing(db: Database, people: People) -> None:
    async with db.transaction() as session:
        customer = await add_customer(session, used=None)
        await write_bill(session, customer.id, Period(2026, 8), "2026-000001")
    async with db.transaction() as session:
        before = (await session.execute(WRITTEN)).all()
        for (limit, price, month), field, words in REFUSED:
            asked = Period.parse(month) if month else None
            with pytest.raises(Invalid, match=words) as refused:
                await change_terms(session, customer.id, act(people.ana), limit, price, asked)
            assert refused.value.field == field
        for user in (people.kim, people.sam, people.max):
            with pytest.raises(NotAllowed):
                await change_terms(session, customer.id, act(user), 1, PRICE)
        with pytest.raises(NotFound):
            await change_terms(session, customer.id + 1, act(people.ana), 1, PRICE)
        assert (await session.execute(WRITTEN)).all() == before


async def test_terms_that_come_into_force_are_shown_from_their_day_on(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        waiting, other = [await add_customer(session, name, None) for name in ("Waiting", "Other")]
        for customer in (waiting, other):
            await change_terms(session, customer.id, act(people.ana), 7, PRICE, Period(2026, 12))
        assert await show_terms_of_today(session, date(2026, 11, 30)) == 0
    async with db.transaction() as editor, db.transaction() as session:
        await editor.execute(sa.text("select from customers where name = 'Other' for update"))
        assert await show_terms_of_today(session, date(2026, 12, 1)) == 1
    async with db.transaction() as session:
        shown = sa.select(Customer.name, Customer.monthly_api_limit).order_by(Customer.name)
        assert (await session.execute(shown)).all() == [("Other", 100_000), ("Waiting", 7)]
        assert await show_terms_of_today(session, date(2026, 12, 1)) == 1
        assert await show_terms_of_today(session, date(2026, 12, 1)) == 0


async def blocked(session: AsyncSession) -> None:
    """Until somebody in this database waits for a lock."""
    query = sa.text(
        "select count(*) from pg_stat_activity"
        " where wait_event_type = 'Lock' and datname = current_database()"
    )
    async with asyncio.timeout(PATIENCE_S):
        while not await session.scalar(query):
            # Connections are looked up once a transaction, unless that is forgotten.
            await session.execute(sa.text("select pg_stat_clear_snapshot()"))


async def change_one(session: AsyncSession, people: People, customer_id: int) -> None:
    await change_terms(session, customer_id, act(people.ana), 7, None)


async def import_file(session: AsyncSession, people: People, _: int) -> None:
    file = f"{HEADERS['customers']}\nAcme Corp,,,,,USD,7,,,,,"
    await import_customers(session, BytesIO(file.encode()), people.ana, NOW)


@pytest.mark.parametrize("way", [change_one, import_file])
async def test_a_month_that_gets_its_number_meanwhile_keeps_its_terms(
    db: Database, people: People, way: Callable[[AsyncSession, People, int], Awaitable[None]]
) -> None:
    async with db.transaction() as session:
        customer = await add_customer(session, used=None)

    async def change() -> None:
        async with db.long_transaction() as session:
            await way(session, people, customer.id)

    async with db.transaction() as issuing:
        await issuing.execute(sa.text("select from customers for share"))
        changing = asyncio.create_task(change())
        async with db.transaction() as onlooker:
            await blocked(onlooker)
        await write_bill(issuing, customer.id, Period(2026, 11), "2026-000001")
    await changing
    async with db.transaction() as session:
        rows = await terms_history(session, customer.id)
    assert [(row.valid_from, row.monthly_api_limit) for row in rows] == [
        (date(2000, 1, 1), 100_000),
        (date(2026, 12, 1), 7),
    ]


async def test_a_change_waits_for_an_import_and_is_never_in_its_way(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        customer = await add_customer(session, used=None)
    async with db.transaction() as importing:
        await lock_for_import(importing, "customers")
        async with db.transaction() as session:
            await session.execute(sa.text("set local lock_timeout = '50ms'"))
            with pytest.raises(Busy):
                await change_terms(session, customer.id, act(people.ana), 7, PRICE)
            await importing.execute(sa.text("select from customers for no key update nowait"))
            await session.rollback()


async def test_a_month_freezes_with_its_number_and_is_free_again_once_it_is_void(
    session: AsyncSession, people: People
) -> None:
    """By the verbs themselves, through a failed delivery, a voiding, and billing it again."""
    by, soon = act(people.ana), act(people.ana, NOW + timedelta(minutes=6))
    bill = await bill_for(session, by, billing_email="ap@acme.example")

    async def change(limit: int) -> Bill:
        await change_terms(session, bill.customer_id, soon, limit, PRICE, OCTOBER)
        await recalculate(session, soon)
        return await get_bill(session, bill.id)

    assert (await change(120_000)).overage_units == 30_000
    await approve_bill(session, bill.id, 2, act(people.kim))
    await send_bill(session, bill.id, 3, by)
    assert await issue_bill(session, bill.id, soon, drawn)
    await mark_send_failed(session, bill.id, act(people.system), "No such mailbox")
    with pytest.raises(Invalid, match=r"2026-10 has its number.* from 2026-11 on"):
        await change(110_000)
    await void_bill(session, bill.id, 6, by, "Wrong limit")
    assert (await change(110_000)).status == "void"
    again = await reissue_bill(session, bill.id, 7, by, "Right limit")
    assert (await get_bill(session, again)).overage_units == 40_000
    await prove(session, bill.id)
    await prove(session, again)
