"""Everything there is to know about bills, gathered for whoever draws them."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from models.bills import HoldReason, RejectReason, Source, State, Verb
from models.period import Period


@dataclass(frozen=True)
class Person:
    id: int
    name: str
    role: str | None
    slack_user_id: str | None = None


@dataclass(frozen=True)
class Deed:
    """One action, with the people in it by name.

    `reject_reason` only of a rejection; `changes` maps a figure to (before, after), where the
    action moved it; `reverses` is what an undo took back; `edits` the comment that an edit or a
    deletion is about.
    """

    id: int
    verb: Verb
    by: Person
    at: datetime
    source: Source
    version: int
    comment: str | None = None
    acted_for: Person | None = None
    part: str | None = None
    reject_reason: RejectReason | None = None
    hold_reason: HoldReason | None = None
    reverses: "Deed | None" = None
    edits: int | None = None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    amount: Decimal | None = None


@dataclass(frozen=True)
class Comment:
    """A comment as it reads now, after its edits; a deleted one is not listed."""

    id: int
    by: Person
    at: datetime
    text: str
    edited: bool = False


@dataclass(frozen=True)
class Needed:
    """An approval that is still missing.

    `part`: `csm`, `sales` or `any`; `people` who can give it, empty where anybody of the
    role can; `role` the role meant, None for `any`.
    """

    part: str
    role: str | None
    people: tuple[Person, ...] = ()


@dataclass(frozen=True)
class MonthOverage:
    """One month of the trend: `amount` None where nothing was recorded for the month."""

    period: Period
    calls: int | None
    amount: Decimal | None


@dataclass(frozen=True)
class BillFacts:
    """One bill, ready to be drawn. Money is in `currency`; calls are whole calls.

    `trend`: six months, oldest first, the last being the bill's own. `actions`: how many actions
    the bill has, which tells whether a card is up to date. `standing`: decisions that stand,
    oldest first, each of which may be undone by its author.
    """

    id: int
    version: int
    actions: int
    customer_id: int
    customer: str
    period: Period
    kind: str
    status: State
    hold_reason: HoldReason | None
    api_usage: int
    limit_calls: int
    overage_units: int
    unit_cost: Decimal | None
    amount: Decimal | None
    currency: str
    created_at: datetime
    generated_by: Person
    trend: tuple[MonthOverage, ...] = ()
    approvals: tuple[Deed, ...] = ()
    needed: tuple[Needed, ...] = ()
    standing: tuple[Deed, ...] = ()
    last_decision: Deed | None = None
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True)
class Line:
    """One bill as a line of a list."""

    id: int
    version: int
    customer: str
    period: Period
    status: State
    hold_reason: HoldReason | None
    amount: Decimal | None
    currency: str
    created_at: datetime


@dataclass(frozen=True)
class Total:
    currency: str
    bills: int
    amount: Decimal


@dataclass(frozen=True)
class Page:
    """A page of a list: `totals` and `count` are of the whole list; `after` continues it."""

    lines: tuple[Line, ...]
    count: int
    totals: tuple[Total, ...]
    after: str | None = None


@dataclass(frozen=True)
class Proposed:
    """A bill that would be made, and held if there is a cause."""

    customer: str
    hold_reason: HoldReason | None
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Preview:
    """What generating a month would do, before it is done.

    `bills` and `totals` are of those that would wait for approval; `held` counts by cause those
    that would be held; `existing` already have a bill; `zero` are over the limit by an amount
    that rounds to nothing; `missing` are customers in contract with no usage recorded.
    """

    period: Period
    customer: str | None
    bills: int
    totals: tuple[Total, ...]
    held: dict[HoldReason, int]
    biggest: tuple[Proposed, ...]
    existing: int
    zero: int
    missing: tuple[str, ...]
    missing_count: int
    usages: int

    @property
    def to_make(self) -> int:
        return self.bills + sum(self.held.values())


@dataclass(frozen=True)
class RunFacts:
    """How far a month's generation is; `done` of `customers` looked at.

    `undelivered`: causes for which cards were given up, and of how many bills each.
    """

    id: int
    period: Period
    customer: str | None
    by: Person
    started_at: datetime
    finished_at: datetime | None
    customers: int
    done: int
    added: int
    held: dict[HoldReason, int]
    totals: tuple[Total, ...]
    existing: int
    missing: tuple[str, ...]
    missing_count: int
    failure: str | None = None
    undelivered: tuple[tuple[str, int], ...] = ()
