"""A bill, its record of actions, and the table of what may happen to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models import locks
from models.base import Base, Calls, Id
from models.currencies import Currency
from models.people import Deed
from models.period import Period
from models.refusals import NotFound


class State(StrEnum):
    HELD = "held"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    SENDING = "sending"
    SENT = "sent"
    VOID = "void"


class Verb(StrEnum):
    GENERATE = "generate"
    REISSUE = "reissue"
    HOLD = "hold"
    RELEASE = "release"
    APPROVE = "approve"
    AUTO_APPROVE = "auto_approve"
    REJECT = "reject"
    COMMENT = "comment"
    COMMENT_EDIT = "comment_edit"
    COMMENT_DELETE = "comment_delete"
    UNDO = "undo"
    REVISE = "revise"
    INVALIDATE = "invalidate"
    SEND = "send"
    ISSUE = "issue"
    DELIVER = "deliver"
    SEND_FAILED = "send_failed"
    VOID = "void"


class BillKind(StrEnum):
    """What a bill is: a month's overage, or what corrects it once it has gone out."""

    OVERAGE = "overage"
    ADJUSTMENT = "adjustment"
    CREDIT = "credit"


class HoldReason(StrEnum):
    OUTSIDE_CONTRACT = "outside_contract"
    NO_PRICE = "no_price"
    NO_APPROVER = "no_approver"
    JUMP = "jump"


class Cause(StrEnum):
    """Why Countersign moved a bill by itself, as a snapshot keeps it."""

    VOID = "void"
    VOID_WITH = "void_with"
    NO_OVERAGE = "no_overage"
    LATE_USAGE = "late_usage"


class Source(StrEnum):
    SLACK = "slack"
    WEB = "web"
    API = "api"
    CLI = "cli"
    CLOCK = "clock"


@dataclass(frozen=True)
class Transition:
    """From where a verb may be done, where it leads, and which right it takes.

    `to` None: the bill stays where it is. `back`: it returns to where the reversed action found it.
    `right` None: it is for its author, whatever role they have by now.
    """

    start: frozenset[State]
    to: State | None
    right: Deed | None
    back: bool = False


ANYWHERE = frozenset(State)
NEW: frozenset[State] = frozenset()
OPEN = frozenset({State.HELD, State.PENDING})

TRANSITIONS: dict[Verb, Transition] = {
    Verb.GENERATE: Transition(NEW, State.PENDING, Deed.GENERATE),
    Verb.REISSUE: Transition(frozenset({State.VOID}), State.PENDING, Deed.REISSUE),
    Verb.HOLD: Transition(frozenset({State.PENDING, State.APPROVED}), State.HELD, Deed.AUTOMATE),
    Verb.RELEASE: Transition(frozenset({State.HELD}), State.PENDING, Deed.RELEASE),
    Verb.APPROVE: Transition(frozenset({State.PENDING}), State.APPROVED, Deed.APPROVE),
    Verb.AUTO_APPROVE: Transition(frozenset({State.PENDING}), State.APPROVED, Deed.AUTOMATE),
    Verb.REJECT: Transition(frozenset({State.PENDING}), State.REJECTED, Deed.REJECT),
    Verb.COMMENT: Transition(ANYWHERE, None, Deed.COMMENT),
    Verb.COMMENT_EDIT: Transition(ANYWHERE, None, Deed.COMMENT),
    Verb.COMMENT_DELETE: Transition(ANYWHERE, None, None),
    Verb.UNDO: Transition(ANYWHERE, None, Deed.UNDO_OWN, back=True),
    Verb.REVISE: Transition(OPEN | {State.REJECTED}, State.PENDING, Deed.REVISE),
    Verb.INVALIDATE: Transition(
        OPEN | {State.APPROVED, State.SENDING}, State.PENDING, Deed.AUTOMATE
    ),
    Verb.SEND: Transition(frozenset({State.APPROVED}), State.SENDING, Deed.SEND),
    Verb.ISSUE: Transition(frozenset({State.SENDING}), State.SENDING, Deed.AUTOMATE),
    Verb.DELIVER: Transition(frozenset({State.SENDING}), State.SENT, Deed.AUTOMATE),
    Verb.SEND_FAILED: Transition(frozenset({State.SENDING}), State.APPROVED, Deed.AUTOMATE),
    Verb.VOID: Transition(ANYWHERE - {State.VOID}, State.VOID, Deed.VOID),
}
"""Whatever is not in this table cannot happen.

`reissue` makes a bill that takes the void one's place. A `generate` or an `invalidate` with a cause
leads to `held`, and an `invalidate` that leaves no overage is recorded as `void`.
"""


class RejectReason(StrEnum):
    USAGE_WRONG = "usage_wrong"
    LIMIT_WRONG = "limit_wrong"
    PRICE_WRONG = "price_wrong"
    CREDIT_PROMISED = "credit_promised"
    OTHER = "other"


class Bill(Base):
    """One month's overage of one customer, or a correction of what was billed for it.

    Its row changes only together with a BillAction. One with a number has been issued.
    """

    __tablename__ = "bills"

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("customers.id"))
    year: Mapped[int]
    month: Mapped[int]
    kind: Mapped[str] = mapped_column(server_default="overage")
    api_usage: Mapped[Calls]
    monthly_api_limit: Mapped[Calls]
    overage_units: Mapped[Calls]
    overage_unit_cost: Mapped[Decimal | None]
    overage_amount: Mapped[Decimal | None]
    currency: Mapped[str] = mapped_column(sa.ForeignKey(Currency.code))
    status: Mapped[str]
    hold_reason: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default="1")
    number: Mapped[str | None] = mapped_column(unique=True)
    replaces_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("bills.id"))
    adjusts_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("bills.id"))
    billed_so_far: Mapped[Decimal | None]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())

    @property
    def period(self) -> Period:
        return Period(self.year, self.month)


class BillAction(Base):
    """What somebody did to a bill, when, from where and why. Never changed, never removed.

    `prev_hash` and `hash` are filled in by the database.
    """

    __tablename__ = "bill_actions"

    id: Mapped[Id]
    bill_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("bills.id"))
    bill_version: Mapped[int]
    stakeholder_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("users.id"))
    action: Mapped[str]
    comment: Mapped[str | None]
    source: Mapped[str]
    acted_for_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("users.id"))
    reverses_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("bill_actions.id"))
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    prev_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary, server_default=sa.FetchedValue())
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


@dataclass(frozen=True)
class Approval:
    """One requirement met: `part` is `csm`, `sales` or `any`."""

    action_id: int
    part: str
    user_id: int


@dataclass(frozen=True)
class Standing:
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
    before: Standing = field(repr=False)
    figures: dict[str, Any] | None = field(default=None, repr=False)


def replay(actions: Iterable[BillAction]) -> Standing:
    """Tell from its actions, oldest first, where a bill stands. The stored row must agree."""
    standing: Standing | None = None
    for action in actions:
        standing = after(standing, action)
    if standing is None:
        raise ValueError("a bill without actions does not exist")
    return standing


def after(standing: Standing | None, action: BillAction) -> Standing:
    """Where a bill stands after one more action; `standing` None where that is its first."""
    verb = Verb(action.action)
    if standing is None:
        reason = action.snapshot["after"]["hold_reason"]
        status = State.HELD if reason else State.PENDING
        return Standing(status, action.bill_version, reason)
    if verb in _UNMOVED:
        return standing
    told = replace(_EFFECTS.get(verb, _move)(standing, action), version=action.bill_version)
    if not is_decision(action):
        return replace(told, decisions=())
    moved = action.bill_version > standing.version
    figures = action.snapshot.get("before") if moved else None
    decision = Decision(action.id, verb, action.stakeholder_id, moved, standing, figures)
    return replace(told, decisions=(*told.decisions, decision))


_UNMOVED = {Verb.COMMENT, Verb.COMMENT_EDIT, Verb.COMMENT_DELETE}
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
    figures = action.snapshot.get("before") or {}
    by_itself = "cause" in action.snapshot
    return action.action in _DECISIONS and not by_itself and figures.get("number") is None


def _move(standing: Standing, action: BillAction) -> Standing:
    to = action.snapshot["after"]
    return replace(standing, status=State(to["status"]), hold_reason=to["hold_reason"])


def _approve(standing: Standing, action: BillAction) -> Standing:
    approval = Approval(action.id, action.snapshot["part"], action.stakeholder_id)
    moved = action.bill_version > standing.version
    status = State.APPROVED if moved else standing.status
    others = tuple(a for a in standing.approvals if a.part != approval.part)
    return replace(standing, status=status, approvals=(*others, approval))


def _begin_anew(standing: Standing, action: BillAction) -> Standing:
    return replace(_move(standing, action), approvals=())


def _undo(standing: Standing, action: BillAction) -> Standing:
    return without(standing, action.reverses_id)


def without(standing: Standing, action_id: int | None) -> Standing:
    """The standing as it would be had that decision not been taken.

    The last decision gives way to what stood before it; an earlier approval is taken out from
    under the later one, and the bill waits for that approval again.
    """
    decision = next(d for d in standing.decisions if d.action_id == action_id)
    if decision is standing.last_decision:
        return decision.before
    return replace(
        standing,
        status=State.PENDING,
        approvals=tuple(a for a in standing.approvals if a.action_id != action_id),
        decisions=tuple(d for d in standing.decisions if d.action_id != action_id),
    )


_EFFECTS = {
    Verb.APPROVE: _approve,
    Verb.UNDO: _undo,
    Verb.HOLD: _begin_anew,
    Verb.REVISE: _begin_anew,
    Verb.INVALIDATE: _begin_anew,
}


async def get(session: AsyncSession, bill_id: int, lock: bool = False) -> Bill:
    """The bill, locked on request after what it corrects; refuses an unknown id.

    Refuses as Busy, too, what somebody else keeps locked for longer than a person waits.
    """
    query = sa.select(Bill).where(Bill.id == bill_id)
    if lock:  # in the order in which a month is settled and made void
        root_id = sa.select(Bill.adjusts_id).where(Bill.id == bill_id).scalar_subquery()
        either = Bill.id.in_([bill_id, root_id.correlate(None)])
        query = sa.select(Bill).where(either).order_by(Bill.id).with_for_update()
    with locks.waiting():
        found = (await session.scalars(query.execution_options(populate_existing=True))).all()
    bill = next((one for one in found if one.id == bill_id), None)
    if bill is None:
        raise NotFound(f"There is no bill #{bill_id}.")
    return bill


async def lock_month(session: AsyncSession, bill: Bill) -> None:
    """Let one at a time see whether another bill stands for this bill's month, and take its place.

    Taken after the bill's own lock.
    """
    month = {"month": f"month:{bill.customer_id}:{bill.period}"}
    await session.execute(_LOCK_MONTH, month)


_LOCK_MONTH = sa.text("select pg_advisory_xact_lock(hashtextextended(:month, 0))")


async def of_month(session: AsyncSession, customer_id: int, period: Period) -> Bill:
    """The overage bill of one customer and month: the live one, else the latest void one."""
    query = (
        sa.select(Bill)
        .where(Bill.customer_id == customer_id, Bill.kind == BillKind.OVERAGE)
        .where(Bill.year == period.year, Bill.month == period.month)
        .order_by(Bill.status == State.VOID, Bill.id.desc())
    )
    bill = (await session.scalars(query.limit(1))).first()
    if bill is None:
        raise NotFound(f"There is no bill for {period}.")
    return bill


async def actions_of(session: AsyncSession, bill_id: int) -> Sequence[BillAction]:
    query = sa.select(BillAction).where(BillAction.bill_id == bill_id).order_by(BillAction.id)
    return (await session.scalars(query)).all()
