"""What could be done with a bill instead of what is refused."""

from models.bills.bill import Bill
from models.bills.states import TRANSITIONS, BillKind, State, Verb
from models.errors import NextStep, Step
from models.people.permissions import ROLE_PERMISSIONS, Permission
from models.people.users import User


def next_steps(bill: Bill, user: User, *verbs: Verb | Step) -> tuple[NextStep, ...]:
    """Those of `verbs` that this bill allows; each names a role that may, where `user` may not."""
    return tuple(
        NextStep(verb, bill.id, _role_for(verb, user))
        for verb in verbs
        if not isinstance(verb, Verb) or _is_possible(verb, bill)
    )


def _is_possible(verb: Verb, bill: Bill) -> bool:
    """Whether the bill allows it after a first look: what has its number is not called back, a
    correction is not billed again, and a credit note that has gone out stays.
    """
    if verb is Verb.UNDO:
        return bill.number is None
    if verb is Verb.REISSUE and bill.kind != BillKind.OVERAGE:
        return False
    if verb is Verb.VOID and bill.kind == BillKind.CREDIT and bill.status == State.SENT:
        return False
    return State(bill.status) in TRANSITIONS[verb].start


def _role_for(verb: Verb | Step, user: User) -> str | None:
    """A role that may do it, unless this person may themselves."""
    permission = TRANSITIONS[verb].permission if isinstance(verb, Verb) else Permission.KEEP_BOOKS
    if permission is None or user.can(permission):
        return None
    return next(role for role, able in ROLE_PERMISSIONS.items() if permission in able)
