"""Approve and reject: what those whose word a bill needs say to it."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.loaded_bill import Change, LoadedBill, load_for
from models.bills.approvers import (
    SLOT_ROLES,
    SLOT_TITLES,
    Slot,
    eligible,
    slot_to_fill,
    who_decides,
)
from models.bills.history import BillAction
from models.bills.snapshots import SLOT, bill_snapshot
from models.bills.states import RejectReason, State, Verb
from models.context import Context
from models.errors import NotAllowed, Stale
from models.named_people import WhoCan
from models.outbox.notifications import approved, rejected
from models.text import reason_text, remark_text


async def approve_bill(
    session: AsyncSession, bill_id: int, version: int, context: Context, words: str | None = None
) -> BillAction:
    """Give one of the required approvals, with a word on it where there is one to say; with the
    last of them the bill is approved.
    """
    loaded = await load_for(session, bill_id, Verb.APPROVE, context, version)
    slot = await check_approve(loaded, context)
    complete = all(one is slot or one.given_action_id for one in loaded.approvers.slots)
    seen = {} if complete else {"after": bill_snapshot(loaded.bill)}
    return await loaded.record(
        Verb.APPROVE,
        context,
        Change(State.APPROVED, news=approved(loaded.generated_by)) if complete else None,
        comment=remark_text(words),
        acted_for=slot.acted_for(context.user),
        snapshot={SLOT: slot.slot, **seen},
    )


async def reject_bill(
    session: AsyncSession,
    bill_id: int,
    version: int,
    context: Context,
    code: RejectReason,
    words: str,
) -> BillAction:
    """Reject on behalf of any of the required approvers; needs a reason in words."""
    loaded = await load_for(session, bill_id, Verb.REJECT, context, version)
    slot = await check_reject(loaded, context)
    return await loaded.record(
        Verb.REJECT,
        context,
        Change(State.REJECTED, news=rejected(loaded.generated_by)),
        comment=reason_text(words),
        acted_for=slot.acted_for(context.user),
        snapshot={"reason_code": code},
    )


async def check_approve(loaded: LoadedBill, context: Context) -> Slot:
    """The slot that this person fills."""
    theirs = await _slots_open_to(loaded, context, "approve")
    slots, approvals = loaded.approvers.slots, loaded.state.approvals
    slot = slot_to_fill(slots, theirs, context.user, approvals)
    if slot is not None:
        return slot
    if not all(one.given_action_id for one in theirs):
        told = "You approved this bill in another role; somebody else has to, too."
        raise NotAllowed(told, who_can=await _others(loaded, context))
    first = next(action for action in loaded.actions if action.id == theirs[0].given_action_id)
    raise Stale("It waits for somebody else now.", earlier=await loaded.earlier(first, context))


async def check_reject(loaded: LoadedBill, context: Context) -> Slot:
    """The first slot that this person could fill."""
    return (await _slots_open_to(loaded, context, "reject"))[0]


async def _slots_open_to(loaded: LoadedBill, context: Context, verb: str) -> Sequence[Slot]:
    """Only those whose approval the bill needs decide on it, and nobody who made its figures.

    Returns the slots that this person can fill, one at least.
    """
    slots = loaded.approvers.slots
    theirs = eligible(slots, context.user, loaded.made_by, context.today)
    if theirs:
        return theirs
    if context.user.id in loaded.made_by:
        made = "generated" if loaded.generated_by == context.user.id else "revised"
        told = f"You {made} this bill, so somebody else has to decide on it."
    else:
        told = f"Only {' or '.join(map(_who_fills, slots))} may {verb} this bill."
    raise NotAllowed(told, who_can=await _others(loaded, context))


def _who_fills(slot: Slot) -> str:
    return SLOT_TITLES[slot.slot] if slot.named else " or ".join(SLOT_ROLES[slot.slot])


async def _others(loaded: LoadedBill, context: Context) -> WhoCan | None:
    """Who decides on it in the place of whoever acts."""
    besides = {context.user.id, *loaded.made_by}
    return await who_decides(loaded.session, loaded.bill.id, besides)
