"""The totals of a list are of what stands; whoever asks for one state alone gets all of it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.slack.blocks.home import home_view
from handlers.wording.bill_text import listed
from models.actions.approve import approve_bill, reject_bill
from models.actions.void import void_bill
from models.bills.bill import Bill
from models.bills.states import RejectReason, State
from models.outbox.homes import HomePlace
from models.queries.ageing import ages_of_waiting
from models.queries.bill_list import BillFilter, Page, find_bills
from models.queries.home import load_home
from models.queries.month_board import load_month
from models.queries.months_billed import months_billed
from models.queries.totals import Total
from tests.harness.billing import approved, bills_of, correct_usage, go_out, later
from tests.harness.cast import People
from tests.harness.scene import OCTOBER, ZONE, act, add_customer, bill_for, generate
from tests.harness.slack_people import NOW
from tests.views.samples import shown


async def of_month(session: AsyncSession, status: State | None = None) -> Page:
    """Counted one by one, which has to be what the sums tell that are kept of a month."""
    wanted = BillFilter(status, period=OCTOBER)
    page = await find_bills(session, wanted)
    for when in ("immediate", "deferred"):
        await session.execute(sa.text(f"set constraints all {when}"))
    assert await find_bills(session, wanted, most=0) == page
    if status is None:
        board, billed = (
            await load_month(session, OCTOBER, NOW),
            await months_billed(session, OCTOBER),
        )
        assert (board.generated, board.standing) == (page.count, page.totals)
        newest = [
            Total(one.currency, 0, one.amounts[-1] or Decimal(0)) for one in billed.currencies
        ]
        assert newest == [replace(one, bills=0) for one in page.totals]
    ages = await ages_of_waiting(session, wanted, NOW)
    assert await ages_of_waiting(session, wanted, NOW, most=0) == ages
    return page


async def rejected(session: AsyncSession, people: People, name: str) -> Bill:
    bill = await bill_for(session, act(people.ana), name)
    await reject_bill(session, bill.id, 1, act(people.kim), RejectReason.OTHER, "Not so")
    return bill


async def test_void_and_rejected_bills_are_listed_and_not_counted(
    session: AsyncSession, people: People
) -> None:
    await bill_for(session, act(people.ana))
    await rejected(session, people, "Beta")
    gone = await bill_for(session, act(people.ana), "Gamma")
    await void_bill(session, gone.id, 1, act(people.ana), "Not so")
    page = await of_month(session)
    assert (page.count, page.left_out) == (3, 2)
    assert page.totals == (Total("USD", 1, Decimal(5000)),)
    assert listed(page) == (
        "3 bills, $5,000.00; 2 of them are not in that sum: void, rejected, or the correction of a"
        " void one"
    )


async def test_finance_reads_on_home_how_long_bills_of_all_months_have_waited(
    session: AsyncSession, people: People
) -> None:
    """October's bill is a day old, and one of August has waited since it was made 58 days ago."""
    august = OCTOBER.plus(-2)
    old = replace(act(people.ana), now=NOW - timedelta(days=58))
    await add_customer(session, "Old Ltd", period=august)
    assert await generate(session, old, august) == 1
    await session.execute(sa.text("set constraints all immediate"))
    home = await load_home(session, people.ana, HomePlace(), NOW, ZONE)
    assert home.all_waiting and home.all_waiting.month == august
    assert "1 for over 14 days; all of August 2026." in shown(home_view(home)["blocks"])

    await session.execute(sa.text("set constraints all deferred"))
    await bill_for(session, act(people.ana))
    await session.execute(sa.text("set constraints all immediate"))
    home = await load_home(session, people.ana, HomePlace(), NOW, ZONE)
    told = "1 for under 3 days and 1 for over 14 days; of several months."
    assert told in shown(home_view(home)["blocks"])


async def test_of_a_month_made_void_after_it_went_out_nothing_is_counted(
    session: AsyncSession, people: People
) -> None:
    """Neither the void bill, nor what was billed beside it, nor the credit that takes all back."""
    bill = await approved(session, people)
    await go_out(session, people, bill)
    by = later(act(people.ana), hours=1)
    (extra_id,) = (await correct_usage(session, by, bill.customer_id, 160_000)).proposed
    await approve_bill(session, extra_id, 1, act(people.kim))
    extra = (await bills_of(session, bill.customer_id))[-1]
    await go_out(session, people, extra)
    assert (await of_month(session)).totals == (Total("USD", 2, Decimal(6000)),)
    await void_bill(session, bill.id, bill.version, act(people.ana), "All wrong")
    page = await of_month(session)
    assert (page.count, page.left_out, page.totals) == (3, 3, ())


async def test_of_an_adjustment_made_void_only_that_and_its_credit_are_left_out(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    await go_out(session, people, bill)
    by = later(act(people.ana), hours=1)
    (extra_id,) = (await correct_usage(session, by, bill.customer_id, 160_000)).proposed
    await approve_bill(session, extra_id, 1, act(people.kim))
    extra = (await bills_of(session, bill.customer_id))[-1]
    await go_out(session, people, extra)
    await void_bill(session, extra.id, extra.version, act(people.ana), "Not so")
    page = await of_month(session)
    assert (page.count, page.left_out) == (3, 2)
    assert page.totals == (Total("USD", 1, Decimal(5000)),)


async def test_a_list_of_one_state_counts_all_that_it_shows(
    session: AsyncSession, people: People
) -> None:
    await rejected(session, people, "Beta")
    page = await of_month(session, State.REJECTED)
    assert (page.left_out, page.totals) == (0, (Total("USD", 1, Decimal(5000)),))
