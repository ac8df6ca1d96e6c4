"""Where a bill stands, as told by its actions alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from models.bills.history import BillAction
from models.bills.snapshots import SLOT
from models.bills.states import REMARKS, State, Verb
from models.people.permissions import Permission
from models.people.users import User


@dataclass(frozen=True)
class Approval:
    """One requirement met: `slot` is `csm`, `sales` or `any`."""

    action_id: int
    slot: str
    user_id: int


@dataclass(frozen=True)
class BillState:
    """Where a bill stands, as told by its actions alone."""

    status: State
    version: int
    hold_reason: str | None = None
    approvals: tuple[Approval, ...] = ()
    decisions: tuple["Decision", ...] = ()

    @property
    def last_decision(self) -> "Decision | None":
        return self.decisions[-1] if self.decisions else None


@dataclass(frozen=True)
class Decision:
    """A decision that stands, and what stood before it. `moved`: the bill's version went up.

    `before` is the standing, `figures` those of the bill, which a decision that did not move it
    left alone: None.
    """

    action_id: int
    verb: Verb
    user_id: int
    moved: bool
    before: BillState = field(repr=False)
    figures: dict[str, Any] | None = field(default=None, repr=False)


def replay(actions: Iterable[BillAction]) -> BillState:
    """Tell from its actions, oldest first, where a bill stands. The stored row must agree."""
    state: BillState | None = None
    for action in actions:
        state = apply_action(state, action)
    if state is None:
        raise ValueError("a bill without actions does not exist")
    return state


def apply_action(state: BillState | None, action: BillAction) -> BillState:
    """Where a bill stands after one more action; `state` None where that is its first."""
    verb = Verb(action.action)
    if state is None:
        reason = action.snapshot["after"]["hold_reason"]
        status = State.HELD if reason else State.PENDING
        return BillState(status, action.bill_version, reason)
    if verb in REMARKS:
        return state
    told = replace(_EFFECTS.get(verb, _move)(state, action), version=action.bill_version)
    if verb is Verb.SEND_FAILED and _number_before(action) is None:
        return replace(told, decisions=_decisions_before_sending(state))
    if not is_decision(action):
        return replace(told, decisions=())
    moved = action.bill_version > state.version
    figures = action.snapshot.get("before") if moved else None
    decision = Decision(action.id, verb, action.stakeholder_id, moved, state, figures)
    return replace(told, decisions=(*told.decisions, decision))


_DECISIONS = {
    Verb.RELEASE,
    Verb.APPROVE,
    Verb.AUTO_APPROVE,
    Verb.REJECT,
    Verb.REVISE,
    Verb.SEND,
    Verb.VOID,
    Verb.UNDO,
}


def is_decision(action: BillAction) -> bool:
    """Whether an action can be undone: a decision by people, or by their rule, before `issue`.

    What Countersign does for a `cause` of its own is none, and neither is the approval that a
    voided bill's credit has from the voiding.
    """
    by_itself = "cause" in action.snapshot
    return action.action in _DECISIONS and not by_itself and _number_before(action) is None


def _number_before(action: BillAction) -> str | None:
    number: str | None = (action.snapshot.get("before") or {}).get("number")
    return number


def _decisions_before_sending(state: BillState) -> tuple[Decision, ...]:
    """What stood before a bill was sent that never got a number: all of it is as it was."""
    sent = state.last_decision
    return sent.before.decisions if sent and sent.before.status is State.APPROVED else ()


def _move(state: BillState, action: BillAction) -> BillState:
    to = action.snapshot["after"]
    return replace(state, status=State(to["status"]), hold_reason=to["hold_reason"])


def _approve(state: BillState, action: BillAction) -> BillState:
    approval = Approval(action.id, action.snapshot[SLOT], action.stakeholder_id)
    moved = action.bill_version > state.version
    status = State.APPROVED if moved else state.status
    others = tuple(a for a in state.approvals if a.slot != approval.slot)
    return replace(state, status=status, approvals=(*others, approval))


def _begin_anew(state: BillState, action: BillAction) -> BillState:
    return replace(_move(state, action), approvals=())


def _undo(state: BillState, action: BillAction) -> BillState:
    return without(state, action.reverses_id)


def without(state: BillState, action_id: int | None) -> BillState:
    """The standing as it would be had that decision not been taken.

    The last decision gives way to what stood before it; an earlier approval is taken out from
    under the later one, and the bill waits for that approval again.
    """
    decision = next(d for d in state.decisions if d.action_id == action_id)
    if decision is state.last_decision:
        return decision.before
    return replace(
        state,
        status=State.PENDING,
        approvals=tuple(a for a in state.approvals if a.action_id != action_id),
        decisions=tuple(d for d in state.decisions if d.action_id != action_id),
    )


def undoable(state: BillState, user: User) -> Decision | None:
    """The decision this person may undo now, if there is one."""
    last = state.last_decision
    if user.can(Permission.UNDO_ANY):
        return last
    own = (d for d in reversed(state.decisions) if d.user_id == user.id)
    return next((d for d in own if d is last or d.action_id in _withdrawable(state)), None)


def _withdrawable(state: BillState) -> set[int]:
    """Approvals that can be taken out from under a later decision.

    None from under a rejection: that would be a way for somebody else to lift it. And none from
    under what Finance did with the approved bill.
    """
    if state.status not in (State.PENDING, State.APPROVED):
        return set()
    return {approval.action_id for approval in state.approvals}


def gives_back_anothers_word(state: BillState, decision: Decision, user: User) -> bool:
    """Whether undoing it gives an approval again that its author took back, who is another."""
    if decision.verb is not Verb.UNDO or decision.user_id == user.id:
        return False
    standing = {approval.action_id for approval in state.approvals}
    back = [one for one in decision.before.approvals if one.action_id not in standing]
    return any(one.user_id == decision.user_id for one in back)


_EFFECTS = {
    Verb.APPROVE: _approve,
    Verb.UNDO: _undo,
    Verb.HOLD: _begin_anew,
    Verb.REVISE: _begin_anew,
    Verb.INVALIDATE: _begin_anew,
}
