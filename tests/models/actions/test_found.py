"""What whole lives told by chance, or reading for them, brought to light: one small test each."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill
from models.actions.revise import revise_bill
from models.actions.send import send_bill
from models.actions.undo import undo_decision
from models.actions.void import void_bill
from models.bills.bill import Bill
from models.bills.states import State
from models.db.columns import MOST_CALLS
from models.errors import Invalid, WrongState
from tests.harness.billing import approved, bills_of, correct_usage, go_out, later, void
from tests.harness.cast import People
from tests.harness.scene import act, prove

MOST = MOST_CALLS


async def sent(session: AsyncSession, people: People, **customer: Any) -> Bill:
    bill = await approved(session, people, **customer)
    await go_out(session, people, bill)
    return bill


async def corrected(session: AsyncSession, people: People, bill: Bill, calls: int) -> Bill:
    """The correction that is proposed once the usage is said to be this."""
    await correct_usage(session, later(act(people.ana), hours=1), bill.customer_id, calls)
    return (await bills_of(session, bill.customer_id))[-1]


async def test_the_send_of_a_credit_for_a_void_bill_is_called_back_whatever_was_used_since(
    session: AsyncSession, people: People
) -> None:
    """Its amount comes from the void bill, and not from usage."""
    bill = await sent(session, people)
    credit = await void(session, bill, people.ana)
    assert credit
    await correct_usage(session, act(people.ana), bill.customer_id, 175_000)
    await send_bill(session, credit.id, credit.version, act(people.ana))
    await undo_decision(session, credit.id, credit.version, act(people.ana), "Too early")
    assert credit.status == State.APPROVED
    await prove(session, credit.id)


async def test_a_correction_takes_no_more_units_than_can_be_counted(
    session: AsyncSession, people: People
) -> None:
    bill = await sent(session, people)
    correction = await corrected(session, people, bill, MOST)
    for units in (MOST + 1, -MOST - 2, MOST):
        with pytest.raises(Invalid):
            await revise_bill(
                session, correction.id, correction.version, act(people.ana), "As agreed", units
            )


async def test_what_is_issued_of_a_month_is_not_void_under_a_correction_that_rests_on_it(
    session: AsyncSession, people: People
) -> None:
    """A newer correction is the difference to all that was issued, the older correction too."""
    bill = await sent(session, people)
    older = await corrected(session, people, bill, 160_000)
    await approve_bill(session, older.id, older.version, act(people.kim))
    await go_out(session, people, older)
    newer = await corrected(session, people, bill, 170_000)
    assert (newer.overage_amount, newer.status) == (Decimal(1000), State.PENDING)
    with pytest.raises(WrongState, match=f"#{newer.id}"):
        await void_bill(session, older.id, older.version, act(people.ana), "Not so")
    await void(session, newer, people.ana)
    await void(session, older, people.ana)
    assert older.status == State.VOID


async def test_units_agreed_on_one_by_one_are_rounded_as_one_sum(
    session: AsyncSession, people: People
) -> None:
    """Rounded twice they came to 1 + 1 yen, where both are 1: a yen was left of no units."""
    half_a_yen = {"currency": "JPY", "overage_unit_cost": Decimal("0.5")}
    bill = await approved(session, people, used=100_003, **half_a_yen)
    await undo_decision(session, bill.id, bill.version, act(people.kim), "Wait")
    by = act(people.ana)
    await revise_bill(session, bill.id, bill.version, by, "As agreed", 1)
    await approve_bill(session, bill.id, bill.version, act(people.kim))
    await go_out(session, people, bill)
    more = await corrected(session, people, bill, 100_005)
    assert (more.overage_units, more.overage_amount) == (2, Decimal(1))
    with pytest.raises(Invalid, match="come to nothing"):
        await revise_bill(session, more.id, more.version, by, "As agreed", 1)
    await revise_bill(session, more.id, more.version, by, "As agreed", 3)
    assert (more.overage_units, more.overage_amount) == (3, Decimal(1))
    await prove(session, more.id)
