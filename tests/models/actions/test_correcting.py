"""What is wrong is put right: changed figures, revising, voiding, billing a month again."""

from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill, reject_bill
from models.actions.hold import release_bill
from models.actions.recalculate import recalculate
from models.actions.revise import revise_bill
from models.actions.send import mark_send_failed
from models.actions.undo import undo_decision
from models.actions.void import reissue_bill
from models.bills.bill import get_bill
from models.bills.states import BillKind, HoldReason, RejectReason, State, Verb
from models.customers.customers import Customer
from models.customers.terms import Terms
from models.errors import FiguresChanged, Invalid, NextStep, NotAllowed, Stale, WrongState
from models.outbox.notifications import Recalculation
from models.people.users import User
from tests.harness.billing import (
    approved,
    bills_of,
    clock,
    correct_usage,
    go_out,
    issue,
    last_action,
    later,
    void,
)
from tests.harness.cast import People
from tests.harness.scene import (
    NOW,
    OCTOBER,
    act,
    bill_for,
    contents,
    in_slack,
    prove,
    standing_approvals,
)


async def test_corrected_usage_makes_a_new_version_that_asks_again(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    done = await correct_usage(session, act(people.ana), bill.customer_id, 130_000)
    assert done.invalidated == (bill.id,)
    await session.refresh(bill)
    assert (bill.status, bill.version, bill.overage_amount) == (State.PENDING, 3, Decimal(3000))
    assert await standing_approvals(session, bill.id) == set()
    told = await last_action(session, bill)
    assert (told.action, told.stakeholder_id) == (Verb.INVALIDATE, people.system.id)
    assert told.snapshot["before"]["api_usage"], told.snapshot["after"]["api_usage"] == (
        150_000,
        130_000,
    )
    before = await contents(session)
    with pytest.raises(FiguresChanged) as refused:
        await approve_bill(session, bill.id, 2, act(people.kim))
    assert refused.value.changes["overage_amount"] == ("5000.00", "3000.00")
    assert "usage was corrected from 150,000 to 130,000 calls" in in_slack(refused.value)
    assert await recalculate(session, act(people.ana)) == Recalculation()
    assert await contents(session) == before
    await prove(session, bill.id)
    fell = await session.execute(
        sa.text("select recipient, facts -> 'bills' from messages where kind = 'approvals_fell'")
    )
    assert fell.all() == [(f"user:{people.kim.id}", [bill.id])]


async def test_figures_changed_behind_our_back_are_found_at_the_click(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana))
    await session.execute(sa.text("update usages set api_usage = 120000"))
    with pytest.raises(FiguresChanged) as refused:
        await approve_bill(session, bill.id, bill.version, act(people.kim))
    assert refused.value.changes["overage_amount"] == ("5000.00", "2000.00")
    assert (await recalculate(session, clock(people), [bill.id])).invalidated == (bill.id,)


async def test_without_overage_left_countersign_voids_it_and_nobody_undoes_that(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana))
    assert (await correct_usage(session, act(people.ana), bill.customer_id, 100_000)).voided
    await session.refresh(bill)
    assert (bill.status, bill.overage_amount) == (State.VOID, Decimal(0))
    with pytest.raises(Stale, match="no decision"):
        await undo_decision(session, bill.id, bill.version, act(people.ana), "But yes")
    with pytest.raises(WrongState, match="leave nothing to bill"):
        await reissue_bill(session, bill.id, bill.version, act(people.ana), "Again")
    await prove(session, bill.id)


async def test_a_rejected_bill_keeps_its_figures_until_it_is_revised(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana))
    code = RejectReason.USAGE_WRONG
    await reject_bill(session, bill.id, 1, act(people.kim), code, "They say 130,000")
    done = await correct_usage(session, act(people.ana), bill.customer_id, 130_000)
    assert done == Recalculation(rejected=(bill.id,))
    with pytest.raises(WrongState) as refused:
        await undo_decision(session, bill.id, bill.version, act(people.ana), "It was right")
    assert refused.value.next_steps[0] == NextStep(Verb.REVISE, bill.id)
    with pytest.raises(NotAllowed, match="only Finance may revise"):
        await revise_bill(session, bill.id, bill.version, act(people.kim), "New figure")
    await revise_bill(session, bill.id, bill.version, act(people.ana), "New figure")
    assert (bill.status, bill.api_usage, bill.overage_amount) == (
        State.PENDING,
        130_000,
        Decimal("3000.00"),
    )
    with pytest.raises(WrongState, match="figures before that decision are not right"):
        await undo_decision(session, bill.id, bill.version, act(people.ana), "Back")
    await prove(session, bill.id)


async def test_units_adjusted_by_hand_stand_until_they_are_revised_anew(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana))
    for units in (0, -1, 150_001):
        with pytest.raises(Invalid, match="Write a number of calls from 1 to 150,000"):
            await revise_bill(session, bill.id, 1, act(people.ana), "A promise", units)
    await revise_bill(session, bill.id, 1, act(people.ana), "The first 20,000 are free", 30_000)
    assert (bill.overage_units, bill.overage_amount) == (30_000, Decimal("3000.00"))
    assert await recalculate(session, act(people.ana)) == Recalculation()
    with pytest.raises(Invalid, match="these figures already"):
        await revise_bill(session, bill.id, 2, act(people.ana), "Once more", 30_000)
    await undo_decision(session, bill.id, 2, act(people.ana), "No such promise")
    assert (bill.overage_units, bill.overage_amount) == (50_000, Decimal("5000.00"))
    await undo_decision(session, bill.id, 3, act(people.ana), "It was one")
    assert (bill.overage_units, bill.version) == (30_000, 4)
    await correct_usage(session, act(people.ana), bill.customer_id, 160_000)
    await session.refresh(bill)
    assert (bill.overage_units, bill.waived_units) == (40_000, 20_000)
    await revise_bill(session, bill.id, bill.version, act(people.ana), "As counted")
    assert (bill.overage_units, bill.waived_units) == (60_000, None)
    await prove(session, bill.id)


async def test_whoever_revised_a_bill_does_not_decide_on_it(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.system))
    await revise_bill(session, bill.id, 1, act(people.ana), "A promise", 30_000)
    people.ana.role = "Customer Success"
    with pytest.raises(NotAllowed, match="You revised this bill"):
        await approve_bill(session, bill.id, 2, act(people.ana))
    await approve_bill(session, bill.id, 2, act(people.kim))


async def test_a_price_that_comes_later_frees_a_held_bill(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), overage_unit_cost=None)
    assert bill.hold_reason == HoldReason.NO_PRICE
    with pytest.raises(WrongState, match="no overage price"):
        await revise_bill(session, bill.id, 1, act(people.ana), "Now")
    await session.execute(sa.text("update customer_terms set overage_unit_cost = 0.02"))
    assert (await recalculate(session, act(people.ana))).invalidated == (bill.id,)
    await session.refresh(bill)
    assert (bill.status, bill.overage_amount) == (State.PENDING, Decimal("1000.00"))


async def test_a_void_bill_comes_back_by_undo_unless_its_place_is_taken(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    assert await void(session, bill, people.ana) is None
    await undo_decision(session, bill.id, bill.version, act(people.ana), "By mistake")
    assert (bill.status, len(await standing_approvals(session, bill.id))) == (State.APPROVED, 1)
    await void(session, bill, people.ana)
    new_id = await reissue_bill(session, bill.id, bill.version, act(people.ana), "Start again")
    new = await get_bill(session, new_id)
    assert (new.status, new.replaces_id, new.kind) == (State.PENDING, bill.id, BillKind.OVERAGE)
    assert (await last_action(session, new)).action == Verb.REISSUE
    with pytest.raises(WrongState, match=f"Bill #{new_id} stands"):
        await reissue_bill(session, bill.id, bill.version, act(people.ana), "Again")
    with pytest.raises(WrongState, match=f"Bill #{new_id} stands in the place"):
        await undo_decision(session, bill.id, bill.version, act(people.ana), "Back")
    for one in (bill, new):
        await prove(session, one.id)


async def test_what_went_out_is_credited_as_a_whole_when_it_is_voided(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    await go_out(session, people, bill)
    done = await correct_usage(session, later(act(people.ana), hours=1), bill.customer_id, 160_000)
    (extra_id,) = done.proposed
    extra = await get_bill(session, extra_id)
    await approve_bill(session, extra_id, 1, act(people.kim))
    await go_out(session, people, extra)
    await correct_usage(session, later(act(people.ana), hours=2), bill.customer_id, 170_000)
    undecided = (await bills_of(session, bill.customer_id))[-1]
    with pytest.raises(Stale, match="makes a credit note"):
        await undo_decision(session, bill.id, bill.version, act(people.ana), "Back")
    credit = await void(session, bill, people.ana)
    assert credit is not None
    assert (credit.kind, credit.overage_amount) == (BillKind.CREDIT, Decimal("-6000.00"))
    assert (credit.status, credit.adjusts_id) == (State.APPROVED, bill.id)
    await session.refresh(undecided)
    assert undecided.status == State.VOID
    for refused in (credit, extra):
        with pytest.raises(WrongState, match="void"):
            await void(session, refused, people.ana)
    with pytest.raises(Stale, match="no decision"):
        await undo_decision(session, credit.id, credit.version, act(people.ana), "No")
    assert await recalculate(session, clock(people)) == Recalculation()
    await go_out(session, people, credit)
    assert (bill.number, extra.number, credit.number) == (
        "2026-000001",
        "2026-000002",
        "CN-2026-000001",
    )
    for one in await bills_of(session, bill.customer_id):
        await prove(session, one.id)


async def test_an_adjustment_that_went_out_can_be_voided_by_itself(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    await go_out(session, people, bill)
    done = await correct_usage(session, later(act(people.ana), hours=1), bill.customer_id, 160_000)
    extra = await get_bill(session, done.proposed[0])
    await approve_bill(session, extra.id, 1, act(people.kim))
    await go_out(session, people, extra)
    credit = await void(session, extra, people.ana)
    assert credit is not None
    assert (credit.adjusts_id, credit.overage_amount) == (extra.id, Decimal("-1000.00"))
    assert await recalculate(session, clock(people)) == Recalculation()
    done = await correct_usage(session, later(act(people.ana), hours=3), bill.customer_id, 165_000)
    assert (await get_bill(session, done.proposed[0])).overage_amount == Decimal("1500.00")


async def test_on_its_way_out_a_bill_cannot_be_voided_and_failed_it_can(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    await issue(session, people, bill)
    with pytest.raises(WrongState, match="on its way out as 2026-000001"):
        await void(session, bill, people.ana)
    await not_delivered(session, people, bill.id)
    await session.refresh(bill)
    assert await void(session, bill, people.ana) is None
    assert (bill.status, bill.number) == (State.VOID, "2026-000001")
    with pytest.raises(Stale, match="had been issued"):
        await undo_decision(session, bill.id, bill.version, act(people.ana), "Back")


async def not_delivered(session: AsyncSession, people: People, bill_id: int) -> None:
    assert await mark_send_failed(session, bill_id, clock(people), "550 no such mailbox")


async def test_another_currency_or_contract_reopens_what_is_not_out(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana))
    await session.execute(sa.update(Terms).values(currency="JPY"))
    await session.execute(sa.update(Customer).values(limit_proration="daily"))
    assert (await recalculate(session, act(people.ana))).invalidated == (bill.id,)
    await session.refresh(bill)
    assert (bill.currency, bill.overage_amount) == ("JPY", Decimal(5000))
    assert (bill.year, bill.month) == (OCTOBER.year, OCTOBER.month)
    assert bill.updated_at == NOW


async def test_a_contract_that_ended_before_holds_the_bill_until_finance_lets_it_go(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    customer = await session.get_one(Customer, bill.customer_id)
    customer.end_date = date(2026, 9, 30)
    await session.flush()
    assert (await recalculate(session, act(people.ana))).held == (bill.id,)
    await session.refresh(bill)
    assert (bill.status, bill.hold_reason) == (State.HELD, HoldReason.OUTSIDE_CONTRACT)
    assert await standing_approvals(session, bill.id) == set()
    await release_bill(session, bill.id, bill.version, act(people.ana), "They agreed to it")
    assert await recalculate(session, act(people.ana)) == Recalculation()
    await prove(session, bill.id)


async def test_an_overage_that_comes_back_after_its_bill_was_void_is_told(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana))
    await correct_usage(session, act(people.ana), bill.customer_id, 90_000)
    back = await correct_usage(session, later(act(people.ana), hours=1), bill.customer_id, 950_000)
    assert back == Recalculation(unbilled=(bill.id,))
    assert await recalculate(session, later(act(people.ana), hours=2)) == Recalculation()


async def test_a_month_billed_again_with_nobody_to_decide_is_held(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), csm_id=people.kim.id, require_csm_approval=True)
    await void(session, bill, people.ana)
    (await session.get_one(User, people.kim.id)).active = False
    await session.flush()
    new = await reissue_bill(session, bill.id, bill.version, act(people.ana), "Again")
    assert (await get_bill(session, new)).hold_reason == HoldReason.NO_APPROVER
