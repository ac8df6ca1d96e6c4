"""The verbs by which a bill is decided on: what a person says to it, recorded or refused.

Each takes the caller's transaction, locks the bill, checks role, version and state, appends one
BillAction and promises the announcements. A Refusal means that nothing was written.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from models import announce, approvals, cards, month_end, snapshots
from models.approvals import (
    acted_for,
    can_meet,
    named_for,
    required_parts,
    stand_in_for,
)
from models.bills import (
    Approval,
    BillAction,
    BillKind,
    HoldReason,
    RejectReason,
    State,
    Verb,
)
from models.case import Act, Case, Move, ago, open_case, reason
from models.people import Role, User, with_role
from models.refusals import Invalid, NotAllowed, Stale, WrongState


async def approve(session: AsyncSession, bill_id: int, version: int, act: Act) -> BillAction:
    """Give one of the required approvals; with the last of them the bill is approved."""
    case = await open_case(session, bill_id, Verb.APPROVE, act, version)
    part = await _part_to_meet(case, act)
    others = tuple(a for a in case.standing.approvals if a.part != part)
    complete = {part, *(approval.part for approval in others)} >= set(required_parts(case.desk))
    seen = {} if complete else {"after": snapshots.figures(case.bill)}
    action = await case.record(
        Verb.APPROVE,
        act,
        Move(State.APPROVED) if complete else None,
        acted_for=acted_for(part, case.desk, act.user),
        snapshot={"part": part, **seen},
    )
    await approvals.stand(session, bill_id, (*others, Approval(action.id, part, act.user.id)))
    if complete:
        await announce.approved(session, bill_id, action.id, await _generators(case))
    return action


async def reject(
    session: AsyncSession, bill_id: int, version: int, act: Act, code: RejectReason, words: str
) -> BillAction:
    """Reject on behalf of any of the required approvers; needs a reason in words."""
    case = await open_case(session, bill_id, Verb.REJECT, act, version)
    part = await refuse_outsider(case, act, "reject")
    action = await case.record(
        Verb.REJECT,
        act,
        Move(State.REJECTED),
        comment=reason(words),
        acted_for=acted_for(part, case.desk, act.user),
        snapshot={"reason_code": code},
    )
    await announce.rejected(session, bill_id, action.id, await _generators(case))
    return action


async def hold(session: AsyncSession, bill_id: int, act: Act, cause: HoldReason) -> BillAction:
    """Take a bill out of the queue for a cause that has come up; its approvals fall."""
    case = await open_case(session, bill_id, Verb.HOLD, act)
    refuse_issued(case)
    action = await case.record(Verb.HOLD, act, Move(State.HELD, hold_reason=cause))
    await approvals.fall(session, [bill_id], act.now)
    return action


async def release(
    session: AsyncSession, bill_id: int, version: int, act: Act, words: str | None
) -> BillAction:
    """Let a held bill go on to its approvers; needs a reason where the cause still stands.

    Whether a jump still is one depends on the company's own factor.
    """
    case = await open_case(session, bill_id, Verb.RELEASE, act, version)
    refuse_without_amount(case)
    cause = await cause_now(case, act)
    given = (words or "").strip()
    if cause is not None and not given:
        raise Invalid("The cause of the hold still stands, so a reason is needed.", "reason")
    action = await case.record(
        Verb.RELEASE, act, Move(State.PENDING), comment=reason(given) if given else None
    )
    await cards.of_bill(session, bill_id, act.rules.approvals_channel)
    return action


async def cause_now(case: Case, act: Act) -> HoldReason | None:
    """Why the bill would be held if it were made now."""
    if case.bill.kind != BillKind.OVERAGE:
        return HoldReason.NO_APPROVER if case.desk.undecidable else None
    factor = act.rules.jump_factor
    return await month_end.cause_of(case.session, case.customer.id, case.bill.period, factor)


def refuse_issued(case: Case) -> None:
    """What has its number keeps its figures and its approvals."""
    if case.bill.number is not None:
        raise WrongState(
            f"This bill was issued as {case.bill.number}, so its figures stay as they are."
        )


async def _part_to_meet(case: Case, act: Act) -> str:
    """The missing requirement that this person meets.

    Where none is missing any more, because fewer are asked for by now, their own once again.
    """
    await refuse_outsider(case, act, "approve")
    given = {approval.part: approval.action_id for approval in case.standing.approvals}
    required = required_parts(case.desk)
    theirs = [part for part in required if await _meets(case, part, act)]
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


def _own_first(parts: list[str], case: Case, act: Act) -> str:
    """Somebody's own word comes before what they say for somebody who is away."""
    return min(parts, key=lambda part: acted_for(part, case.desk, act.user) is not None)


async def refuse_outsider(case: Case, act: Act, verb: str) -> str:
    """Only those whose approval the bill needs decide on it, and nobody who made its figures.

    Returns the first of the requirements that this person can meet.
    """
    if act.user.id in case.made_by:
        made = "generated" if case.generated_by == act.user.id else "revised"
        raise NotAllowed(f"You {made} this bill, so somebody else has to decide on it.")
    parts = required_parts(case.desk)
    theirs = [part for part in parts if await _meets(case, part, act)]
    if theirs:
        return _own_first(theirs, case, act)
    who = " or ".join([await _who_meets(case, part) for part in parts])
    raise NotAllowed(f"Only {who} may {verb} this bill.")


async def _meets(case: Case, part: str, act: Act) -> bool:
    """Whether their word counts today: a delegate's does as long as somebody is away."""
    if not can_meet(part, case.desk, act.user):
        return False
    away_id = acted_for(part, case.desk, act.user)
    if away_id is None or part == "any":
        return True
    return (await case.session.get_one(User, away_id)).is_away(act.today)


async def _who_meets(case: Case, part: str) -> str:
    title = {"csm": "its CSM", "sales": "its salesperson", "any": "Customer Success or Sales"}[part]
    named = named_for(part, case.desk)
    if named is None:
        return {"csm": "Customer Success", "sales": "Sales"}.get(part, title)
    stand_in = stand_in_for(part, case.desk)[1]
    users = [await case.session.get_one(User, one) for one in (named, stand_in) if one is not None]
    return f"{title}, {' or '.join(user.name for user in users)},"


def refuse_without_amount(case: Case) -> None:
    if case.bill.overage_amount is None:
        raise WrongState(
            "This bill has no amount, because its customer had no price that month. "
            "Give the customer a price from that month on, and the bill is worked out anew."
        )


async def _generators(case: Case) -> list[User]:
    """Who hears how it went: whoever generated the bill; all of Finance if that was nobody."""
    user = await case.session.get_one(User, case.generated_by)
    return await with_role(case.session, Role.FINANCE) if user.is_system else [user]
