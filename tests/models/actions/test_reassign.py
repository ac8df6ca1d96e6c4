"""Finance asks somebody else for one bill: whose word counts then, who is told, who cannot be."""

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.absence import mark_away
from models.actions.approve import approve_bill
from models.actions.hold import release_bill
from models.actions.reassign import reassign_bill
from models.actions.reroute import reroute_open_bills
from models.bills.bill import Bill
from models.bills.states import HoldReason, State, Verb
from models.db.database import do_put_off
from models.errors import Invalid, NotAllowed, WrongState
from models.outbox.messages import Message, MessageKind, user_recipient
from models.people.permissions import Role
from models.people.users import User, add_user
from models.queries.bill_list import bills_waiting_for
from models.queries.bill_loader import load_bill_details
from tests.harness.billing import correct_usage, last_action
from tests.harness.cast import People
from tests.harness.scene import act, bill_for, prove

BOTH: dict[str, Any] = {"require_csm_approval": True, "require_sales_approval": True}


async def kims_bill(session: AsyncSession, people: People, **customer: Any) -> Bill:
    needs = {"csm_id": people.kim.id, "require_csm_approval": True}
    return await bill_for(session, act(people.ana), **(needs | customer))


async def told(session: AsyncSession, kind: MessageKind) -> set[str]:
    await do_put_off(session)
    query = sa.select(Message.recipient).where(Message.kind == kind)
    return set(await session.scalars(query))


async def waits_for(session: AsyncSession, user: User) -> int:
    return len((await bills_waiting_for(session, user, limit=10)).lines)


async def become(session: AsyncSession, user: User, **values: Any) -> None:
    await session.execute(sa.update(User).where(User.id == user.id).values(**values))


async def test_finance_asks_lee_instead_of_kim_and_only_lee_decides(
    session: AsyncSession, people: People
) -> None:
    bill = await kims_bill(session, people)
    await reassign_bill(session, bill.id, 1, act(people.ana), people.lee.id, "Kim is at a fair")
    action = await last_action(session, bill)
    assert (action.action, action.bill_version, bill.version) == (Verb.REASSIGN, 1, 1)
    assert user_recipient(people.lee.id) in await told(session, MessageKind.CARD)
    assert (await waits_for(session, people.lee), await waits_for(session, people.kim)) == (1, 0)
    with pytest.raises(NotAllowed, match="Only its CSM may approve") as refused:
        await approve_bill(session, bill.id, 1, act(people.kim))
    assert refused.value.who_can and [one.name for one in refused.value.who_can.people] == ["Lee"]
    await approve_bill(session, bill.id, 1, act(people.lee))
    assert bill.status == State.APPROVED
    await prove(session, bill.id)


async def test_other_figures_and_another_csm_leave_it_with_lee_and_her_leaving_gives_it_back(
    session: AsyncSession, people: People
) -> None:
    bill = await kims_bill(session, people)
    await reassign_bill(session, bill.id, 1, act(people.ana), people.lee.id)
    await correct_usage(session, act(people.ana), bill.customer_id, 170_000)
    await session.refresh(bill)
    assert (bill.status, await waits_for(session, people.lee)) == (State.PENDING, 1)
    await become(session, people.lee, active=False)
    assert await waits_for(session, people.kim) == 1
    (facts,) = await load_bill_details(session, [bill.id])
    assert facts.reassigned == ()


async def test_one_who_had_the_card_before_is_told_that_it_is_theirs_again(
    session: AsyncSession, people: People
) -> None:
    bill = await kims_bill(session, people)
    await do_put_off(session)
    await reassign_bill(session, bill.id, 1, act(people.ana), people.lee.id)
    assert await told(session, MessageKind.REASSIGNED) == set()
    await reassign_bill(session, bill.id, 1, act(people.ana), people.kim.id)
    assert await told(session, MessageKind.REASSIGNED) == {user_recipient(people.kim.id)}


async def test_where_any_approval_is_enough_the_one_who_is_asked_changes_and_no_more(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), csm_id=people.kim.id)
    await reassign_bill(session, bill.id, 1, act(people.ana), people.sam.id)
    assert (await waits_for(session, people.sam), await waits_for(session, people.kim)) == (1, 0)
    await approve_bill(session, bill.id, 1, act(people.kim))
    assert bill.status == State.APPROVED


async def test_a_bill_held_because_its_csm_left_goes_on_with_another_without_a_reason(
    session: AsyncSession, people: People
) -> None:
    bill = await kims_bill(session, people)
    await become(session, people.kim, active=False)
    await reroute_open_bills(session, act(people.system))
    await session.refresh(bill)
    assert bill.hold_reason == HoldReason.NO_APPROVER
    await reassign_bill(session, bill.id, bill.version, act(people.ana), people.lee.id)
    await release_bill(session, bill.id, bill.version, act(people.ana), None)
    await reroute_open_bills(session, act(people.system))
    await session.refresh(bill)
    assert (bill.status, await waits_for(session, people.lee)) == (State.PENDING, 1)


async def test_the_delegate_of_whoever_is_asked_decides_while_they_are_away(
    session: AsyncSession, people: People
) -> None:
    bill = await kims_bill(session, people)
    await reassign_bill(session, bill.id, 1, act(people.ana), people.lee.id)
    await mark_away(session, act(people.lee), date(2026, 11, 20), people.sam)
    await approve_bill(session, bill.id, 1, act(people.sam))
    assert (await last_action(session, bill)).acted_for_id == people.lee.id


async def test_nobody_is_asked_who_could_not_decide(session: AsyncSession, people: People) -> None:
    bill = await kims_bill(session, people)
    gus = await add_user(session, "Gus", Role.CSM)
    sue = await add_user(session, "Sue", Role.CSM, "USUE")
    await mark_away(session, act(sue), date(2026, 11, 20), people.lee)
    cases = {
        people.kim.id: "Kim is asked already",
        people.sam.id: "waits for its CSM, and Sam has the role Sales",
        people.max.id: "Max may not approve bills",
        people.ana.id: "Ana may not approve bills",
        people.system.id: "Choose somebody",
        987_654: "Choose somebody",
        gus.id: "not in Slack and has no password",
        sue.id: "Sue is away",
    }
    for user_id, why in cases.items():
        with pytest.raises(Invalid, match=why):
            await reassign_bill(session, bill.id, 1, act(people.ana), user_id)
    eve = await add_user(session, "Eve", Role.FINANCE, "UEVE")
    await become(session, people.ana, role=Role.CSM)
    with pytest.raises(Invalid, match="Ana made its figures"):
        await reassign_bill(session, bill.id, 1, act(eve), people.ana.id)


async def test_of_two_approvals_only_the_missing_one_is_asked_of_somebody_else(
    session: AsyncSession, people: People
) -> None:
    bill = await kims_bill(session, people, sales_id=people.sam.id, **BOTH)
    await approve_bill(session, bill.id, 1, act(people.kim))
    with pytest.raises(Invalid, match="waits for its salesperson, and Lee has the role"):
        await reassign_bill(session, bill.id, 1, act(people.ana), people.lee.id)
    sue = await add_user(session, "Sue", Role.SALES, "USUE")
    await reassign_bill(session, bill.id, 1, act(people.ana), sue.id)
    await approve_bill(session, bill.id, 1, act(sue))
    assert bill.status == State.APPROVED
    with pytest.raises(WrongState, match="only for a bill that is undecided"):
        await reassign_bill(session, bill.id, 2, act(people.ana), people.lee.id)


async def test_only_finance_asks_somebody_else(session: AsyncSession, people: People) -> None:
    bill = await kims_bill(session, people)
    for user in (people.kim, people.sam, people.max, people.system):
        with pytest.raises(NotAllowed):
            await reassign_bill(session, bill.id, 1, act(user), people.lee.id)
