"""A month's bills: foreseen, made once, and gone on with where a run stopped."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.void import void_bill
from models.batches.bill_run import BillRun, RunProgress, run_step, start_bill_run
from models.batches.bill_run_preview import preview_run
from models.batches.bill_run_report import BillRunReport, run_report
from models.bills.bill import Bill, bill_of_month
from models.db.database import Database
from models.errors import Invalid, NotFound
from models.period import Period
from models.queries.bill_details import MonthOverage
from models.queries.bill_loader import load_bill_details
from models.settings import BillingSettings
from tests.harness.cast import People
from tests.harness.scene import (
    NOW,
    OCTOBER,
    ZONE,
    act,
    add_customer,
    contents,
    generate,
)

SMALL = BillingSettings(chunk_customers=2)


async def customers(session: AsyncSession, count: int) -> None:
    """Customer 1 is 100 calls over, customer 2 is 200, and so on."""
    for number in range(1, count + 1):
        await add_customer(session, f"Customer {number}", 100_000 + 100 * number)


async def amounts(session: AsyncSession) -> list[str]:
    query = sa.select(Bill.overage_amount).order_by(Bill.customer_id)
    return [str(amount) for amount in await session.scalars(query)]


async def facts_of_run(
    session: AsyncSession, people: People, settings: BillingSettings = SMALL
) -> BillRunReport:
    """A whole run of October, and what it says of itself."""
    run_id = await start_bill_run(session, OCTOBER, act(people.ana), ZONE)
    while not (await run_step(session, run_id, settings, NOW)).ended:
        pass
    return await run_report(session, run_id)


async def test_a_month_run_twice_adds_nothing_and_says_so(
    session: AsyncSession, people: People
) -> None:
    await customers(session, 5)
    first = await facts_of_run(session, people)
    assert (first.added, first.existing, first.customers, first.done) == (5, 0, 5, 5)
    before = await contents(session)
    second = await facts_of_run(session, people)
    assert (second.added, second.existing, second.totals) == (0, 5, ())
    assert (await contents(session))["bills"] == before["bills"]
    assert (await contents(session))["bill_actions"] == before["bill_actions"]
    assert (await contents(session))["messages"] == before["messages"]


async def test_a_later_run_adds_what_has_come_since(session: AsyncSession, people: People) -> None:
    await customers(session, 2)
    await generate(session, act(people.ana))
    await add_customer(session, "Late Ltd", 100_010)
    seen = await preview_run(session, OCTOBER)
    assert (seen.bills, seen.existing) == (1, 2)
    assert await generate(session, act(people.ana)) == 1
    assert await amounts(session) == ["10.00", "20.00", "1.00"]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
async def test_a_run_goes_chunk_by_chunk_to_its_end(
    session: AsyncSession, people: People, count: int
) -> None:
    await customers(session, count)
    run_id = await start_bill_run(session, OCTOBER, act(people.ana), ZONE)
    seen: list[RunProgress] = []
    while not seen or not seen[-1].ended:
        seen.append(await run_step(session, run_id, SMALL, NOW))
    assert [step.done for step in seen] == [min(2 * n, count) for n in range(1, len(seen) + 1)]
    assert {step.customers for step in seen} == {count}
    assert len(await amounts(session)) == count


async def test_a_run_stopped_after_any_chunk_goes_on_there(db: Database, people: People) -> None:
    """Each step in a transaction of its own; one of them is lost, and done again."""
    async with db.transaction() as session:
        await customers(session, 5)
        run_id = await start_bill_run(session, OCTOBER, act(people.ana), ZONE)
    made = []
    for _ in range(3):
        with pytest.raises(ConnectionError):
            async with db.long_transaction() as session:
                await run_step(session, run_id, SMALL, NOW)
                raise ConnectionError
        async with db.long_transaction() as session:
            step = await run_step(session, run_id, SMALL, NOW)
            made.append((await run_report(session, run_id)).added)
    assert (made, step.ended) == ([2, 4, 5], True)
    async with db.transaction() as session:
        assert await amounts(session) == ["10.00", "20.00", "30.00", "40.00", "50.00"]


async def test_a_step_after_the_end_does_nothing(session: AsyncSession, people: People) -> None:
    await customers(session, 3)
    run_id = (await facts_of_run(session, people)).id
    await add_customer(session, "Late Ltd", 100_010)
    before = await contents(session)
    step = await run_step(session, run_id, SMALL, NOW)
    assert (step.ended, await contents(session)) == (True, before)


async def test_a_run_for_one_customer_bills_nobody_else(
    session: AsyncSession, people: People
) -> None:
    await customers(session, 3)
    acme = await add_customer(session, "Acme", 100_010)
    seen = await preview_run(session, OCTOBER, acme.id)
    assert (seen.customer, seen.bills, seen.usages, seen.missing_count) == ("Acme", 1, 1, 0)
    assert await generate(session, act(people.ana), customer_id=acme.id) == 1
    assert await amounts(session) == ["1.00"]
    with pytest.raises(NotFound):
        await preview_run(session, OCTOBER, acme.id + 1)


async def test_a_month_whose_bill_is_void_is_not_billed_again(
    session: AsyncSession, people: People
) -> None:
    acme = await add_customer(session)
    await generate(session, act(people.ana))
    bill = await bill_of_month(session, acme.id, OCTOBER)
    await void_bill(session, bill.id, bill.version, act(people.ana), "Wrong")
    assert (await preview_run(session, OCTOBER)).to_make == 0
    assert await generate(session, act(people.ana)) == 0
    assert await generate(session, act(people.ana), customer_id=acme.id) == 0
    assert len(await amounts(session)) == 1


async def test_an_overage_that_rounds_to_zero_makes_no_bill_and_is_counted(
    session: AsyncSession, people: People
) -> None:
    await add_customer(session, "Crumbs", 100_004, overage_unit_cost=Decimal("0.001"))
    await add_customer(session, "Gratis", 900_000, overage_unit_cost=Decimal(0))
    await add_customer(
        session, "Early", 100_004, overage_unit_cost=Decimal("0.001"), start_date=date(2026, 11, 1)
    )
    await add_customer(session, "A cent", 100_005, overage_unit_cost=Decimal("0.001"))
    seen = await preview_run(session, OCTOBER)
    assert (seen.zero, seen.bills, seen.held) == (3, 1, {})
    assert [(big.customer, big.amount) for big in seen.biggest] == [("A cent", Decimal("0.01"))]
    assert await generate(session, act(people.ana)) == 1
    assert await amounts(session) == ["0.01"]


async def test_missing_usage_is_listed_and_never_taken_for_zero(
    session: AsyncSession, people: People
) -> None:
    await add_customer(session, "Within", 10)
    await add_customer(session, "Zero", 0)
    for name, start, end in (
        ("beta", None, None),
        ("Alpha", date(2026, 10, 31), None),
        ("Gamma", date(2020, 1, 1), date(2026, 10, 1)),
        ("Not yet", date(2026, 11, 1), None),
        ("No more", None, date(2026, 9, 30)),
    ):
        await add_customer(session, name, None, start_date=start, end_date=end)
    seen = await preview_run(session, OCTOBER)
    assert (seen.missing, seen.missing_count) == (("Alpha", "beta", "Gamma"), 3)
    assert (seen.usages, seen.to_make) == (2, 0)
    facts = await facts_of_run(session, people)
    assert (facts.missing, facts.missing_count, facts.added) == (seen.missing, 3, 0)


async def test_of_many_without_usage_ten_are_named_and_all_counted(session: AsyncSession) -> None:
    for number in range(12):
        await add_customer(session, f"Customer {number:02}", None)
    seen = await preview_run(session, OCTOBER)
    assert (len(seen.missing), seen.missing_count) == (10, 12)
    assert seen.missing[0] == "Customer 00"


async def test_the_biggest_five_are_named_largest_first(session: AsyncSession) -> None:
    for number, used in enumerate((3, 7, 1, 6, 2, 5, 4)):
        await add_customer(session, f"Customer {number}", 100_000 + used)
    seen = await preview_run(session, OCTOBER)
    assert [str(big.amount) for big in seen.biggest] == ["0.70", "0.60", "0.50", "0.40", "0.30"]


async def test_currencies_are_never_added_together(session: AsyncSession, people: People) -> None:
    for number, currency in enumerate(("USD", "JPY", "USD", "KWD")):
        await add_customer(session, f"Customer {number}", 100_015, currency=currency)
    totals = (await preview_run(session, OCTOBER)).totals
    assert [(total.currency, total.bills, str(total.amount)) for total in totals] == [
        ("JPY", 1, "2"),
        ("KWD", 1, "1.500"),
        ("USD", 2, "3.00"),
    ]


async def test_a_month_that_is_not_over_is_refused_and_nothing_is_noted(
    session: AsyncSession, people: People
) -> None:
    """On 31 October at noon UTC it is November in Auckland, but not at home."""
    noon = datetime(2026, 10, 31, 12, tzinfo=UTC)
    with pytest.raises(Invalid, match="October 2026 is not over yet"):
        await start_bill_run(session, OCTOBER, act(people.ana, noon), ZONE)
    assert (await session.scalars(sa.select(BillRun.id))).all() == []
    auckland = ZoneInfo("Pacific/Auckland")
    assert await start_bill_run(session, OCTOBER, act(people.ana, noon), auckland)


@pytest.mark.parametrize(("month", "shown"), [("2000-01", 1), ("2000-04", 4), ("2026-10", 6)])
async def test_the_first_months_of_all_are_billed_and_shown_without_any_before_them(
    session: AsyncSession, people: People, month: str, shown: int
) -> None:
    period = Period.parse(month)
    customer = await add_customer(session, period=period)
    await generate(session, act(people.ana), period)
    bill = await bill_of_month(session, customer.id, period)
    (facts,) = await load_bill_details(session, [bill.id])
    assert len(facts.trend) == shown
    assert facts.trend[-1] == MonthOverage(period, 150_000, Decimal("5000.00"), "USD")


HOSTILE = [
    "<!channel>",
    "<https://evil.example|Acme Corp>",
    "*bold* _it_ ~no~ `code` &amp; <>",
    "Robert'); drop table bills; --",
    "100 %s %(name)s :month {0} {{x}} \\1 $1",
    "\u202eproC emcA",
    "Zoë Ünïcode 株式会社 \U0001f4b8",
    "two\nlines\tand a tab",
    "x" * 300,
    "NULL",
    ".",
    '"quoted", and, commas; too',
]


async def test_whatever_a_customer_is_called_it_is_billed_and_told_as_it_is(
    session: AsyncSession, people: People
) -> None:
    for name in HOSTILE:
        await add_customer(session, name, 150_000)
        await add_customer(session, f"{name[:290]} too", None)
    seen = await preview_run(session, OCTOBER)
    assert {big.customer for big in seen.biggest} <= set(HOSTILE)
    assert len(seen.missing) == 10
    assert {name.removesuffix(" too") for name in seen.missing} <= {n[:290] for n in HOSTILE}
    facts = await facts_of_run(session, people)
    assert (facts.added, facts.missing) == (len(HOSTILE), seen.missing)
    alone = await add_customer(session, "<@UKIM> alone", 150_000)
    assert (await preview_run(session, OCTOBER, alone.id)).customer == "<@UKIM> alone"
