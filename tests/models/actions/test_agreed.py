"""Units that Finance agreed on by revising a bill stay agreed, whatever comes afterwards."""

from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill, reject_bill
from models.actions.recalculate import recalculate
from models.actions.revise import revise_bill
from models.actions.undo import undo_decision
from models.actions.void import reissue_bill
from models.bills.bill import Bill, get_bill
from models.bills.states import BillKind, RejectReason, State
from models.errors import Invalid
from models.outbox.notifications import Recalculation
from tests.harness.billing import (
    MAIL,
    bills_of,
    clock,
    correct_usage,
    go_out,
    later,
    void,
)
from tests.harness.cast import People
from tests.harness.scene import act, bill_for, prove


async def agreed(session: AsyncSession, people: People, **customer: object) -> Bill:
    """450,000 calls used of 100,000, of which Finance agreed to bill 100,000; not approved yet."""
    bill = await bill_for(session, act(people.ana), used=450_000, **(MAIL | customer))
    await revise_bill(session, bill.id, 1, act(people.ana), "A credit was promised", 100_000)
    return bill


async def agreed_and_sent(session: AsyncSession, people: People, **customer: object) -> Bill:
    bill = await agreed(session, people, **customer)
    await approve_bill(session, bill.id, bill.version, act(people.kim))
    await go_out(session, people, bill)
    return bill


async def test_a_month_of_which_the_agreement_leaves_nothing_is_void_and_no_more_is_said(
    session: AsyncSession, people: People
) -> None:
    """250,000 calls over the limit are not billed; it is told anew once there are more."""
    bill = await agreed(session, people)
    month = Month(session, people, bill)
    assert await month.comes_to(200_000) == Recalculation(voided=(bill.id,))
    assert await month.comes_to(350_000) == Recalculation()
    assert await month.comes_to(350_001) == Recalculation(unbilled=(bill.id,))


class Month:
    """A month whose usage is corrected again and again, an hour apart."""

    def __init__(self, session: AsyncSession, people: People, root: Bill) -> None:
        self.session, self.people, self.root = session, people, root
        self.hours = 0

    async def comes_to(self, calls: int) -> Recalculation:
        self.hours += 1
        by = later(act(self.people.ana), hours=self.hours)
        return await correct_usage(self.session, by, self.root.customer_id, calls)

    async def open_one(self) -> tuple[str, int, Decimal] | None:
        """Kind, units and amount of the correction that waits."""
        last = (await bills_of(self.session, self.root.customer_id))[-1]
        if last.number is not None or last.status == State.VOID or last.id == self.root.id:
            return None
        assert last.overage_amount is not None
        return last.kind, last.overage_units, last.overage_amount

    async def send_it(self) -> Bill:
        last = (await bills_of(self.session, self.root.customer_id))[-1]
        if last.status == State.PENDING:
            await approve_bill(self.session, last.id, last.version, act(self.people.kim))
        await go_out(self.session, self.people, last)
        return last

    async def billed(self) -> Decimal | int:
        return sum(one.overage_amount or 0 for one in await self._issued())

    async def _issued(self) -> list[Bill]:
        return [one for one in await bills_of(self.session, self.root.customer_id) if one.number]


async def test_late_calls_are_billed_beyond_what_was_agreed(
    session: AsyncSession, people: People
) -> None:
    month = Month(session, people, await agreed_and_sent(session, people))
    await month.comes_to(460_000)
    assert await month.open_one() == (BillKind.ADJUSTMENT, 10_000, Decimal("1000.00"))
    await month.comes_to(440_000)
    assert await month.open_one() == (BillKind.CREDIT, -10_000, Decimal("-1000.00"))
    assert (await month.comes_to(450_000)).voided
    assert await month.open_one() is None
    for one in await bills_of(session, month.root.customer_id):
        await prove(session, one.id)


async def test_once_it_went_out_as_well_a_correction_is_taken_back_and_no_more(
    session: AsyncSession, people: People
) -> None:
    month = Month(session, people, await agreed_and_sent(session, people))
    await month.comes_to(460_000)
    await month.send_it()
    await month.comes_to(450_000)
    assert await month.open_one() == (BillKind.CREDIT, -10_000, Decimal("-1000.00"))
    await month.send_it()
    assert await month.billed() == Decimal("10000.00")
    assert await recalculate(session, clock(people)) == Recalculation()


async def test_a_month_whose_usage_was_all_but_gone_comes_back_to_what_was_agreed(
    session: AsyncSession, people: People
) -> None:
    """No less than nothing is credited, and what was agreed is not forgotten over it."""
    month = Month(session, people, await agreed_and_sent(session, people))
    await month.comes_to(150_000)
    assert await month.open_one() == (BillKind.CREDIT, -100_000, Decimal("-10000.00"))
    await month.send_it()
    await month.comes_to(450_000)
    assert await month.open_one() == (BillKind.ADJUSTMENT, 100_000, Decimal("10000.00"))


async def test_a_correction_that_was_revised_is_agreed_too(
    session: AsyncSession, people: People
) -> None:
    month = Month(session, people, await agreed_and_sent(session, people))
    (extra_id,) = (await month.comes_to(460_000)).proposed
    await revise_bill(session, extra_id, 1, act(people.ana), "Half of them", 4_000)
    await month.comes_to(470_000)
    assert await month.open_one() == (BillKind.ADJUSTMENT, 14_000, Decimal("1400.00"))
    await month.send_it()
    await month.comes_to(475_000)
    assert await month.open_one() == (BillKind.ADJUSTMENT, 5_000, Decimal("500.00"))
    await month.comes_to(470_000)
    assert await month.open_one() is None


async def test_a_correction_revised_anew_keeps_what_was_agreed_before_it(
    session: AsyncSession, people: People
) -> None:
    month = Month(session, people, await agreed_and_sent(session, people))
    (extra_id,) = (await month.comes_to(460_000)).proposed
    await revise_bill(session, extra_id, 1, act(people.ana), "Half of them", 4_000)
    await revise_bill(session, extra_id, 2, act(people.ana), "All of them after all")
    assert await month.open_one() == (BillKind.ADJUSTMENT, 10_000, Decimal("1000.00"))
    await undo_decision(session, extra_id, 3, act(people.ana), "No, half")
    assert await month.open_one() == (BillKind.ADJUSTMENT, 4_000, Decimal("400.00"))
    await month.comes_to(461_000)
    assert await month.open_one() == (BillKind.ADJUSTMENT, 5_000, Decimal("500.00"))
    await prove(session, extra_id)


async def test_more_than_is_over_the_limit_can_be_agreed_and_stays_so(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), **MAIL)
    await revise_bill(session, bill.id, 1, act(people.ana), "They pay for all calls", 150_000)
    await approve_bill(session, bill.id, 2, act(people.kim))
    await go_out(session, people, bill)
    month = Month(session, people, bill)
    await month.comes_to(160_000)
    assert await month.open_one() == (BillKind.ADJUSTMENT, 10_000, Decimal("1000.00"))


async def test_no_rule_passes_a_correction_of_what_was_agreed(
    session: AsyncSession, people: People
) -> None:
    below = {"auto_approve_below": Decimal(20_000)}
    month = Month(session, people, await agreed_and_sent(session, people, **below))
    (extra_id,) = (await month.comes_to(460_000)).proposed
    assert (await get_bill(session, extra_id)).status == State.PENDING
    await month.send_it()
    (back_id,) = (await month.comes_to(455_000)).proposed
    assert (await get_bill(session, back_id)).status == State.PENDING


async def test_what_was_agreed_before_it_goes_out_stays_agreed_when_usage_changes(
    session: AsyncSession, people: People
) -> None:
    bill = await agreed(session, people)
    await approve_bill(session, bill.id, bill.version, act(people.kim))
    month = Month(session, people, bill)
    assert (await month.comes_to(460_000)).invalidated == (bill.id,)
    await session.refresh(bill)
    assert (bill.status, bill.overage_units, bill.overage_amount) == (
        State.PENDING,
        110_000,
        Decimal("11000.00"),
    )
    await month.comes_to(450_000)
    await session.refresh(bill)
    assert bill.overage_units == 100_000
    await revise_bill(session, bill.id, bill.version, act(people.ana), "No promise was made")
    assert bill.overage_units == 350_000
    await undo_decision(session, bill.id, bill.version, act(people.ana), "It was")
    assert bill.overage_units == 100_000
    await prove(session, bill.id)


async def test_a_rejected_bill_is_revised_to_what_usage_gives(
    session: AsyncSession, people: People
) -> None:
    bill = await agreed(session, people)
    code = RejectReason.CREDIT_PROMISED
    await reject_bill(session, bill.id, bill.version, act(people.kim), code, "Not so much")
    await correct_usage(session, act(people.ana), bill.customer_id, 460_000)
    await revise_bill(session, bill.id, bill.version, act(people.ana), "As counted, then")
    assert (bill.overage_units, bill.waived_units) == (360_000, None)


@pytest.mark.parametrize("sent", [True, False])
async def test_a_month_billed_again_is_billed_as_agreed(
    session: AsyncSession, people: People, sent: bool
) -> None:
    bill = await (agreed_and_sent if sent else agreed)(session, people)
    await void(session, bill, people.ana)
    new_id = await reissue_bill(session, bill.id, bill.version, act(people.ana), "A new address")
    new = await get_bill(session, new_id)
    assert (new.overage_units, new.overage_amount) == (100_000, Decimal("10000.00"))
    month = Month(session, people, new)
    await month.comes_to(460_000)
    await session.refresh(new)
    assert new.overage_units == 110_000
    await revise_bill(session, new.id, new.version, act(people.ana), "As counted")
    assert new.overage_units == 360_000


async def test_a_month_of_which_nothing_agreed_is_left_is_billed_again_as_counted(
    session: AsyncSession, people: People
) -> None:
    bill = await agreed(session, people)
    assert (await correct_usage(session, act(people.ana), bill.customer_id, 300_000)).voided
    await session.refresh(bill)
    new_id = await reissue_bill(session, bill.id, bill.version, act(people.ana), "Again")
    assert (await get_bill(session, new_id)).overage_units == 200_000


async def test_the_bills_of_a_month_add_up_to_the_cent(
    session: AsyncSession, people: People
) -> None:
    """Each sum is rounded once, so units set by hand are a difference of two sums as well."""
    price = {"overage_unit_cost": Decimal("0.0333")}
    bill = await bill_for(session, act(people.ana), used=100_115, **(MAIL | price))
    await approve_bill(session, bill.id, 1, act(people.kim))
    await go_out(session, people, bill)
    month = Month(session, people, bill)
    (extra_id,) = (await month.comes_to(100_140)).proposed
    await revise_bill(session, extra_id, 1, act(people.ana), "Some", 13)
    await month.send_it()
    assert await month.billed() == Decimal("4.26")  # 128 x 0.0333, where 13 alone come to 0.43
    with pytest.raises(Invalid, match="which is what was used"):
        other = await bill_for(session, act(people.ana), "Other", used=150_000)
        await revise_bill(session, other.id, 1, act(people.ana), "Too many", 150_001)


async def test_a_voided_correction_leaves_the_month_as_it_was_agreed(
    session: AsyncSession, people: People
) -> None:
    month = Month(session, people, await agreed_and_sent(session, people))
    await month.comes_to(460_000)
    extra = await month.send_it()
    credit = await void(session, extra, people.ana)
    assert credit is not None
    assert await recalculate(session, clock(people)) == Recalculation()
    await month.comes_to(465_000)
    assert await month.open_one() == (BillKind.ADJUSTMENT, 15_000, Decimal("1500.00"))
