"""Everything there is to know about one bill, for whoever draws it."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from models.bills.approvers import Slot
from models.bills.deliveries import Missing
from models.bills.figures import Figures
from models.bills.replay import BillState
from models.bills.states import BillKind, HoldReason, State
from models.named_people import PersonRef
from models.period import Period
from models.queries.history import HistoryEntry


@dataclass(frozen=True)
class Comment:
    """A comment as it reads now, after its edits; a deleted one is not listed. `mailed_by`: whom
    the mail names that it came by; `link_of`: the customer by whose link it came.
    """

    id: int
    by: PersonRef
    at: datetime
    text: str
    edited: bool = False
    mailed_by: str | None = None
    link_of: str | None = None


@dataclass(frozen=True)
class MissingApproval:
    """An approval that is still missing.

    `slot`: `csm`, `sales` or `any`; `people` who can give it, empty where anybody of the
    role can; `role` the role meant, None for `any`. `away` of these people is away, and
    `delegate` acts in their place.
    """

    slot: str
    role: str | None
    people: tuple[PersonRef, ...] = ()
    away: PersonRef | None = None
    delegate: PersonRef | None = None


@dataclass(frozen=True)
class MonthOverage:
    """One month of the trend: what was billed for it in the end, or would be. `amount` None where
    nothing was recorded for the month, or there is no price. It is in `currency`: that it was
    billed in, or that of the month's own terms.
    """

    period: Period
    calls: int | None
    amount: Decimal | None
    currency: str | None = None


@dataclass(frozen=True)
class Outdated:
    """What usage and terms give by now, where a bill keeps other figures."""

    api_usage: int
    limit_calls: int
    unit_cost: Decimal | None
    amount: Decimal | None
    currency: str


@dataclass(frozen=True)
class RelatedBill:
    """Another bill of the same month that this one has to do with.

    `units` are billed, where `counted` were over the limit; `with_tax` is what the customer owes.
    """

    id: int
    kind: BillKind
    status: State
    number: str | None
    amount: Decimal | None
    currency: str
    units: int = 0
    counted: int = 0
    with_tax: Decimal | None = None


@dataclass(frozen=True)
class Letter:
    """What is amiss with a bill's letter. `waits`: what keeps every letter from going out now;
    `trouble`: what keeps this one. `unheard`: how often it was handed over without an answer, and
    so may have arrived; `next_at`: when it is tried again, where that is set. `missing`: to whom it
    did not go.
    """

    waits: str | None = None
    trouble: str | None = None
    unheard: int = 0
    next_at: datetime | None = None
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True)
class BillDetails:
    """One bill, ready to be drawn. Money is in `currency`; calls are whole calls. `amount` is net;
    `with_tax` is what the customer owes, None where that is not known.

    `trend`: six months, oldest first, the last being the bill's own; `jumps`: the amount is several
    times what was billed last. `actions`: how many actions
    the bill has, which tells whether a card is up to date. `decisions`: those that stand,
    oldest first, each of which may be undone by its author. `changed`: the last action that gave
    an undecided bill other figures, for those who saw the ones before, and `fell` whether approvals
    fell at that. `outdated`: of a rejected bill. `both_above`: the amount from which on the
    customer needs both approvals, where that is why; it is in `rules_currency`. `by_rule`: what
    approved it where nobody did. `send_due`: when a bill being sent is issued that has a delay
    to be called back in; `sent_to`: where it goes, or went; `goes_to`: where it would go today.
    `brought`: the sending, delivery or voiding that led to where the bill stands. Of a correction,
    `adjusts` is the bill it corrects, `corrected` all those whose documents it does,
    `billed` what had been billed for the month before it, and `agreed` the bill by whose revision
    Finance agreed on the units of the month. `waived_units`: calls over the limit that are not
    billed as agreed, below zero calls billed beyond them. `slots`, `made_by` (whoever had a hand in
    the figures) and `state` are what each person may do rests on. `letter`: what keeps it,
    and whom it missed; `bounces`: reports that it did not arrive, since it was last taken,
    and `lost_copies` that a copy did not.
    `no_e_invoice`: why its document is none, where one was asked for. `reassigned`: by what Finance
    asks somebody else for an approval that is missing.
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
    generated_by: PersonRef
    trend: tuple[MonthOverage, ...] = ()
    jumps: bool = False
    approvals: tuple[HistoryEntry, ...] = ()
    needed: tuple[MissingApproval, ...] = ()
    decisions: tuple[HistoryEntry, ...] = ()
    last_decision: HistoryEntry | None = None
    comments: tuple[Comment, ...] = ()
    with_tax: Decimal | None = None
    number: str | None = None
    no_e_invoice: str | None = None
    changed: HistoryEntry | None = None
    fell: bool = False
    outdated: Outdated | None = None
    both_above: Decimal | None = None
    rules_currency: str | None = None
    by_rule: HistoryEntry | None = None
    brought: HistoryEntry | None = None
    send_due: datetime | None = None
    sent_to: str | None = None
    goes_to: str | None = None
    failure: str | None = None
    dry_run: bool = False
    letter: Letter = Letter()
    bounces: tuple[HistoryEntry, ...] = ()
    lost_copies: tuple[HistoryEntry, ...] = ()
    adjusts: RelatedBill | None = None
    corrected: tuple[RelatedBill, ...] = ()
    billed: Decimal | None = None
    waived_units: int | None = None
    agreed: RelatedBill | None = None
    replaces: RelatedBill | None = None
    replaced_by: RelatedBill | None = None
    corrections: tuple[RelatedBill, ...] = ()
    slots: tuple[Slot, ...] = ()
    made_by: frozenset[int] = frozenset()
    state: BillState | None = None
    reassigned: tuple[HistoryEntry, ...] = ()

    def with_figures(self, now: Figures | None) -> "BillDetails":
        """The bill as it would be with figures of now."""
        if now is None:
            return self
        return replace(
            self,
            api_usage=now.api_usage,
            limit_calls=now.monthly_api_limit,
            overage_units=now.overage_units,
            unit_cost=now.overage_unit_cost,
            amount=now.overage_amount,
            with_tax=None,
            currency=now.currency,
            waived_units=now.waived_units,
        )

    @property
    def can_be_called_back(self) -> bool:
        """Whether it is being sent and has no number yet."""
        return self.status is State.SENDING and self.number is None

    @property
    def may_have_arrived(self) -> bool:
        """Whether its letter was handed over and nobody heard that it was taken."""
        return self.status is State.SENDING and self.letter.unheard > 0

    @property
    def units_over_limit(self) -> int:
        return max(0, self.api_usage - self.limit_calls)
