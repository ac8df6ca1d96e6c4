"""Contract dates have a history: what has gone out keeps the contract that it was billed under."""

from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill
from models.actions.hold import release_bill
from models.actions.recalculate import recalculate
from models.actions.send import send_bill
from models.actions.void import reissue_bill
from models.batches.bill_run_preview import preview_run
from models.bills.bill import bill_of_month, get_bill
from models.bills.states import HoldReason, State, Verb
from models.context import Context
from models.customers.customers import Customer
from models.db.database import do_put_off
from models.errors import Invalid
from models.imports.files import import_customers
from models.outbox.notifications import Recalculation
from models.period import Period
from tests.harness.billing import (
    DELAY,
    MAIL,
    approved,
    bills_of,
    clock,
    correct_usage,
    drawn,
    go_out,
    last_action,
    later,
    void,
)
from tests.harness.cast import People
from tests.harness.issuing import issue_bill
from tests.harness.scene import (
    NOW,
    OCTOBER,
    act,
    add_customer,
    bill_for,
    generate,
    prove,
    record_usage,
    standing_approvals,
)

SEPTEMBER, NOVEMBER, DECEMBER = OCTOBER.plus(-1), OCTOBER.plus(1), OCTOBER.plus(2)
ENDING: dict[str, Any] = {"limit_proration": "daily", "end_date": date(2026, 10, 31)}
SMALL: dict[str, Any] = {"auto_approve_below": Decimal(20_000)}
"""October's 5,000.00 are approved by it at once."""
HEAD = (
    "name,csm,sales,billing_address,billing_email,currency,monthly_api_limit,overage_unit_cost,"
    "start_date,end_date,require_csm_approval,require_sales_approval\n"
)


async def import_dates(
    session: AsyncSession, by: Context, start: str, end: str, name: str = "Acme Corp"
) -> Recalculation:
    """What `countersign import customers` does with a row that has these dates."""
    row = f"{name},,,,billing@acme.example,USD,100000,0.10,{start},{end},no,no\n"
    await import_customers(session, BytesIO((HEAD + row).encode()), by.user, by.now)
    return await recalculate(session, by)


async def overage(session: AsyncSession, customer_id: int, period: Period) -> tuple[int, int]:
    """The limit of a month, and its days in contract."""
    query = sa.text("select monthly_api_limit, active_days from month_terms(:id, :year, :month)")
    values = {"id": customer_id, "year": period.year, "month": period.month}
    limit, days = (await session.execute(query, values)).one()
    return limit, days


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-12-01", "2027-11-30"),
        ("", "2025-10-31"),
        ("2026-10-20", "2027-10-19"),
        ("", "2026-10-15"),
    ],
)
@pytest.mark.parametrize("proration", ["daily", "full"])
async def test_new_dates_move_nothing_of_a_month_that_has_gone_out_and_finance_hears_of_it(
    session: AsyncSession, people: People, start: str, end: str, proration: str
) -> None:
    bill = await bill_for(
        session, act(people.ana), **(MAIL | ENDING | SMALL | {"limit_proration": proration})
    )
    await go_out(session, people, bill)
    done = await import_dates(session, later(act(people.ana), hours=1), start, end)
    covered = start == "2026-12-01"
    assert done == Recalculation(kept=() if covered else (bill.id,))
    assert [one.id for one in await bills_of(session, bill.customer_id)] == [bill.id]
    assert await recalculate(session, later(act(people.ana), hours=2)) == Recalculation()
    await do_put_off(session)
    told = await session.scalars(
        sa.text("select distinct facts ->> 'kept' from messages where kind = 'settled'")
    )
    assert told.all() == ([] if covered else [f'{{"bills": [{bill.id}], "count": 1}}'])


async def test_late_calls_after_a_renewal_are_billed_under_the_contract_of_their_month(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), **(MAIL | ENDING | SMALL))
    await go_out(session, people, bill)
    await import_dates(session, later(act(people.ana), hours=1), "2026-12-01", "2027-11-30")
    by = later(act(people.ana), hours=2)
    (late,) = (await correct_usage(session, by, bill.customer_id, 160_000)).proposed
    extra = await get_bill(session, late)
    assert (extra.monthly_api_limit, extra.overage_amount) == (100_000, Decimal("1000.00"))
    assert extra.status == State.APPROVED
    await prove(session, late)


async def test_a_contract_that_is_followed_by_another_still_covers_its_own_months(
    session: AsyncSession, people: People
) -> None:
    """October waits for approval when the customer renews after a gap: it is in contract still."""
    bill = await approved(session, people, **ENDING)
    by = act(people.ana)
    assert await import_dates(session, by, "2026-12-01", "2027-11-30") == Recalculation()
    assert await overage(session, bill.customer_id, NOVEMBER) == (0, 0)
    assert await overage(session, bill.customer_id, DECEMBER) == (100_000, 31)
    await go_out(session, people, bill)
    customer = await session.get_one(Customer, bill.customer_id)
    await record_usage(session, customer, NOVEMBER, 5)
    await generate(session, later(by, days=30), NOVEMBER)
    gap = await bill_of_month(session, customer.id, NOVEMBER)
    assert (gap.status, gap.hold_reason) == (State.HELD, HoldReason.OUTSIDE_CONTRACT)


async def test_days_of_two_contracts_in_one_month_count_together(
    session: AsyncSession, people: People
) -> None:
    customer = await add_customer(session, limit_proration="daily", end_date=date(2026, 10, 10))
    by = act(people.ana)
    for start, end, days, before in (
        ("2026-10-20", "2026-12-31", 22, 30),
        ("2026-10-22", "2026-12-31", 20, 30),
        ("2026-10-10", "2026-12-31", 31, 30),
        ("2027-01-01", "", 31, 30),
        ("", "2026-10-10", 10, 30),
    ):
        await import_dates(session, by, start, end)
        assert (await overage(session, customer.id, OCTOBER))[1] == days, start
        assert (await overage(session, customer.id, SEPTEMBER))[1] == before, start


async def test_a_renewal_on_the_last_day_of_the_old_contract_moves_no_month(
    session: AsyncSession, people: People
) -> None:
    """Each year the next contract begins on the day that the one before it ends."""
    dates = {"start_date": date(2025, 9, 16), "end_date": date(2026, 9, 16)}
    customer = await add_customer(session, limit_proration="daily", **dates)
    for start, end in (("2026-09-16", "2026-10-16"), ("2026-10-16", "2027-10-16")):
        await import_dates(session, act(people.ana), start, end)
        assert await overage(session, customer.id, SEPTEMBER) == (100_000, 30), start
    assert await overage(session, customer.id, OCTOBER) == (100_000, 31)
    await import_dates(session, act(people.ana), "2026-10-16", "2026-10-16")
    assert await overage(session, customer.id, NOVEMBER) == (0, 0)
    assert (await overage(session, customer.id, OCTOBER))[1] == 16


async def test_an_end_a_year_too_early_bills_nobody_and_put_right_leaves_no_trace(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), **(MAIL | ENDING | SMALL))
    small = await add_customer(session, "Beta Ltd", 50_000, **(ENDING | SMALL))
    by = act(people.ana)
    done = await import_dates(session, by, "", "2025-10-31")
    await import_dates(session, by, "", "2025-10-31", "Beta Ltd")
    assert (done.held, done.proposed) == ((bill.id,), ())
    await generate(session, by)
    inside = await bill_of_month(session, small.id, OCTOBER)
    for one in (bill, inside):
        await session.refresh(one)
        assert (one.status, one.hold_reason) == (State.HELD, HoldReason.OUTSIDE_CONTRACT)
        assert await standing_approvals(session, one.id) == set()
    for name in ("Acme Corp", "Beta Ltd"):
        await import_dates(session, later(by, hours=1), "", "2026-10-31", name)
    for one in (bill, inside):
        await session.refresh(one)
    assert (bill.status, bill.overage_amount) == (State.PENDING, Decimal("5000.00"))
    assert inside.status == State.VOID


@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize("proration", ["daily", "full"])
async def test_what_a_wrong_end_held_waits_again_once_the_end_is_right(
    session: AsyncSession, people: People, proration: str, released: bool
) -> None:
    """Whatever the proration, each time anew, and also where Finance had let it go."""
    bill = await approved(session, people, limit_proration=proration)
    by = act(people.ana)
    for _ in range(2):
        assert (await import_dates(session, by, "", "2025-12-31")).held == (bill.id,)
        done = await import_dates(session, by, "", "2026-12-31")
        assert done == Recalculation(invalidated=(bill.id,))
        await session.refresh(bill)
        assert (bill.status, bill.hold_reason) == (State.PENDING, None)
        assert await recalculate(session, by) == Recalculation()
    if released:
        await import_dates(session, by, "", "2025-12-31")
        await session.refresh(bill)
        await release_bill(session, bill.id, bill.version, by, "They agreed to it")
        done = await import_dates(session, by, "", "2026-12-31")
        assert done.held == ()
    await session.refresh(bill)
    assert (bill.status, bill.overage_amount) == (State.PENDING, Decimal("5000.00"))
    await prove(session, bill.id)


async def test_a_bill_made_outside_its_contract_is_held_for_what_else_there_is_once_it_is_inside(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), csm_id=people.kim.id, end_date=date(2025, 1, 1))
    await session.execute(sa.text("update users set active = false where role <> 'Finance'"))
    done = await import_dates(session, act(people.ana), "", "2026-12-31")
    assert done == Recalculation(held=(bill.id,))
    await session.refresh(bill)
    assert bill.hold_reason == HoldReason.NO_APPROVER
    await prove(session, bill.id)


async def test_a_bill_on_its_way_is_held_when_its_month_falls_out_of_the_contract(
    session: AsyncSession, people: People
) -> None:
    """Also where the limit is not prorated, so that no figure changes."""
    bill = await approved(session, people)
    await send_bill(session, bill.id, bill.version, act(people.ana))
    done = await import_dates(session, act(people.ana), "", "2025-10-31")
    assert done.held == (bill.id,)
    await session.refresh(bill)
    assert (bill.status, bill.hold_reason) == (State.HELD, HoldReason.OUTSIDE_CONTRACT)
    assert (await last_action(session, bill)).action == Verb.INVALIDATE
    assert not await issue_bill(session, bill.id, clock(people, NOW + DELAY), drawn)
    await prove(session, bill.id)


async def test_a_correction_of_a_month_outside_any_contract_is_held_whatever_the_rule_says(
    session: AsyncSession, people: People
) -> None:
    """October was billed outside the contract because Finance let it go; late calls are not."""
    customer = await add_customer(
        session, billing_email="billing@acme.example", start_date=date(2026, 11, 1), **SMALL
    )
    by = act(people.ana)
    await generate(session, by)
    bill = await bill_of_month(session, customer.id, OCTOBER)
    await release_bill(session, bill.id, 1, by, "They agreed to it")
    await approve_bill(session, bill.id, bill.version, act(people.kim))
    await go_out(session, people, bill)
    (late,) = (await correct_usage(session, later(by, hours=1), customer.id, 150_100)).proposed
    extra = await get_bill(session, late)
    assert (extra.status, extra.hold_reason) == (State.HELD, HoldReason.OUTSIDE_CONTRACT)
    with pytest.raises(Invalid, match="still stands"):
        await release_bill(session, late, extra.version, by, None)
    await correct_usage(session, later(by, hours=2), customer.id, 150_200)
    await session.refresh(extra)
    assert (extra.status, extra.overage_amount) == (State.HELD, Decimal("20.00"))
    assert extra.hold_reason == HoldReason.OUTSIDE_CONTRACT
    await release_bill(session, late, extra.version, by, "These as well")
    assert extra.status == State.PENDING
    await prove(session, late)


async def test_a_month_billed_again_outside_the_contract_of_today_is_held(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people, **ENDING)
    await go_out(session, people, bill)
    by = later(act(people.ana), hours=1)
    await import_dates(session, by, "", "2025-10-31")
    await void(session, bill, people.ana)
    new = await get_bill(
        session, await reissue_bill(session, bill.id, bill.version, by, "Under the new dates")
    )
    assert (new.status, new.hold_reason) == (State.HELD, HoldReason.OUTSIDE_CONTRACT)
    assert (new.monthly_api_limit, new.overage_units) == (0, 150_000)
    await prove(session, new.id)


async def test_another_proration_leaves_what_has_gone_out_and_moves_what_has_not(
    session: AsyncSession, people: People
) -> None:
    dates: dict[str, Any] = {"start_date": date(2026, 10, 16), "limit_proration": "daily"}
    sent = await approved(session, people, "Acme Corp", **dates)
    await go_out(session, people, sent)
    waiting = await approved(session, people, "Beta Ltd", **dates)
    await session.execute(sa.update(Customer).values(limit_proration="full"))
    done = await recalculate(session, act(people.ana))
    assert done == Recalculation(invalidated=(waiting.id,))
    assert await overage(session, sent.customer_id, OCTOBER) == (51_613, 16)
    assert await overage(session, waiting.customer_id, OCTOBER) == (100_000, 16)


async def test_usage_is_not_missed_of_a_month_between_two_contracts(
    session: AsyncSession, people: People
) -> None:
    await add_customer(session, used=None, end_date=date(2026, 8, 31))
    await import_dates(session, act(people.ana), "2026-10-31", "")
    for period, missed in ((SEPTEMBER.plus(-1), 1), (SEPTEMBER, 0), (OCTOBER, 1)):
        seen = await preview_run(session, period)
        assert seen.missing_count == missed, period
