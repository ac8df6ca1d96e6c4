"""The verbs on one bill: what a person decides about it, recorded or refused.

Each takes the caller's transaction, locks the bill, checks role, version and state, appends one
BillAction and promises the announcements. A Refusal means that nothing was written.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from models import announce, approvals, bills, month_end
from models.approvals import can_meet, named_for, required_parts
from models.bills import (
    Approval,
    BillAction,
    Decision,
    HoldReason,
    RejectReason,
    Standing,
    State,
    Verb,
)
from models.case import Act, Case, ago, bounded, open_case
from models.people import Deed, Role, User, with_role
from models.refusals import Invalid, NotAllowed, Stale, WrongState

REASON_CHARS = 3_000
GONE = "That decision does not stand any more. Nothing was undone."


async def approve(session: AsyncSession, bill_id: int, version: int, act: Act) -> BillAction:
    """Give one of the required approvals; with the last of them the bill is approved."""
    act.user.must(Deed.APPROVE)
    case = await open_case(session, bill_id, Verb.APPROVE, act, version)
    part = await _part_to_meet(case, act)
    others = tuple(a for a in case.standing.approvals if a.part != part)
    complete = {part, *(approval.part for approval in others)} >= set(required_parts(case.desk))
    seen = {} if complete else {"after": bills.figures(case.bill)}
    action = await case.record(
        Verb.APPROVE, act, to=State.APPROVED if complete else None, snapshot={"part": part, **seen}
    )
    await approvals.stand(session, bill_id, (*others, Approval(action.id, part, act.user.id)))
    if complete:
        await announce.approved(session, bill_id, action.id, await _generators(case))
    return action


async def reject(
    session: AsyncSession, bill_id: int, version: int, act: Act, code: RejectReason, reason: str
) -> BillAction:
    """Reject on behalf of any of the required approvers; needs a reason in words."""
    act.user.must(Deed.REJECT)
    case = await open_case(session, bill_id, Verb.REJECT, act, version)
    await _refuse_outsider(case, act.user, "reject")
    action = await case.record(
        Verb.REJECT, act, to=State.REJECTED, comment=_reason(reason), snapshot={"reason_code": code}
    )
    await announce.rejected(session, bill_id, action.id, await _generators(case))
    return action


async def hold(session: AsyncSession, bill_id: int, act: Act, cause: HoldReason) -> BillAction:
    """Take a bill out of the queue for a cause that has come up; its approvals fall."""
    if not act.user.is_system:
        raise NotAllowed("Bills are held by Countersign itself, not by hand.")
    case = await open_case(session, bill_id, Verb.HOLD, act)
    action = await case.record(Verb.HOLD, act, to=State.HELD, hold_reason=cause)
    await approvals.stand(session, bill_id, ())
    return action


async def release(
    session: AsyncSession,
    bill_id: int,
    version: int,
    act: Act,
    reason: str | None,
    approvals_channel: str | None = None,
    *,
    jump_factor: float | None = None,
) -> BillAction:
    """Let a held bill go on to its approvers; needs a reason where the cause still stands.

    Whether a jump still is one depends on the company's own `jump_factor`.
    """
    act.user.must(Deed.RELEASE)
    case = await open_case(session, bill_id, Verb.RELEASE, act, version)
    _refuse_without_amount(case)
    cause = await month_end.cause_of(session, case.customer.id, case.bill.period, jump_factor)
    given = (reason or "").strip()
    if cause is not None and not given:
        raise Invalid("The cause of the hold still stands, so a reason is needed.", "reason")
    action = await case.record(
        Verb.RELEASE, act, to=State.PENDING, comment=_reason(given) if given else None
    )
    await announce.cards_of_bill(session, bill_id, approvals_channel)
    return action


async def undo(
    session: AsyncSession,
    bill_id: int,
    version: int,
    act: Act,
    reason: str,
    action_id: int | None = None,
) -> BillAction:
    """Reverse a decision: an author their own while it stands, Finance the last one.

    `action_id` names the decision that the person was looking at; by default the one that is
    theirs to undo. What stood before the decision stands again.
    """
    act.user.must(Deed.UNDO_OWN)
    case = await open_case(session, bill_id, Verb.UNDO, act, version)
    decision = undoable(case.standing, act.user)
    if decision is None or action_id not in (None, decision.action_id):
        raise await _no_undo(case, act, decision)
    if action_id is None and _left_the_version(decision):
        raise Stale(GONE)
    back = bills.without(case.standing, decision.action_id)
    action = await case.record(
        Verb.UNDO,
        act,
        to=back.status if back.status is not case.standing.status else None,
        hold_reason=back.hold_reason,
        comment=_reason(reason),
        reverses=decision.action_id,
    )
    await approvals.stand(session, bill_id, back.approvals)
    return action


_RIGHTS = {Verb.REJECT: Deed.REJECT, Verb.RELEASE: Deed.RELEASE, Verb.UNDO: Deed.UNDO_OWN}


async def foresee(
    session: AsyncSession, bill_id: int, verb: Verb, version: int | None, act: Act
) -> Decision | None:
    """Refuse what `verb` would refuse this person now, without waiting for a lock.

    For dialogs, which open before anything is decided. Returns what an undo would take back.
    """
    act.user.must(_RIGHTS[verb])
    case = await open_case(session, bill_id, verb, act, version, lock=False)
    if verb is Verb.REJECT:
        await _refuse_outsider(case, act.user, "reject")
    if verb is Verb.RELEASE:
        _refuse_without_amount(case)
    if verb is not Verb.UNDO:
        return None
    decision = undoable(case.standing, act.user)
    if decision is None:
        raise await _no_undo(case, act, decision)
    return decision


def undoable(standing: Standing, user: User) -> Decision | None:
    """The decision this person may undo now, if there is one."""
    last = standing.last_decision
    if user.may(Deed.UNDO_ANY):
        return last
    own = (d for d in reversed(standing.decisions) if d.user_id == user.id)
    return next((d for d in own if d is last or d.action_id in _withdrawable(standing)), None)


def _withdrawable(standing: Standing) -> set[int]:
    """Approvals that can be taken out from under a later decision. None under a rejection: that
    would be a way for somebody else to lift it."""
    if standing.status is State.REJECTED:
        return set()
    return {approval.action_id for approval in standing.approvals}


def _left_the_version(undo: Decision) -> bool:
    """Whether this undo moved no version, so that the version shown cannot tell if it was seen.

    Asked for without a name, a decision is then not given back: it may be the same click twice.
    """
    return undo.verb is Verb.UNDO and not undo.moved


async def _part_to_meet(case: Case, act: Act) -> str:
    """The missing requirement that this person meets.

    Where none is missing any more, because fewer are asked for by now, their own once again.
    """
    await _refuse_outsider(case, act.user, "approve")
    given = {approval.part: approval.action_id for approval in case.standing.approvals}
    required = required_parts(case.desk)
    theirs = [part for part in required if can_meet(part, case.desk, act.user)]
    missing = [part for part in theirs if part not in given]
    if missing and act.user.id in {a.user_id for a in case.standing.approvals}:
        raise NotAllowed("You approved this bill in another role; somebody else has to, too.")
    if missing or given.keys() >= set(required):
        return (missing or theirs)[0]
    first = next(action for action in case.actions if action.id == given[theirs[0]])
    by = await case.session.get_one(User, first.stakeholder_id)
    who = "You" if by.id == act.user.id else f"{by.name} ({by.role})"
    when = ago(first.created_at, act.now)
    raise Stale(f"{who} approved this bill {when}; it waits for somebody else now.")


async def _refuse_outsider(case: Case, user: User, verb: str) -> None:
    """Only those whose approval the bill needs decide on it, and never whoever generated it."""
    if case.generated_by == user.id:
        raise NotAllowed("You generated this bill, so somebody else has to decide on it.")
    parts = required_parts(case.desk)
    if any(can_meet(part, case.desk, user) for part in parts):
        return
    who = " or ".join([await _who_meets(case, part) for part in parts])
    raise NotAllowed(f"Only {who} may {verb} this bill.")


async def _who_meets(case: Case, part: str) -> str:
    title = {"csm": "its CSM", "sales": "its salesperson", "any": "Customer Success or Sales"}[part]
    named = named_for(part, case.desk)
    if named is None:
        return {"csm": "Customer Success", "sales": "Sales"}.get(part, title)
    return f"{title}, {(await case.session.get_one(User, named)).name},"


def _refuse_without_amount(case: Case) -> None:
    if case.bill.overage_amount is None:
        raise WrongState(
            "This bill has no amount, because its customer had no price that month. "
            "It cannot go out like this."
        )


async def _generators(case: Case) -> list[User]:
    """Who hears how it went: whoever generated the bill; all of Finance if that was nobody."""
    user = await case.session.get_one(User, case.generated_by)
    return await with_role(case.session, Role.FINANCE) if user.is_system else [user]


async def _no_undo(case: Case, act: Act, decision: Decision | None) -> Stale | NotAllowed:
    if case.standing.last_decision is None:
        return Stale("There is no decision on this bill that could be undone.")
    if decision is not None:
        return Stale(GONE)
    happened = await case.what_happened(act)
    return NotAllowed(f"{happened} Only whoever decided, or Finance, may undo that.")


def _reason(text: str | None) -> str:
    return bounded(text, REASON_CHARS, "A reason", "reason")
