"""Approve and reject: what those whose word a bill needs say to it."""

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approvals import set_approvals
from models.actions.loaded_bill import Change, LoadedBill, load_for
from models.bills.approvers import acted_for, can_fill, delegate_for, named_for, required_slots
from models.bills.history import BillAction
from models.bills.replay import Approval
from models.bills.snapshots import bill_snapshot
from models.bills.states import RejectReason, State, Verb
from models.context import Context
from models.errors import NotAllowed, Stale
from models.outbox.notifications import notify_approved, notify_rejected
from models.people.permissions import Role
from models.people.users import User, users_with_role
from models.text import reason_text


async def approve_bill(
    session: AsyncSession, bill_id: int, version: int, context: Context
) -> BillAction:
    """Give one of the required approvals; with the last of them the bill is approved."""
    loaded = await load_for(session, bill_id, Verb.APPROVE, context, version)
    slot = await _slot_to_fill(loaded, context)
    others = tuple(a for a in loaded.state.approvals if a.slot != slot)
    complete = {slot, *(approval.slot for approval in others)} >= set(
        required_slots(loaded.approvers)
    )
    seen = {} if complete else {"after": bill_snapshot(loaded.bill)}
    action = await loaded.record(
        Verb.APPROVE,
        context,
        Change(State.APPROVED) if complete else None,
        acted_for=acted_for(slot, loaded.approvers, context.user),
        snapshot={"part": slot, **seen},
    )
    await set_approvals(session, bill_id, (*others, Approval(action.id, slot, context.user.id)))
    if complete:
        await notify_approved(session, bill_id, action.id, await _generators(loaded))
    return action


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
    slot = await check_approver(loaded, context, "reject")
    action = await loaded.record(
        Verb.REJECT,
        context,
        Change(State.REJECTED),
        comment=reason_text(words),
        acted_for=acted_for(slot, loaded.approvers, context.user),
        snapshot={"reason_code": code},
    )
    await notify_rejected(session, bill_id, action.id, await _generators(loaded))
    return action


async def _slot_to_fill(loaded: LoadedBill, context: Context) -> str:
    """The missing requirement that this person meets.

    Where none is missing any more, because fewer are asked for by now, their own once again.
    """
    await check_approver(loaded, context, "approve")
    given = {approval.slot: approval.action_id for approval in loaded.state.approvals}
    required = required_slots(loaded.approvers)
    theirs = [slot for slot in required if await _fills(loaded, slot, context)]
    missing = [slot for slot in theirs if slot not in given]
    if missing and context.user.id in {
        a.user_id for a in loaded.state.approvals if a.slot in required
    }:
        raise NotAllowed("You approved this bill in another role; somebody else has to, too.")
    if missing or given.keys() >= set(required):
        return _own_first(missing or theirs, loaded, context)
    first = next(action for action in loaded.actions if action.id == given[theirs[0]])
    raise Stale("It waits for somebody else now.", earlier=await loaded.earlier(first, context))


def _own_first(parts: list[str], loaded: LoadedBill, context: Context) -> str:
    """Somebody's own word comes before what they say for somebody who is away."""
    return min(parts, key=lambda slot: acted_for(slot, loaded.approvers, context.user) is not None)


async def check_approver(loaded: LoadedBill, context: Context, verb: str) -> str:
    """Only those whose approval the bill needs decide on it, and nobody who made its figures.

    Returns the first of the requirements that this person can meet.
    """
    if context.user.id in loaded.made_by:
        made = "generated" if loaded.generated_by == context.user.id else "revised"
        raise NotAllowed(f"You {made} this bill, so somebody else has to decide on it.")
    parts = required_slots(loaded.approvers)
    theirs = [slot for slot in parts if await _fills(loaded, slot, context)]
    if theirs:
        return _own_first(theirs, loaded, context)
    who = " or ".join([await _who_fills(loaded, slot) for slot in parts])
    raise NotAllowed(f"Only {who} may {verb} this bill.")


async def _fills(loaded: LoadedBill, slot: str, context: Context) -> bool:
    """Whether their word counts today: a delegate's does as long as somebody is away."""
    if not can_fill(slot, loaded.approvers, context.user):
        return False
    away_id = acted_for(slot, loaded.approvers, context.user)
    if away_id is None or slot == "any":
        return True
    return (await loaded.session.get_one(User, away_id)).is_away(context.today)


async def _who_fills(loaded: LoadedBill, slot: str) -> str:
    title = {"csm": "its CSM", "sales": "its salesperson", "any": "Customer Success or Sales"}[slot]
    named = named_for(slot, loaded.approvers)
    if named is None:
        return {"csm": "Customer Success", "sales": "Sales"}.get(slot, title)
    delegate = delegate_for(slot, loaded.approvers)[1]
    users = [
        await loaded.session.get_one(User, one) for one in (named, delegate) if one is not None
    ]
    return f"{title}, {' or '.join(user.name for user in users)},"


async def _generators(loaded: LoadedBill) -> list[User]:
    """Who hears how it went: whoever generated the bill; all of Finance if that was nobody."""
    user = await loaded.session.get_one(User, loaded.generated_by)
    return await users_with_role(loaded.session, Role.FINANCE) if user.is_system else [user]
