"""A customer's own rules: who has to agree above an amount, and what passes below one."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.wording.bill_text import waits_for
from models.actions.absence import end_absences, mark_away, mark_back
from models.actions.approve import approve_bill
from models.actions.reroute import reroute_open_bills
from models.actions.undo import undo_decision
from models.bills.history import actions_of
from models.bills.states import BillKind, HoldReason, State, Verb
from models.customers.customers import Customer
from models.errors import Invalid, NotAllowed
from models.people.users import User
from models.queries.bill_list import bills_waiting_for
from models.queries.bill_loader import load_bill_details
from models.settings import BillingSettings
from tests.harness.billing import (
    MAIL,
    approved,
    bills_of,
    clock,
    correct_usage,
    go_out,
    last_action,
    later,
)
from tests.harness.cast import People
from tests.harness.scene import (
    NOW,
    OCTOBER,
    act,
    add_customer,
    bill_for,
    generate,
    prove,
    record_usage,
)
from tests.models.actions.test_reroute import places

BOTH: dict[str, Any] = {"require_csm_approval": True, "require_sales_approval": True}


async def test_a_small_amount_passes_by_the_customers_rule_and_finance_can_undo_that(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), auto_approve_below=Decimal("5000.01"), **BOTH)
    passed = await last_action(session, bill)
    assert (bill.status, bill.version, passed.action) == (State.APPROVED, 2, Verb.AUTO_APPROVE)
    assert (passed.stakeholder_id, passed.snapshot["rule"], passed.snapshot["below"]) == (
        people.system.id,
        "auto_approve_below",
        "5000.01",
    )
    await undo_decision(session, bill.id, 2, act(people.ana), "Let them see it")
    assert bill.status == State.PENDING
    await prove(session, bill.id)


@pytest.mark.parametrize(
    ("below", "second", "before", "settings", "passes"),
    [
        ("5000.00", None, None, BillingSettings(), False),
        ("5000.01", None, None, BillingSettings(), True),
        ("9000", "4000", None, BillingSettings(), False),
        ("9000", "5000", None, BillingSettings(), True),
        ("9000", None, 110_000, BillingSettings(), False),
        ("9000", None, 120_000, BillingSettings(), True),
        ("9000", None, 110_000, BillingSettings(jump_factor=6), True),
    ],
)
async def test_what_passes_is_below_the_bound_not_above_the_other_and_no_jump(
    session: AsyncSession,
    people: People,
    below: str,
    second: str | None,
    before: int | None,
    settings: BillingSettings,
    passes: bool,
) -> None:
    customer = await add_customer(session)
    if before:
        await record_usage(session, customer, OCTOBER.plus(-1), before)
        await generate(session, act(people.ana), OCTOBER.plus(-1))
    customer.auto_approve_below = Decimal(below)
    customer.second_approval_above = Decimal(second) if second else None
    await generate(session, act(people.ana), OCTOBER, settings)
    bill = (await bills_of(session, customer))[-1]
    assert bill.status == (State.APPROVED if passes else State.PENDING)


async def test_above_the_bound_both_have_to_agree_whichever_way_the_amount_points(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(
        session,
        act(people.ana),
        second_approval_above=Decimal("4999.99"),
        csm_id=people.kim.id,
        billing_email="billing@acme.example",
    )
    (facts,) = await load_bill_details(session, [bill.id])
    assert [one.slot for one in facts.needed] == ["csm", "sales"]
    assert facts.both_above == Decimal("4999.99")
    with pytest.raises(NotAllowed, match="Only its CSM or Sales"):
        await approve_bill(session, bill.id, 1, act(people.lee))
    await approve_bill(session, bill.id, 1, act(people.kim))
    assert bill.status == State.PENDING
    await approve_bill(session, bill.id, 1, act(people.sam))
    assert bill.status == State.APPROVED
    await go_out(session, people, bill)
    done = await correct_usage(session, later(act(people.ana), days=1), bill.customer_id, 99_000)
    (facts,) = await load_bill_details(session, list(done.proposed))
    assert (facts.kind, facts.amount) == (BillKind.CREDIT, Decimal("-5000.00"))
    assert [one.slot for one in facts.needed] == ["csm", "sales"]


async def test_below_the_bound_again_one_word_is_enough(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), second_approval_above=Decimal(4000))
    await correct_usage(session, act(people.ana), bill.customer_id, 130_000)
    await session.refresh(bill)
    await approve_bill(session, bill.id, bill.version, act(people.lee))
    assert bill.status == State.APPROVED


async def test_a_delegate_decides_in_the_place_of_whoever_is_away_and_the_action_shows_both(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), csm_id=people.kim.id, require_csm_approval=True)
    with pytest.raises(NotAllowed, match="Only its CSM may"):
        await approve_bill(session, bill.id, 1, act(people.lee))
    until = NOW.date() + timedelta(days=3)
    await mark_away(session, act(people.kim), until, people.lee)
    await reroute_open_bills(session, act(people.system))
    assert [line.id for line in (await bills_waiting_for(session, people.lee)).lines] == [bill.id]
    assert await places(session) == {f"user:{people.kim.id}", f"user:{people.lee.id}"}
    (facts,) = await load_bill_details(session, [bill.id])
    (needed,) = facts.needed
    assert needed.away and needed.delegate
    assert (needed.away.name, needed.delegate.name) == ("Kim", "Lee")
    action = await approve_bill(session, bill.id, 1, act(people.lee))
    assert (action.stakeholder_id, action.acted_for_id) == (people.lee.id, people.kim.id)
    assert bill.status == State.APPROVED


async def test_a_delegates_word_counts_up_to_the_last_day_and_not_after_it(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), csm_id=people.kim.id, require_csm_approval=True)
    await mark_away(session, act(people.kim), NOW.date(), people.sam)
    tomorrow = NOW + timedelta(days=1)
    with pytest.raises(NotAllowed, match="Only its CSM"):
        await approve_bill(session, bill.id, 1, act(people.sam, tomorrow))
    assert await end_absences(session, clock(people)) == 0
    assert await end_absences(session, clock(people, tomorrow)) == 1
    assert (await session.get_one(User, people.kim.id)).away_until is None
    assert not await mark_back(session, act(people.kim))


async def test_only_somebody_who_can_decide_is_named_and_only_for_days_to_come(
    session: AsyncSession, people: People
) -> None:
    today = NOW.date()
    with pytest.raises(NotAllowed, match="Your role is Finance"):
        await mark_away(session, act(people.ana), today, people.kim)
    for delegate, until, what in (
        (people.kim, today, "somebody else"),
        (people.max, today, "may not approve"),
        (people.lee, today - timedelta(days=1), "from today on"),
        (people.lee, date(2028, 1, 1), "within a year"),
    ):
        with pytest.raises((Invalid, NotAllowed), match=what):
            await mark_away(session, act(people.kim), until, delegate)
    await mark_away(session, act(people.lee), today, people.sam)
    with pytest.raises(
        Invalid, match=rf"Lee is away too, .* {today.day} [A-Z][a-z]+ {today.year}\."
    ):
        await mark_away(session, act(people.kim), today, people.lee)


async def test_a_delegate_who_goes_away_too_hands_on_whom_they_stand_in_for(
    session: AsyncSession, people: People
) -> None:
    today = NOW.date()
    bill = await bill_for(session, act(people.ana), csm_id=people.kim.id, require_csm_approval=True)
    await mark_away(session, act(people.kim), today, people.lee)
    await mark_away(session, act(people.lee), today, people.sam)
    with pytest.raises(Invalid, match="Kim is away too"):
        await mark_away(session, act(people.sam), today, people.kim)
    await mark_back(session, act(people.lee))
    await approve_bill(session, bill.id, 1, act(people.sam))
    approved = (await actions_of(session, bill.id))[-1]
    assert (approved.stakeholder_id, approved.acted_for_id) == (people.sam.id, people.kim.id)
    await prove(session, bill.id)


async def test_a_correction_as_small_as_that_passes_by_itself(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), billing_email="billing@acme.example")
    await approve_bill(session, bill.id, 1, act(people.kim))
    await go_out(session, people, bill)
    (await session.get_one(Customer, bill.customer_id)).auto_approve_below = Decimal(100)
    await correct_usage(session, later(act(people.ana), days=1), bill.customer_id, 150_999)
    small = (await bills_of(session, bill.customer_id))[-1]
    assert (small.status, small.overage_amount) == (State.APPROVED, Decimal("99.90"))
    await prove(session, small.id)


async def test_a_delegate_who_is_needed_too_gives_their_own_word_first(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(
        session, act(people.ana), csm_id=people.kim.id, sales_id=people.sam.id, **BOTH
    )
    await mark_away(session, act(people.kim), NOW.date(), people.sam)
    (facts,) = await load_bill_details(session, [bill.id])
    assert waits_for(facts.needed) == "Waits for Kim (CSM) who is away and Sam (Sales)"
    own = await approve_bill(session, bill.id, 1, act(people.sam))
    assert (own.snapshot["part"], own.acted_for_id) == ("sales", None)
    with pytest.raises(NotAllowed, match="somebody else has to, too"):
        await approve_bill(session, bill.id, 1, act(people.sam))
    await approve_bill(session, bill.id, 1, act(people.kim))
    assert bill.status == State.APPROVED


async def test_an_approval_given_before_less_is_asked_for_can_be_given_again(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), csm_id=people.kim.id, **BOTH)
    await approve_bill(session, bill.id, 1, act(people.kim))
    customer = await session.get_one(Customer, bill.customer_id)
    customer.require_csm_approval = customer.require_sales_approval = False
    await session.flush()
    await approve_bill(session, bill.id, 1, act(people.kim))
    assert bill.status == State.APPROVED
    await prove(session, bill.id)


async def leave(session: AsyncSession, who: User) -> None:
    (await session.get_one(User, who.id)).active = False
    await session.flush()


async def test_what_the_rule_approves_needs_nobody_else(
    session: AsyncSession, people: People
) -> None:
    await leave(session, people.kim)
    gone = {"csm_id": people.kim.id, "require_csm_approval": True}
    small = await bill_for(
        session, act(people.ana), auto_approve_below=Decimal(9000), **MAIL, **gone
    )
    assert small.status == State.APPROVED
    other = await bill_for(session, act(people.ana), "Other", **gone)
    assert (other.status, other.hold_reason) == (State.HELD, HoldReason.NO_APPROVER)
    await go_out(session, people, small)
    done = await correct_usage(session, later(act(people.ana), days=1), small.customer_id, 160_000)
    assert done.passed == done.proposed
    assert done.outcomes == {"passed": done.passed}


async def test_finance_hears_of_each_correction_what_became_of_it(
    session: AsyncSession, people: People
) -> None:
    """One that the rule approved waits for nobody, and one that is held is not to be approved."""
    bill = await approved(session, people, csm_id=people.kim.id)
    await go_out(session, people, bill)
    await leave(session, people.kim)
    done = await correct_usage(session, later(act(people.ana), days=1), bill.customer_id, 160_000)
    assert done.outcomes == {"proposed": done.proposed}
    await session.execute(sa.text("update customers set require_csm_approval = true"))
    done = await correct_usage(session, later(act(people.ana), days=2), bill.customer_id, 165_000)
    assert (done.outcomes, done.invalidated) == ({"held": done.held}, ())
