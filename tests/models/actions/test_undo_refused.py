"""Each reason for which nothing can be undone, by Finance, who may undo everything else."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.merge_customers import merge_customers
from models.actions.send import mark_send_failed
from models.actions.undo import undo_decision
from models.bills.bill import Bill, get_bill
from models.errors import WrongState
from tests.harness.billing import MAIL, clock, void
from tests.harness.cast import People
from tests.harness.scene import act, add_customer, bill_for
from tests.models.actions import test_advice as plights

Plight = Callable[[AsyncSession, People], Awaitable[Bill]]


async def waiting(session: AsyncSession, people: People) -> Bill:
    return await bill_for(session, act(people.ana), **MAIL)


async def failed(session: AsyncSession, people: People) -> Bill:
    bill = await plights.on_its_way(session, people)
    await mark_send_failed(session, bill.id, clock(people), "550 No")
    return bill


async def declined_of_void(session: AsyncSession, people: People) -> Bill:
    """A correction that was declined, of a bill that was made void afterwards."""
    bill = await plights.declined_adjustment(session, people)
    assert bill.adjusts_id is not None
    await void(session, await get_bill(session, bill.adjusts_id), people.ana)
    return bill


async def void_of_merged(session: AsyncSession, people: People) -> Bill:
    bill = await plights.void_unsent(session, people)
    other = await add_customer(session, "Bolt Ltd", used=None)
    await merge_customers(session, bill.customer_id, other.id, act(people.ana))
    return bill


async def replaced(session: AsyncSession, people: People) -> Bill:
    """Void by a decision, and its month billed again."""
    bill = await plights.void_unsent(session, people)
    by = act(people.ana)
    await plights.reissue_bill(session, bill.id, bill.version, by, "Again")
    return bill


async def revised_and_outdated(session: AsyncSession, people: People) -> Bill:
    bill = await plights.void_unsent(session, people)
    await plights.correct_usage(session, act(people.ana), bill.customer_id, 170_000)
    return bill


REFUSED: dict[Plight, str] = {
    plights.without_a_price: "no decision on this bill that could be undone.",
    waiting: "It waits to be approved or rejected.",
    plights.without_overage: "Countersign made it void.",
    plights.credit_for_void: "It was approved when the bill that it credits was made void.",
    failed: "issued as 2026-000001 but could not be delivered",
    plights.on_its_way: "on its way out as 2026-000001, which cannot be undone.",
    plights.sent: "went out as 2026-000001, which cannot be undone.",
    plights.sent_credit: "This credit note went out as CN-2026-000001, and stays.",
    plights.void_with_credit: "had been issued when it was made void, which cannot be undone.",
    declined_of_void: "The bill that this one corrects is void by now",
    void_of_merged: "counts for the customer that it was merged into, and is billed there",
    replaced: "stands in the place of this one, and a month is billed only once",
    revised_and_outdated: "the figures before that decision are not right any more",
}


@pytest.mark.parametrize(("plight", "why"), REFUSED.items(), ids=[one.__name__ for one in REFUSED])
async def test_what_cannot_be_undone_says_why(
    session: AsyncSession, people: People, plight: Plight, why: str
) -> None:
    bill = await plight(session, people)
    await session.refresh(bill)
    with pytest.raises(WrongState) as refused:
        await undo_decision(session, bill.id, bill.version, act(people.ana), "By mistake")
    assert why in str(refused.value)
