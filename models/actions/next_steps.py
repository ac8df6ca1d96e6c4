"""What could be done with a bill instead of what is refused: only what would not be refused too."""

from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import replace
from pkgutil import resolve_name
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.bill import Bill, bill_of_month
from models.bills.figures import Figures
from models.bills.states import ON_FIGURES, TRANSITIONS, BillKind, State, Verb
from models.context import Context
from models.errors import NextStep, Refusal, Step
from models.people.permissions import ROLE_PERMISSIONS, Permission, Role
from models.people.users import User
from models.people.who_can import holders
from models.period import Period

Asked = Verb | Step
MOST_STEPS = 2

WHY_NOT: dict[Verb, str] = {
    Verb.RELEASE: "only a held bill is released",
    Verb.REVISE: "only a bill that is held, waiting or rejected is revised",
    Verb.SEND: "only an approved bill is sent",
    Verb.DELIVER: "only one that may have arrived is said to have",
    Verb.REISSUE: "only the month of a void bill is billed again",
    Verb.REASSIGN: "only for a bill that is undecided is somebody else asked",
}
"""What a verb is for, where the state does not allow it."""

STANDS: dict[State, str] = {
    State.HELD: "It is held",
    State.PENDING: "It waits for approval",
    State.APPROVED: "It is approved",
    State.REJECTED: "It is rejected",
    State.SENDING: "It is on its way out",
    State.SENT: "It has gone out",
    State.VOID: "It is void",
}

_OF_STATE: dict[State, tuple[Asked, ...]] = {
    State.HELD: (Verb.RELEASE, Verb.REVISE, Step.IMPORT_PRICE, Verb.VOID),
    State.PENDING: (Verb.REVISE, Verb.VOID),
    State.APPROVED: (Verb.SEND, Verb.UNDO, Verb.VOID),
    State.REJECTED: (Verb.REVISE, Verb.UNDO, Verb.VOID),
    State.SENDING: (Verb.UNDO,),
    State.SENT: (Step.RECORD_USAGE, Verb.VOID),
    State.VOID: (Verb.REISSUE, Verb.UNDO, Step.RECORD_USAGE),
}

_INSTEAD: dict[tuple[Verb, State], tuple[Asked, ...]] = {
    **{(Verb.REISSUE, state): (Verb.VOID, Verb.SEND) for state in State},
    **{(verb, state): () for verb in (Verb.APPROVE, Verb.REJECT) for state in State},
    **{(verb, State.HELD): (Verb.RELEASE,) for verb in (Verb.APPROVE, Verb.REJECT)},
    (Verb.REVISE, State.APPROVED): (Verb.UNDO, Verb.VOID, Verb.SEND),
    (Verb.SEND, State.PENDING): (),
    (Verb.SEND, State.SENDING): (),
    (Verb.SEND, State.SENT): (),
}
"""What is to be done first, or instead; of other pairs what can be done in the bill's state."""


class Case(Protocol):
    """A bill with what is decided by: a `LoadedBill`."""

    @property
    def session(self) -> AsyncSession: ...
    @property
    def bill(self) -> Bill: ...
    @property
    def newer_figures(self) -> Figures | None: ...
    @property
    def corrects_void(self) -> bool: ...


Check = Callable[[Case, Context], Awaitable[object]]
CHECKS: dict[Verb, str] = {
    Verb.APPROVE: "models.actions.approve:check_approve",
    Verb.REJECT: "models.actions.approve:check_reject",
    Verb.RELEASE: "models.actions.hold:check_release",
    Verb.REVISE: "models.actions.revise:check_revise",
    Verb.SEND: "models.actions.send:check_send",
    Verb.DELIVER: "models.actions.send:check_arrival",
    Verb.UNDO: "models.actions.undo:check_undo",
    Verb.VOID: "models.actions.void:check_void",
    Verb.REISSUE: "models.actions.void:check_reissue",
    Verb.REASSIGN: "models.actions.reassign:check_reassign",
}
"""What a verb looks at beyond the table of transitions. By name, because verbs advise each other:
each module is imported when a check of it is first asked.
"""

_asking: ContextVar[bool] = ContextVar("asking", default=False)


def check_of(verb: Verb) -> Check:
    """What refuses this verb, called with the bill and whoever acts."""
    check: Check = resolve_name(CHECKS[verb])
    return check


async def instead_of(case: Case, context: Context, verb: Verb) -> tuple[NextStep, ...]:
    """What can be done where a bill's state does not allow a verb."""
    return await next_steps(case, context, *_instead(verb, case.bill))


def _instead(verb: Verb, bill: Bill) -> tuple[Asked, ...]:
    state = State(bill.status)
    if verb is Verb.REISSUE and bill.kind != BillKind.OVERAGE:
        return _OF_STATE[state]
    return _INSTEAD.get((verb, state), _OF_STATE[state])


async def next_steps(case: Case, context: Context, *asked: Asked) -> tuple[NextStep, ...]:
    """Those of `asked` that would be done, two at most; each names a role that may do it, where
    whoever asks may not. Whatever one of them would advise in its turn is not asked for.
    """
    if _asking.get():
        return ()
    token = _asking.set(True)
    try:
        found = [step for one in asked if (step := await _step(case, context, one))]
    finally:
        _asking.reset(token)
    return tuple(found[:MOST_STEPS])


async def _step(case: Case, context: Context, asked: Asked) -> NextStep | None:
    if isinstance(asked, Step):
        found = await _FOUND[asked](case, context) if asked in _FOUND else (asked, case.bill)
        role = None if context.user.can(Permission.KEEP_BOOKS) else Role.FINANCE
        who = await holders(case.session, role) if found and role else None
        return NextStep(found[0], found[1].id, role, who) if found else None
    for role, user in _able(asked, context.user):
        if await _would_be_done(case, replace(context, user=user), asked):
            who = await holders(case.session, role) if role else None
            return NextStep(asked, case.bill.id, role, who)
    return None


def _able(verb: Verb, user: User) -> Iterator[tuple[Role | None, User]]:
    """Whoever asks, if their role may, and somebody of a role that does."""
    permission = TRANSITIONS[verb].permission
    if permission is None or user.can(permission):
        yield None, user
    for role, able in ROLE_PERMISSIONS.items():
        if role != user.role and permission in able:
            yield role, User(id=0, name=role, role=role, active=True)
            return


async def _would_be_done(case: Case, context: Context, verb: Verb) -> bool:
    if State(case.bill.status) not in TRANSITIONS[verb].start:
        return False
    if verb in ON_FIGURES and case.newer_figures is not None:
        return False
    try:
        await check_of(verb)(case, context)
    except Refusal:
        return False
    return True


Found = tuple[Step, Bill] | None


async def _by_usage(case: Case, context: Context) -> Found:
    """How the right usage comes to be billed: what it changes by itself or has proposed, and what
    somebody has to take up once it is there. None where it would change nothing.
    """
    bill = case.bill
    if case.corrects_void:
        return None
    if bill.kind == BillKind.OVERAGE and bill.status == State.VOID:
        bill = await bill_of_month(case.session, bill.customer_id, bill.period)
    if bill.status == State.REJECTED:
        return Step.USAGE_THEN_REVISE, bill
    if bill.kind == BillKind.OVERAGE and bill.status == State.VOID:
        return Step.USAGE_THEN_REISSUE, bill
    earliest = Period.of(context.today).plus(-context.settings.lookback_months)
    follows = bill.number is None and bill.status != State.VOID
    return (Step.RECORD_USAGE, bill) if follows or bill.period >= earliest else None


async def _by_price(case: Case, context: Context) -> Found:
    return (Step.IMPORT_PRICE, case.bill) if case.bill.overage_unit_cost is None else None


_FOUND: dict[Step, Callable[[Case, Context], Awaitable[Found]]] = {
    Step.RECORD_USAGE: _by_usage,
    Step.IMPORT_PRICE: _by_price,
}
"""What a step comes to, and of which bill, where it is not of use as it is to every bill."""
