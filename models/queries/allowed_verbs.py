"""What can be done with a bill as it is drawn, by anybody and by one person.

Only for drawing: it is judged anew, by the verb itself, when somebody clicks. What it leaves out is
refused; what it offers can still be refused for what a card does not know.
"""

from collections.abc import Callable

from models.bills.approvers import eligible, slot_to_fill
from models.bills.replay import gives_back_anothers_word, undoable
from models.bills.states import TRANSITIONS, BillKind, State, Verb
from models.people.users import User
from models.queries.bill_details import BillDetails


def possible_verbs(facts: BillDetails) -> frozenset[Verb]:
    """What somebody, whoever that is, can do with the bill as it stands."""
    return frozenset(
        verb
        for verb, is_possible in _POSSIBLE.items()
        if facts.status in TRANSITIONS[verb].start and is_possible(facts)
    )


def allowed_verbs(facts: BillDetails, user: User) -> frozenset[Verb]:
    """Those of them that this person may do: by role, as an approver, as whoever decided."""
    return frozenset(verb for verb in possible_verbs(facts) if _may(facts, user, verb))


def _may(facts: BillDetails, user: User, verb: Verb) -> bool:
    permission = TRANSITIONS[verb].permission
    is_theirs = _THEIRS.get(verb)
    allowed = permission is None or user.can(permission)
    return allowed and (is_theirs is None or is_theirs(facts, user))


def _has_amount(facts: BillDetails) -> bool:
    return facts.amount is not None


def _leaves_something_to_bill(facts: BillDetails) -> bool:
    return not _balances(facts) and bool((facts.outdated or facts).amount)


def _can_be_void(facts: BillDetails) -> bool:
    out = facts.status is State.SENT and facts.kind == BillKind.CREDIT
    return not out and not _balances(facts) and not _is_between_issue_and_outcome(facts)


def _is_between_issue_and_outcome(facts: BillDetails) -> bool:
    both = ((facts.status, facts.number), *((one.status, one.number) for one in facts.corrections))
    return any(status is State.SENDING and number is not None for status, number in both)


def _balances(facts: BillDetails) -> bool:
    """Whether it takes back a bill that is void, which nobody can stop."""
    return facts.adjusts is not None and facts.adjusts.status is State.VOID


def _can_go_out(facts: BillDetails) -> bool:
    """Not ahead of what it corrects, and once more only where it did not, or may not, arrive."""
    is_its_turn = facts.adjusts is None or facts.adjusts.status in (State.SENT, State.VOID)
    again = {State.SENT: bool(facts.bounces), State.SENDING: facts.may_have_arrived}
    return is_its_turn and again.get(facts.status, True)


def _may_have_arrived(facts: BillDetails) -> bool:
    return facts.may_have_arrived


def _can_be_billed_again(facts: BillDetails) -> bool:
    return facts.kind == BillKind.OVERAGE and facts.replaced_by is None


def _has_a_decision_to_undo(facts: BillDetails) -> bool:
    """None under figures that are not those of today, nor where another bill stands."""
    other = facts.replaced_by is not None and facts.replaced_by.status is not State.VOID
    return bool(facts.decisions) and facts.outdated is None and not other


def _always(_: BillDetails) -> bool:
    return True


_POSSIBLE: dict[Verb, Callable[[BillDetails], bool]] = {
    Verb.APPROVE: _always,
    Verb.REJECT: _always,
    Verb.RELEASE: _has_amount,
    Verb.SEND: _can_go_out,
    Verb.DELIVER: _may_have_arrived,
    Verb.REVISE: _leaves_something_to_bill,
    Verb.REISSUE: _can_be_billed_again,
    Verb.UNDO: _has_a_decision_to_undo,
    Verb.VOID: _can_be_void,
    Verb.REASSIGN: _always,
}


def _fills_a_slot(facts: BillDetails, user: User) -> bool:
    theirs = eligible(facts.slots, user, facts.made_by, None)
    approvals = facts.state.approvals if facts.state else ()
    return slot_to_fill(facts.slots, theirs, user, approvals) is not None


def _is_approver(facts: BillDetails, user: User) -> bool:
    return bool(eligible(facts.slots, user, facts.made_by, None))


def _decided(facts: BillDetails, user: User) -> bool:
    decision = undoable(facts.state, user) if facts.state else None
    if facts.state is None or decision is None:
        return False
    return not gives_back_anothers_word(facts.state, decision, user)


_THEIRS: dict[Verb, Callable[[BillDetails, User], bool]] = {
    Verb.APPROVE: _fills_a_slot,
    Verb.REJECT: _is_approver,
    Verb.UNDO: _decided,
}
