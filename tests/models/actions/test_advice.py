"""What a refusal advises works, of bills of every kind and in every plight: it is done here."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill, reject_bill
from models.actions.hold import release_bill
from models.actions.recalculate import recalculate
from models.actions.revise import revise_bill
from models.actions.send import send_bill
from models.actions.undo import undo_decision
from models.actions.void import reissue_bill, void_bill
from models.bills.bill import Bill, get_bill
from models.bills.states import RejectReason, State, Verb
from models.context import Context
from models.errors import Invalid, NextStep, Refusal, Step
from models.outbox.notifications import Recalculation
from tests.harness.billing import (
    MAIL,
    approved,
    bills_of,
    correct_usage,
    go_out,
    issue,
    later,
    void,
)
from tests.harness.cast import People
from tests.harness.scene import NOW, act, bill_for, in_slack
from tests.models.actions.test_matrix import apart

Plight = Callable[[AsyncSession, People], Awaitable[Bill]]


async def sent(session: AsyncSession, people: People) -> Bill:
    bill = await approved(session, people)
    await go_out(session, people, bill)
    return bill


async def adjustment(session: AsyncSession, people: People, calls: int = 160_000) -> Bill:
    bill = await sent(session, people)
    await correct_usage(session, later(act(people.ana), hours=1), bill.customer_id, calls)
    return (await bills_of(session, bill.customer_id))[-1]


async def late_credit(session: AsyncSession, people: People) -> Bill:
    return await adjustment(session, people, 140_000)


async def approved_adjustment(session: AsyncSession, people: People) -> Bill:
    bill = await adjustment(session, people)
    await approve_bill(session, bill.id, bill.version, act(people.kim))
    return bill


async def rejected_adjustment(session: AsyncSession, people: People) -> Bill:
    bill = await adjustment(session, people)
    code = RejectReason.USAGE_WRONG
    await reject_bill(session, bill.id, bill.version, act(people.kim), code, "No")
    return bill


async def declined_adjustment(session: AsyncSession, people: People) -> Bill:
    bill = await adjustment(session, people)
    await void(session, bill, people.ana)
    return bill


async def sent_adjustment(session: AsyncSession, people: People) -> Bill:
    bill = await approved_adjustment(session, people)
    await go_out(session, people, bill)
    return bill


async def sent_adjustment_with_another(session: AsyncSession, people: People) -> Bill:
    bill = await sent_adjustment(session, people)
    await correct_usage(session, later(act(people.ana), hours=2), bill.customer_id, 170_000)
    return bill


async def sent_credit(session: AsyncSession, people: People) -> Bill:
    bill = await late_credit(session, people)
    await approve_bill(session, bill.id, bill.version, act(people.kim))
    await go_out(session, people, bill)
    return bill


async def void_with_credit(session: AsyncSession, people: People) -> Bill:
    bill = await sent(session, people)
    await void(session, bill, people.ana)
    return bill


async def credit_for_void(session: AsyncSession, people: People) -> Bill:
    credit = await void(session, await sent(session, people), people.ana)
    assert credit is not None
    return credit


async def sent_credit_for_void(session: AsyncSession, people: People) -> Bill:
    bill = await credit_for_void(session, people)
    await go_out(session, people, bill)
    return bill


async def billed_again(session: AsyncSession, people: People) -> Bill:
    bill = await void_with_credit(session, people)
    await reissue_bill(session, bill.id, bill.version, act(people.ana), "Again")
    return bill


async def void_unsent(session: AsyncSession, people: People) -> Bill:
    bill = await approved(session, people)
    await void(session, bill, people.ana)
    return bill


async def without_a_price(session: AsyncSession, people: People) -> Bill:
    return await bill_for(session, act(people.ana), overage_unit_cost=None, **MAIL)


async def without_an_address(session: AsyncSession, people: People) -> Bill:
    return await approved(session, people, billing_email=None)


async def without_overage(session: AsyncSession, people: People) -> Bill:
    bill = await bill_for(session, act(people.ana), **MAIL)
    await correct_usage(session, act(people.ana), bill.customer_id, 90_000)
    return bill


async def rejected_and_outdated(session: AsyncSession, people: People) -> Bill:
    bill = await bill_for(session, act(people.ana), **MAIL)
    await reject_bill(session, bill.id, 1, act(people.kim), RejectReason.OTHER, "No")
    await correct_usage(session, act(people.ana), bill.customer_id, 90_000)
    return bill


async def void_and_outdated(session: AsyncSession, people: People) -> Bill:
    bill = await void_unsent(session, people)
    await correct_usage(session, act(people.ana), bill.customer_id, 170_000)
    return bill


async def void_with_nothing_left(session: AsyncSession, people: People) -> Bill:
    """It went out, all of it was credited, and the rest of it was made void."""
    bill = await sent(session, people)
    by = later(act(people.ana), hours=1)
    (late,) = (await correct_usage(session, by, bill.customer_id, 90_000)).proposed
    credit = await get_bill(session, late)
    await approve_bill(session, credit.id, credit.version, act(people.kim))
    await go_out(session, people, credit, NOW + timedelta(hours=2))
    await void(session, bill, people.ana, NOW + timedelta(hours=3))
    return bill


async def void_with_rejected(session: AsyncSession, people: People) -> Bill:
    """Billed again, and that was rejected."""
    bill = await billed_again(session, people)
    again = (await bills_of(session, bill.customer_id))[-1]
    await reject_bill(session, again.id, 1, act(people.kim), RejectReason.OTHER, "No")
    return bill


async def on_its_way(session: AsyncSession, people: People) -> Bill:
    bill = await approved(session, people)
    await issue(session, people, bill)
    return bill


async def agreed(session: AsyncSession, people: People) -> Bill:
    bill = await bill_for(session, act(people.ana), **MAIL)
    await revise_bill(session, bill.id, 1, act(people.ana), "A promise", 30_000)
    return bill


PLIGHTS: tuple[Plight, ...] = (
    *(sent, adjustment, late_credit, approved_adjustment, rejected_adjustment),
    *(declined_adjustment, sent_adjustment, sent_adjustment_with_another, sent_credit),
    *(void_with_credit, credit_for_void, sent_credit_for_void, billed_again, void_unsent),
    *(without_a_price, without_an_address, without_overage, rejected_and_outdated),
    *(void_and_outdated, void_with_nothing_left, void_with_rejected, on_its_way, agreed),
)


async def revise(session: AsyncSession, bill: Bill, by: Context) -> None:
    """Anew; where that changes nothing, to other units, as its dialog asks for."""
    try:
        await revise_bill(session, bill.id, bill.version, by, "Anew")
    except Invalid:
        await revise_bill(session, bill.id, bill.version, by, "As agreed", 1)


Doing = Callable[[AsyncSession, Bill, Context], Awaitable[Any]]
DO: dict[str, Doing] = {
    Verb.RELEASE: lambda s, b, by: release_bill(s, b.id, b.version, by, "Looked into"),
    Verb.REVISE: revise,
    Verb.UNDO: lambda s, b, by: undo_decision(s, b.id, b.version, by, "By mistake"),
    Verb.SEND: lambda s, b, by: send_bill(s, b.id, b.version, by),
    Verb.VOID: lambda s, b, by: void_bill(s, b.id, b.version, by, "Wrong"),
    Verb.REISSUE: lambda s, b, by: reissue_bill(s, b.id, b.version, by, "Again"),
}

USAGE_THEN = {Step.USAGE_THEN_REISSUE: Verb.REISSUE, Step.USAGE_THEN_REVISE: Verb.REVISE}
LATE = NOW + timedelta(hours=5)
LONG_AFTER = NOW + timedelta(days=200)
NOTHING_TO_ADVISE = (
    *("is on its way out", "stands for this month already", "and all of it was credited"),
    *("It waits for approval", "has to be approved", "has gone out, and only", "and stays"),
    *(
        "To make it void",
        "had been issued when it was made void",
        "credit note that has gone out stays",
    ),
)


@pytest.mark.parametrize("when", [LATE, LONG_AFTER])
@pytest.mark.parametrize("plight", PLIGHTS, ids=lambda one: one.__name__)
async def test_what_finance_is_advised_can_be_done(
    session: AsyncSession, people: People, plight: Plight, when: Any
) -> None:
    bill = await plight(session, people)
    by = replace(act(people.ana), now=when)
    for verb, do in DO.items():
        async with apart(session) as attempt:
            try:
                await do(attempt, await get_bill(attempt, bill.id), by)
            except Refusal as refused:
                told = in_slack(refused)
                assert refused.next_steps or any(one in told for one in NOTHING_TO_ADVISE), told
                steps = refused.next_steps
            else:
                continue
        for step in steps:
            await works(session, step, by, bill, f"{verb}: {told}")


async def works(session: AsyncSession, step: NextStep, by: Context, bill: Bill, told: str) -> None:
    """Do what was advised, in a world apart."""
    async with apart(session) as attempt:
        if step.verb in DO:
            assert step.bill_id is not None
            assert f"/bill {step.verb} #{step.bill_id}`" in told
            await DO[step.verb](attempt, await get_bill(attempt, step.bill_id), by)
        elif step.verb == Step.RECORD_USAGE:
            done = await correct_usage(attempt, by, bill.customer_id, 300_000)
            left = Recalculation(
                reported=done.reported, unbilled=done.unbilled, rejected=done.rejected
            )
            assert done != left, told
        elif step.verb in USAGE_THEN:
            verb = USAGE_THEN[step.verb]
            assert step.bill_id is not None
            assert f"`/bill {verb} #{step.bill_id}`" in told
            await correct_usage(attempt, by, bill.customer_id, 300_000)
            await DO[verb](attempt, await get_bill(attempt, step.bill_id), by)
        elif step.verb == Step.IMPORT_PRICE:
            await attempt.execute(sa.text("update customer_terms set overage_unit_cost = 0.02"))
            await recalculate(attempt, by)
            assert (await get_bill(attempt, bill.id)).status == State.PENDING
        else:
            assert step.verb in (Step.IMPORT_BILLING_EMAIL, Step.SEE_THROUGH)


async def test_a_bill_that_waits_says_so_to_whoever_would_release_it(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana))
    with pytest.raises(Refusal) as refused:
        await release_bill(session, bill.id, 1, act(people.ana), None)
    assert in_slack(refused.value) == (
        "You generated this bill a moment ago. It waits for approval, and only a held bill is"
        f" released. Revise it with `/bill revise #{bill.id}`, or make it void with"
        f" `/bill void #{bill.id}`."
    )


async def test_a_credit_that_a_voiding_made_is_said_to_be_approved_by_that(
    session: AsyncSession, people: People
) -> None:
    credit = await credit_for_void(session, people)
    for do in (DO[Verb.RELEASE], DO[Verb.REVISE], DO[Verb.REISSUE]):
        with pytest.raises(Refusal) as refused:
            await do(session, credit, act(people.ana))
        told = in_slack(refused.value)
        assert "ago, because the bill that it takes back was made void." in told
        assert "rule" not in told


async def test_a_void_month_with_nothing_left_is_billed_again_once_its_usage_is_right(
    session: AsyncSession, people: People
) -> None:
    bill = await void_with_nothing_left(session, people)
    with pytest.raises(Refusal) as refused:
        await reissue_bill(session, bill.id, bill.version, act(people.ana), "Again")
    assert in_slack(refused.value) == (
        "Usage and terms leave nothing to bill for this month. Record the right usage, then bill"
        f" the month again with `/bill reissue #{bill.id}`."
    )
