"""Everything there is to know about bills, gathered for whoever draws them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from models.bills import BillKind, Cause, HoldReason, RejectReason, Source, State, Verb
from models.money import add_up
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
    deletion is about. `cause`: why Countersign did it by itself; `about`: another bill that it was
    because of. `rule`: what approved the bill without anybody, `auto_approve_below` (with its
    amount in `rule_below`) or `void`. `due`: when a bill being sent is issued; `number`: the one
    taken by `issue`; `answer` and `failure`: what the mail server said. `adjusted_units`: calls
    that Finance set by hand in a revision; `dropped_units`: such calls, where usage and terms that
    were corrected later took their place. `to`: where the mail server took it for.
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
    cause: Cause | None = None
    rule: str | None = None
    rule_below: Decimal | None = None
    due: datetime | None = None
    number: str | None = None
    answer: str | None = None
    to: str | None = None
    failure: str | None = None
    about: int | None = None
    adjusted_units: int | None = None
    dropped_units: int | None = None


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
    role can; `role` the role meant, None for `any`. `away` of these people is away, and
    `stand_in` acts in their place.
    """

    part: str
    role: str | None
    people: tuple[Person, ...] = ()
    away: Person | None = None
    stand_in: Person | None = None


@dataclass(frozen=True)
class MonthOverage:
    """One month of the trend: `amount` None where nothing was recorded for the month."""

    period: Period
    calls: int | None
    amount: Decimal | None


@dataclass(frozen=True)
class Outdated:
    """What usage and terms give by now, where a bill keeps other figures."""

    api_usage: int
    limit_calls: int
    unit_cost: Decimal | None
    amount: Decimal | None


@dataclass(frozen=True)
class Related:
    """Another bill of the same month that this one has to do with."""

    id: int
    kind: BillKind
    status: State
    number: str | None
    amount: Decimal | None


@dataclass(frozen=True)
class BillFacts:
    """One bill, ready to be drawn. Money is in `currency`; calls are whole calls.

    `trend`: six months, oldest first, the last being the bill's own. `actions`: how many actions
    the bill has, which tells whether a card is up to date. `standing`: decisions that stand,
    oldest first, each of which may be undone by its author. `changed`: the last action that gave
    an undecided bill other figures, for those who saw the ones before, and `fell` whether approvals
    fell at that. `outdated`: of a rejected bill. `both_above`: the amount from which on the
    customer needs both approvals, where that is why. `by_rule`: what approved it where nobody did.
    `send_due`: when a bill being sent is issued; `sent_to`: where it goes, or went. `brought`: the
    sending, delivery or voiding that led to where the bill stands. Of a correction, `adjusts` is
    the bill it corrects, and `billed` what had been billed for the month before it.
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
    number: str | None = None
    changed: Deed | None = None
    fell: bool = False
    outdated: Outdated | None = None
    both_above: Decimal | None = None
    by_rule: Deed | None = None
    brought: Deed | None = None
    send_due: datetime | None = None
    sent_to: str | None = None
    failure: str | None = None
    adjusts: Related | None = None
    billed: Decimal | None = None
    replaces: Related | None = None
    replaced_by: Related | None = None
    corrections: tuple[Related, ...] = ()


@dataclass(frozen=True)
class InvoiceFacts:
    """What an invoice or a credit note says. `amount` is net, in `currency`.

    `adjusts_number`: the number of the bill that this one corrects. `content`: the document as it
    was stored, None while it is being drawn.
    """

    bill_id: int
    number: str
    kind: BillKind
    issued_on: date
    customer: str
    billing_address: str | None
    billing_email: str | None
    cc_emails: str | None
    country: str | None
    tax_id: str | None
    tax_rate_percent: Decimal
    tax_note: str | None
    payment_days: int | None
    period: Period
    api_usage: int
    limit_calls: int
    overage_units: int
    unit_cost: Decimal | None
    amount: Decimal
    currency: str
    adjusts_number: str | None = None
    content: str | None = None


@dataclass(frozen=True)
class Settled:
    """What changed usage, terms or people have done to bills: the ids of each kind.

    `reported`: bills that have gone out and whose month is too old to be corrected by itself.
    `unbilled`: void bills whose month has an overage again, which nothing bills by itself.
    `rejected`: rejected bills whose figures have changed, which wait to be revised.
    """

    invalidated: tuple[int, ...] = ()
    held: tuple[int, ...] = ()
    voided: tuple[int, ...] = ()
    proposed: tuple[int, ...] = ()
    reported: tuple[int, ...] = ()
    unbilled: tuple[int, ...] = ()
    rejected: tuple[int, ...] = ()


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
    kind: BillKind = BillKind.OVERAGE
    number: str | None = None


@dataclass(frozen=True)
class Total:
    currency: str
    bills: int
    amount: Decimal


class Kept(StrEnum):
    """Why a bill does not go out when it is asked for."""

    STATE = "state"
    OUTDATED = "outdated"
    NO_ADDRESS = "no_address"
    CHANGED = "changed"


@dataclass(frozen=True)
class Outgoing:
    """A bill that somebody asked to send: to which address it goes, or why it is kept."""

    line: Line
    to: str | None = None
    kept: Kept | None = None


@dataclass(frozen=True)
class SendPreview:
    """What sending would do: `ready` go out, `kept` cannot. `period`: of all approved bills of it.

    `id` names the list of `ready` as it was shown, None where nothing can go out.
    """

    id: int | None
    period: Period | None
    ready: tuple[Outgoing, ...]
    kept: tuple[Outgoing, ...]
    totals: tuple["Total", ...]
    delay_minutes: float


@dataclass(frozen=True)
class SendFacts:
    """How far a list is that is being sent: `sent` of `bills`, and whether that was all.

    `totals` are of those sent; `due`: when the last of these goes out, until which it can be called
    back. So many had their numbers, and went out `at_once`. `kept` are the first of the others,
    once it has `ended`.
    """

    id: int
    bills: int
    sent: int
    ended: bool
    totals: tuple["Total", ...]
    due: datetime | None
    at_once: int = 0
    kept: tuple[Outgoing, ...] = ()


def totals_of(lines: Iterable[Line]) -> tuple[Total, ...]:
    """A total for each currency; currencies are never added together."""
    amounts: dict[str, list[Decimal]] = {}
    for line in lines:
        amounts.setdefault(line.currency, []).append(line.amount or Decimal(0))
    return tuple(Total(code, len(each), add_up(each)) for code, each in amounts.items())


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
    that rounds to nothing; `missing` are customers in contract with no usage recorded. `by_rule`
    of `bills` are approved at once by their customer's own rule.
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
    by_rule: int = 0

    @property
    def to_make(self) -> int:
        return self.bills + sum(self.held.values())


@dataclass(frozen=True)
class RunFacts:
    """How far a month's generation is; `done` of `customers` looked at.

    `undelivered`: causes for which cards were given up, and of how many bills each. `by_rule`: how
    many of `added` were approved at once by their customer's own rule.
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
    by_rule: int = 0
