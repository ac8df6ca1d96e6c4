"""Void and reissue: a bill taken out of the world, and its month billed again."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.hold import hold_bill
from models.actions.loaded_bill import Change, LoadedBill, load_for
from models.actions.next_steps import next_steps
from models.actions.revise import check_has_price, correction_kind, is_nothing_to_bill
from models.bills.bill import Bill, bill_of_month, get_bill, lock_month
from models.bills.figures import Billed, Figures, billed_so_far, figures_again
from models.bills.history import BillAction
from models.bills.hold_rules import hold_reason_of
from models.bills.states import BillKind, Cause, HoldReason, State, Verb
from models.context import Context, as_system
from models.errors import NextStep, Step, WrongState
from models.outbox.cards import add_cards, redraw_cards_of_relatives
from models.text import reason_text

RULE_VOID = "void"
"""The rule by which the credit for a voided bill is approved: the voiding itself."""


class Voided(NamedTuple):
    """The voiding, and the credit made for what had gone out."""

    action: BillAction
    credit_id: int | None


async def void_bill(
    session: AsyncSession, bill_id: int, version: int, context: Context, words: str
) -> Voided:
    """Make a bill void, with a reason; its number stays in the series.

    What has gone out of it, and of its corrections, is credited as a whole: the credit is approved
    by this voiding, and Finance sends it like any other bill. Corrections that have not gone out
    are void with it.
    """
    loaded = await load_for(session, bill_id, Verb.VOID, context, version)
    corrections = await check_void(loaded, context, lock=True)
    for one in corrections:
        if one.status not in (State.SENT, State.VOID):
            await _void_by_itself(session, one.id, context, Cause.VOID_WITH, bill_id)
    action = await loaded.record(Verb.VOID, context, Change(State.VOID), comment=reason_text(words))
    billed = await billed_so_far(session, bill_id)
    if not billed.amount:
        return Voided(action, None)
    latest = [loaded.bill, *(one for one in corrections if one.status == State.SENT)][-1]
    return Voided(action, await _credit(loaded, context, action, billed, latest))


async def _void_by_itself(
    session: AsyncSession, bill_id: int, context: Context, cause: Cause, because_of: int
) -> None:
    """Make a bill void as `system`, because of what was done to another one."""
    automatic = await as_system(session, context)
    loaded = await load_for(session, bill_id, Verb.VOID, automatic)
    snapshot = {"cause": cause, "bill": because_of}
    await loaded.record(Verb.VOID, automatic, Change(State.VOID), snapshot=snapshot)


async def check_void(loaded: LoadedBill, context: Context, *, lock: bool = False) -> list[Bill]:
    """The corrections of this bill; refuses what is on its way out or cannot be void."""
    bill = loaded.bill
    if bill.status == State.SENDING and bill.number is not None:
        steps = await next_steps(loaded, context, Verb.DELIVER, Verb.SEND)
        raise WrongState(_on_its_way(bill), steps)
    if loaded.is_credit_for_void:
        raise WrongState(
            "This credit is for a bill that had gone out and is void now, so the customer has to "
            "get it.",
            await next_steps(loaded, context, Verb.SEND),
        )
    if bill.kind == BillKind.CREDIT and bill.status == State.SENT:
        raise WrongState(
            "A credit note that has gone out stays.", await _instead_of_credit(loaded, context)
        )
    if loaded.corrects_void:
        raise WrongState("The bill that this one corrects is void, and all of it was credited.")
    await _check_no_newer_correction(loaded)
    corrections = await _corrections(loaded.session, bill.id, lock)
    for one in corrections:
        if one.status == State.SENDING and one.number is not None:
            raise WrongState(f"Its correction comes first. {_on_its_way(one)}")
    return corrections


async def _instead_of_credit(loaded: LoadedBill, context: Context) -> list[NextStep]:
    """To bill more again, or to begin anew with the bill that it corrects."""
    steps = [*await next_steps(loaded, context, Step.RECORD_USAGE)]
    if loaded.bill.adjusts_id is not None and not loaded.corrects_void:
        parts = await _corrections(loaded.session, loaded.bill.adjusts_id, lock=False)
        root = await get_bill(loaded.session, loaded.bill.adjusts_id)
        if not any(one.status == State.SENDING and one.number for one in (root, *parts)):
            steps.append(NextStep(Verb.VOID, root.id))
    return steps


async def _check_no_newer_correction(loaded: LoadedBill) -> None:
    """An open correction is the difference to all that was issued, and so rests on it."""
    bill = loaded.bill
    if bill.adjusts_id is None or bill.number is None:
        return
    corrections = await _corrections(loaded.session, bill.adjusts_id, lock=False)
    newer = next(
        (one for one in corrections if one.number is None and one.status != State.VOID), None
    )
    if newer is not None:
        raise WrongState(
            f"Bill #{newer.id} corrects the same month and rests on this one.",
            [NextStep(Step.SEE_THROUGH, newer.id), NextStep(Verb.VOID, newer.id)],
        )


def _on_its_way(bill: Bill) -> str:
    on_its_way = f"Bill #{bill.id} is on its way out as {bill.number}."
    return f"{on_its_way} It can be made void once it has arrived or failed."


async def _corrections(session: AsyncSession, bill_id: int, lock: bool) -> list[Bill]:
    """Adjustments and credits of a bill, locked in the order of their ids."""
    query = sa.select(Bill).where(Bill.adjusts_id == bill_id).order_by(Bill.id)
    query = query.execution_options(populate_existing=True)
    return list(await session.scalars(query.with_for_update(key_share=True) if lock else query))


async def _credit(
    loaded: LoadedBill, context: Context, voiding: BillAction, billed: Billed, latest: Bill
) -> int:
    """The bill that takes back what went out, lastly with the figures of `latest`; nobody is asked
    about it once more.
    """
    told = {"cause": Cause.VOID, "void": voiding.id}
    takes_back = billed.amount.copy_negate()
    columns = {
        "kind": correction_kind(takes_back),
        "adjusts_id": loaded.bill.id,
        "api_usage": latest.api_usage,
        "monthly_api_limit": latest.monthly_api_limit,
        "overage_units": -billed.units,
        "overage_unit_cost": latest.overage_unit_cost,
        "overage_amount": takes_back,
        "currency": loaded.bill.currency,
        "waived_units": billed.waived_units,
    }
    credit = await loaded.begin_another(Verb.GENERATE, context, columns, snapshot=told)
    automatic = await as_system(loaded.session, context)
    opened = await load_for(loaded.session, credit.id, Verb.AUTO_APPROVE, automatic)
    await opened.record(
        Verb.AUTO_APPROVE, automatic, Change(State.APPROVED), snapshot={"rule": RULE_VOID, **told}
    )
    return credit.id


async def reissue_bill(
    session: AsyncSession, bill_id: int, version: int, context: Context, words: str
) -> int:
    """Bill a month again whose bill is void, with the figures of now; returns the new bill's id.

    It is held where there is a cause, but for a jump: somebody looked at that. Refuses corrections,
    which are proposed by themselves, and a month that has a live bill.
    """
    loaded = await load_for(session, bill_id, Verb.REISSUE, context, version)
    await lock_month(session, loaded.bill)
    now = await check_reissue(loaded, context)
    columns = now.as_columns() | {"replaces_id": bill_id}
    bill = await loaded.begin_another(Verb.REISSUE, context, columns, comment=reason_text(words))
    await redraw_cards_of_relatives(session, [bill.id])
    cause = await hold_reason_again(loaded)
    if cause is not None:
        await hold_bill(session, bill.id, await as_system(session, context), cause)
    await add_cards(session, bill.id, context.settings.approvals_channel)
    return bill.id


async def hold_reason_again(loaded: LoadedBill) -> HoldReason | None:
    """Why the month's next bill would be held."""
    return await hold_reason_of(loaded.session, loaded.bill.customer_id, loaded.bill.period)


async def check_reissue(loaded: LoadedBill, context: Context) -> Figures:
    """The figures that the new bill would have."""
    bill = loaded.bill
    if bill.kind != BillKind.OVERAGE:
        raise WrongState(
            "A correction is not billed again: it is proposed anew once the figures of its month "
            "change.",
            await next_steps(loaded, context, Verb.UNDO, Step.RECORD_USAGE),
        )
    state = await bill_of_month(loaded.session, bill.customer_id, bill.period)
    if state.status != State.VOID:
        raise WrongState(f"Bill #{state.id} stands for this month already.")
    now = await figures_again(loaded.session, bill.id)
    if now is None or is_nothing_to_bill(bill, now):
        raise WrongState(
            "Usage and terms leave nothing to bill for this month.",
            await next_steps(loaded, context, Step.RECORD_USAGE),
        )
    check_has_price(loaded, now)
    return now
