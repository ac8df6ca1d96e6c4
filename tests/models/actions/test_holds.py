"""Bills that are held, and how they are let go."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill
from models.actions.hold import hold_bill, release_bill
from models.actions.undo import undo_decision
from models.bills.bill import Bill, bill_of_month
from models.bills.history import actions_of
from models.bills.states import HoldReason, State
from models.customers.customers import Customer
from models.errors import Invalid, NotAllowed, Stale, WrongState
from models.people.users import User
from models.settings import BillingSettings
from tests.harness.cast import People
from tests.harness.scene import (
    OCTOBER,
    act,
    add_customer,
    bill_for,
    generate,
    prove,
    record_usage,
    standing_approvals,
)


async def release(
    session: AsyncSession, bill: Bill, user: User, reason: str | None, factor: float | None = None
) -> None:
    by = replace(act(user), settings=BillingSettings(jump_factor=factor))
    await release_bill(session, bill.id, bill.version, by, reason)


@pytest.fixture
async def early(session: AsyncSession, people: People) -> Bill:
    """A bill for a month before the contract begins."""
    return await bill_for(session, act(people.ana), start_date=date(2026, 11, 1))


@pytest.mark.parametrize("reason", [None, "", " \n", "\x00"])
async def test_release_needs_a_reason_while_the_cause_stands(
    session: AsyncSession, people: People, early: Bill, reason: str | None
) -> None:
    assert (early.status, early.hold_reason) == (State.HELD, HoldReason.OUTSIDE_CONTRACT)
    with pytest.raises(Invalid) as refused:
        await release(session, early, people.ana, reason)
    assert refused.value.field == "reason"
    await release(session, early, people.ana, "They began early")
    assert (early.status, early.hold_reason, early.version) == (State.PENDING, None, 2)
    await prove(session, early.id)


@pytest.mark.parametrize("reason", [None, "", "  ", "Contract moved"])
async def test_release_needs_no_reason_when_the_cause_is_gone(
    session: AsyncSession, people: People, early: Bill, reason: str | None
) -> None:
    customer = await session.get_one(Customer, early.customer_id)
    customer.start_date = date(2026, 10, 1)
    await session.flush()
    await release(session, early, people.ana, reason)
    told = (await actions_of(session, early.id))[-1]
    assert (early.status, told.comment) == (State.PENDING, (reason or "").strip() or None)


async def test_a_jump_stands_as_a_cause_for_as_long_as_it_is_one(
    session: AsyncSession, people: People
) -> None:
    customer = await add_customer(session, used=110_000, period=OCTOBER.plus(-1))
    await record_usage(session, customer, OCTOBER, 150_000)
    settings = BillingSettings(jump_factor=3)
    for period in (OCTOBER.plus(-1), OCTOBER):
        await generate(session, act(people.ana), period, settings)
    bill = await bill_of_month(session, customer.id, OCTOBER)
    assert bill.hold_reason == HoldReason.JUMP
    with pytest.raises(Invalid, match="cause of the hold still stands"):
        await release(session, bill, people.ana, None, factor=3)
    await release(session, bill, people.ana, None, factor=6)
    assert bill.status == State.PENDING


async def test_a_bill_without_an_amount_does_not_go_out(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), overage_unit_cost=None)
    assert (bill.hold_reason, bill.overage_amount) == (HoldReason.NO_PRICE, None)
    with pytest.raises(WrongState, match="no amount"):
        await release(session, bill, people.ana, "Let it go")


async def test_an_undone_release_is_held_for_the_same_cause_again(
    session: AsyncSession, people: People, early: Bill
) -> None:
    await release(session, early, people.ana, "They began early")
    with pytest.raises(NotAllowed):
        await undo_decision(session, early.id, 2, act(people.kim), "Not so")
    await undo_decision(session, early.id, 2, act(people.ana), "Not so")
    assert (early.status, early.hold_reason) == (State.HELD, HoldReason.OUTSIDE_CONTRACT)
    await undo_decision(session, early.id, 3, act(people.ana), "But yes")
    assert (early.status, early.hold_reason, early.version) == (State.PENDING, None, 4)
    await prove(session, early.id)


async def test_a_hold_lets_the_approvals_fall_and_leaves_nothing_to_undo(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana))
    await approve_bill(session, bill.id, 1, act(people.kim))
    await hold_bill(session, bill.id, act(people.system), HoldReason.NO_APPROVER)
    assert (bill.status, bill.hold_reason) == (State.HELD, HoldReason.NO_APPROVER)
    assert await standing_approvals(session, bill.id) == set()
    for user in (people.kim, people.ana):
        with pytest.raises(Stale, match="no decision"):
            await undo_decision(session, bill.id, 3, act(user), "Back")
    await release(session, bill, people.ana, None)
    await approve_bill(session, bill.id, 4, act(people.sam))
    assert (bill.status, bill.version) == (State.APPROVED, 5)
    await prove(session, bill.id)


async def test_only_countersign_itself_holds_a_bill(session: AsyncSession, people: People) -> None:
    bill = await bill_for(session, act(people.ana))
    with pytest.raises(NotAllowed, match="not done by hand"):
        await hold_bill(session, bill.id, act(people.ana), HoldReason.JUMP)
