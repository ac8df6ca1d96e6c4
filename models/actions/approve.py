"""Approve and reject: what those whose word a bill needs say to it."""

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approvals import set_approvals
from models.actions.loaded_bill import Change, LoadedBill, ago, load_for
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
    session: AsyncSession, bill_id: int, version: int, act: Context
) -> BillAction:
    """Give one of the required approvals; with the last of them the bill is approved."""
    case = await load_for(session, bill_id, Verb.APPROVE, act, version)
    part = await _slot_to_fill(case, act)
    others = tuple(a for a in case.standing.approvals if a.part != part)
    complete = {part, *(approval.part for approval in others)} >= set(required_slots(case.desk))
    seen = {} if complete else {"after": bill_snapshot(case.bill)}
    action = await case.record(
        Verb.APPROVE,
        act,
        Change(State.APPROVED) if complete else None,
        acted_for=acted_for(part, case.desk, act.user),
        snapshot={"part": part, **seen},
    )
    await set_approvals(session, bill_id, (*others, Approval(action.id, part, act.user.id)))
    if complete:
        await notify_approved(session, bill_id, action.id, await _generators(case))
    return action


async def reject_bill(
    session: AsyncSession, bill_id: int, version: int, act: Context, code: RejectReason, words: str
) -> BillAction:
    """Reject on behalf of any of the required approvers; needs a reason in words."""
    case = await load_for(session, bill_id, Verb.REJECT, act, version)
    part = await check_approver(case, act, "reject")
    action = await case.record(
        Verb.REJECT,
        act,
        Change(State.REJECTED),
        comment=reason_text(words),
        acted_for=acted_for(part, case.desk, act.user),
        snapshot={"reason_code": code},
    )
    await notify_rejected(session, bill_id, action.id, await _generators(case))
    return action


async def _slot_to_fill(case: LoadedBill, act: Context) -> str:
    """The missing requirement that this person meets.

    Where none is missing any more, because fewer are asked for by now, their own once again.
    """
    await check_approver(case, act, "approve")
    given = {approval.part: approval.action_id for approval in case.standing.approvals}
    required = required_slots(case.desk)
    theirs = [part for part in required if await _fills(case, part, act)]
    missing = [part for part in theirs if part not in given]
    if missing and act.user.id in {
        a.user_id for a in case.standing.approvals if a.part in required
    }:
        raise NotAllowed("You approved this bill in another role; somebody else has to, too.")
    if missing or given.keys() >= set(required):
        return _own_first(missing or theirs, case, act)
    first = next(action for action in case.actions if action.id == given[theirs[0]])
    who, when = await case.who(first, act), ago(first.created_at, act.now)
    raise Stale(f"{who} approved this bill {when}; it waits for somebody else now.")


def _own_first(parts: list[str], case: LoadedBill, act: Context) -> str:
    """Somebody's own word comes before what they say for somebody who is away."""
    return min(parts, key=lambda part: acted_for(part, case.desk, act.user) is not None)


async def check_approver(case: LoadedBill, act: Context, verb: str) -> str:
    """Only those whose approval the bill needs decide on it, and nobody who made its figures.

    Returns the first of the requirements that this person can meet.
    """
    if act.user.id in case.made_by:
        made = "generated" if case.generated_by == act.user.id else "revised"
        raise NotAllowed(f"You {made} this bill, so somebody else has to decide on it.")
    parts = required_slots(case.desk)
    theirs = [part for part in parts if await _fills(case, part, act)]
    if theirs:
        return _own_first(theirs, case, act)
    who = " or ".join([await _who_fills(case, part) for part in parts])
    raise NotAllowed(f"Only {who} may {verb} this bill.")


async def _fills(case: LoadedBill, part: str, act: Context) -> bool:
    """Whether their word counts today: a delegate's does as long as somebody is away."""
    if not can_fill(part, case.desk, act.user):
        return False
    away_id = acted_for(part, case.desk, act.user)
    if away_id is None or part == "any":
        return True
    return (await case.session.get_one(User, away_id)).is_away(act.today)


async def _who_fills(case: LoadedBill, part: str) -> str:
    title = {"csm": "its CSM", "sales": "its salesperson", "any": "Customer Success or Sales"}[part]
    named = named_for(part, case.desk)
    if named is None:
        return {"csm": "Customer Success", "sales": "Sales"}.get(part, title)
    stand_in = delegate_for(part, case.desk)[1]
    users = [await case.session.get_one(User, one) for one in (named, stand_in) if one is not None]
    return f"{title}, {' or '.join(user.name for user in users)},"


async def _generators(case: LoadedBill) -> list[User]:
    """Who hears how it went: whoever generated the bill; all of Finance if that was nobody."""
    user = await case.session.get_one(User, case.generated_by)
    return await users_with_role(case.session, Role.FINANCE) if user.is_system else [user]
