"""Hold and release."""

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approvals import revoke_approvals
from models.actions.loaded_bill import Change, LoadedBill, load_for
from models.actions.next_steps import next_steps
from models.actions.revise import check_not_issued
from models.bills.history import BillAction
from models.bills.hold_rules import hold_reason_of, hold_reason_of_correction
from models.bills.states import BillKind, HoldReason, State, Verb
from models.context import Context
from models.errors import Invalid, NextStep, Step, WrongState
from models.outbox.cards import add_cards
from models.text import reason_text


async def hold_bill(
    session: AsyncSession, bill_id: int, context: Context, cause: HoldReason
) -> BillAction:
    """Take a bill out of the queue for a cause that has come up; its approvals fall."""
    loaded = await load_for(session, bill_id, Verb.HOLD, context)
    check_not_issued(loaded)
    action = await loaded.record(Verb.HOLD, context, Change(State.HELD, hold_reason=cause))
    await revoke_approvals(session, [bill_id], context.now)
    return action


async def release_bill(
    session: AsyncSession, bill_id: int, version: int, context: Context, words: str | None
) -> BillAction:
    """Let a held bill go on to its approvers; needs a reason where the cause still stands.

    Whether a jump still is one depends on the company's own factor.
    """
    loaded = await load_for(session, bill_id, Verb.RELEASE, context, version)
    await check_release(loaded, context)
    cause = await hold_reason_now(loaded, context)
    given = (words or "").strip()
    if cause is not None and not given:
        raise Invalid("The cause of the hold still stands, so a reason is needed.", "reason")
    action = await loaded.record(
        Verb.RELEASE, context, Change(State.PENDING), comment=reason_text(given) if given else None
    )
    await add_cards(session, bill_id, context.settings.approvals_channel)
    return action


async def hold_reason_now(loaded: LoadedBill, context: Context) -> HoldReason | None:
    """Why the bill would be held if it were made now."""
    if loaded.bill.kind != BillKind.OVERAGE:
        return await hold_reason_of_correction(
            loaded.session, loaded.bill, loaded.approvers.has_no_approver
        )
    bill, factor = loaded.bill, context.settings.jump_factor
    return await hold_reason_of(loaded.session, bill.customer_id, bill.period, factor, bill.id)


async def check_release(loaded: LoadedBill, context: Context) -> None:
    if loaded.bill.overage_amount is None:
        raise WrongState(
            "This bill has no amount, because its customer had no price that month; with one it is "
            "worked out anew by itself.",
            [
                NextStep(Step.IMPORT_PRICE),
                *await next_steps(loaded, context, Verb.VOID),
            ],
        )
