"""What is said about a bill wherever it is said: its sum, what it waits for, who did what."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from handlers.views.kit import Part, bold
from handlers.views.words import (
    HOLD_CAUSES,
    HOLD_SHORT,
    REJECT_WORDS,
    SOURCE_WORDS,
    STATE_WORDS,
    amount_or,
    calls,
    counted,
    listing,
    money,
    name,
    number,
    period_name,
    person,
    plain,
    unit_price,
)
from models.batches.bill_run_preview import ProposedBill
from models.bills.states import BillKind, Cause, HoldReason, State, Verb
from models.people.permissions import Role
from models.people.users import PersonRef
from models.queries.bill_details import BillDetails, MissingApproval, Outdated, RelatedBill
from models.queries.bill_list import BillLine
from models.queries.history import HistoryEntry

KINDS = {"overage": "", "adjustment": " adjustment", "credit": " credit"}
NAMED_AT_MOST = 4
SAID_BY_A_SERVER = 300


def bill_title(facts: BillDetails, limit: int = 150) -> str:
    """As in "Acme Corp, October 2026 · #42"; of a long name only as much as there is room for.

    An issued bill has its number behind that.
    """
    issued = f" · {facts.number}" if facts.number else ""
    rest = f", {month_of(facts)} · #{facts.id}{issued}"
    return name(facts.customer, limit - len(rest)) + rest


def short_title(facts: BillDetails | BillLine) -> str:
    """As in "Acme Corp, October 2026", inside a sentence."""
    return f"{name(facts.customer)}, {month_of(facts)}"


def month_of(facts: BillDetails | BillLine) -> str:
    """As in "October 2026", or "October 2026 adjustment"."""
    return f"{period_name(facts.period)}{KINDS[facts.kind]}"


def referred(bill: RelatedBill) -> str:
    """Another bill: "#12", or "#12 (2026-000123)"."""
    return f"#{bill.id} ({bill.number})" if bill.number else f"#{bill.id}"


def relatives(facts: BillDetails) -> list[tuple[str, RelatedBill]]:
    """Other bills of the month, each with what this bill has to do with it: "is replaced by"."""
    return [
        *((_CORRECTS[BillKind(facts.kind)], one) for one in [facts.adjusts] if one),
        *(("replaces", one) for one in [facts.replaces] if one),
        *(("is replaced by", one) for one in [facts.replaced_by] if one),
        *((_CORRECTED_BY[one.kind], one) for one in facts.corrections),
    ]


_CORRECTS = {
    BillKind.OVERAGE: "corrects",
    BillKind.ADJUSTMENT: "adjusts",
    BillKind.CREDIT: "credits",
}
_CORRECTED_BY = {
    BillKind.OVERAGE: "is corrected by",
    BillKind.ADJUSTMENT: "is adjusted by",
    BillKind.CREDIT: "is credited by",
}


def used(facts: BillDetails) -> str:
    return f"Used {calls(facts.api_usage)} of {number(facts.limit_calls)} included"


def multiplication(facts: BillDetails) -> list[Part]:
    """As in "250,000 over × $0.004 = $1,000.00"; of a correction what it comes to."""
    if facts.kind != BillKind.OVERAGE:
        return [bold(_correction(facts))]
    over = f"{number(facts.overage_units)} over × "
    if facts.unit_cost is None:
        return [f"{over}no price yet"]
    price = unit_price(facts.unit_cost, facts.currency)
    return [bold(f"{over}{price} = {amount(facts)}")]


def _correction(facts: BillDetails) -> str:
    """As in "70,000 calls fewer over the limit: -$280.00".

    It is no product: both sides of the difference were rounded by themselves.
    """
    units = facts.overage_units
    more = f"{calls(abs(units))} {'more' if units > 0 else 'fewer'} over the limit"
    return f"{more if units else 'The difference'}: {amount(facts)}"


def amount(facts: BillDetails | BillLine | ProposedBill) -> str:
    return amount_or(facts.amount, facts.currency)


def waits_for(needed: Sequence[MissingApproval]) -> str:
    """As in "Waits for Kim Lee (CSM) and anybody in Sales"."""
    return f"Waits for {_missing(needed)}"


def _missing(needed: Sequence[MissingApproval]) -> str:
    return listing([_approver(one) for one in needed]) or "approval"


def _approver(needed: MissingApproval) -> str:
    if needed.people and needed.away and needed.stand_in:
        away = person(needed.away)
        return f"{person(needed.stand_in)}, in the place of {away} who is away"
    if needed.people:
        return listing([person(who) for who in needed.people], "or", NAMED_AT_MOST)
    roles = [needed.role] if needed.role else [Role.CSM, Role.SALES]
    return f"anybody in {listing(roles, 'or')}"


def standing(facts: BillDetails) -> str:
    """Where the bill stands, as the end of a sentence: "approved by Kim Lee (CSM)"."""
    if facts.status is State.PENDING:
        return f"waits for {_missing(facts.needed)}"
    if facts.status is State.HELD:
        return f"held because {hold_cause(facts.hold_reason)}"
    deed = facts.last_decision
    if facts.status is State.REJECTED and deed:
        return f"rejected by {person(deed.by)}{because(deed)}"
    if facts.status is State.APPROVED:
        return _approved(facts)
    if facts.status in (State.SENDING, State.SENT) and facts.number:
        return f"{STATE_WORDS[facts.status]} as {facts.number}"
    return STATE_WORDS[facts.status]


def _approved(facts: BillDetails) -> str:
    if facts.failure:
        return "approved, but could not be delivered"
    if facts.by_rule:
        return f"approved {rule(facts.by_rule, facts.currency)}"
    by = listing([person(one.by) for one in facts.approvals])
    return f"approved by {by}" if by else "approved"


def rule(deed: HistoryEntry, currency: str) -> str:
    """What approved a bill where nobody did: "by rule: below $100.00"."""
    if deed.rule_below is not None:
        return f"by rule: below {money(deed.rule_below, currency)}"
    return "by the voiding of the bill that it takes back"


def hold_cause(reason: HoldReason | None) -> str:
    return HOLD_CAUSES[reason] if reason else "somebody has to look at it first"


def state_of(bill: BillLine) -> str:
    """The state in a few letters, for a table: "waiting", "held: no price"."""
    if bill.status is State.PENDING:
        return "waiting"
    if bill.status is State.HELD and bill.hold_reason:
        return f"held: {HOLD_SHORT[bill.hold_reason]}"
    return STATE_WORDS[bill.status]


def because(deed: HistoryEntry) -> str:
    """As in ": the limit is wrong", of a rejection."""
    return f": {REJECT_WORDS[deed.reject_reason]}" if deed.reject_reason else ""


_NOUNS = {
    Verb.APPROVE: "approval",
    Verb.AUTO_APPROVE: "approval by rule",
    Verb.REJECT: "rejection",
    Verb.RELEASE: "release",
    Verb.REVISE: "revision",
    Verb.SEND: "sending",
    Verb.VOID: "voiding",
    Verb.UNDO: "undo",
}
_DONE = {
    Verb.GENERATE: "generated the bill",
    Verb.REISSUE: "billed the month again",
    Verb.HOLD: "held the bill",
    Verb.RELEASE: "released the bill",
    Verb.APPROVE: "approved",
    Verb.AUTO_APPROVE: "approved",
    Verb.REJECT: "rejected",
    Verb.COMMENT: "commented",
    Verb.COMMENT_EDIT: "edited a comment",
    Verb.COMMENT_DELETE: "deleted a comment",
    Verb.UNDO: "took back a decision",
    Verb.REVISE: "revised the bill",
    Verb.INVALIDATE: "worked the bill out anew",
    Verb.SEND: "sent the bill on its way",
    Verb.ISSUE: "issued the bill",
    Verb.DELIVER: "delivered the bill",
    Verb.SEND_FAILED: "could not deliver the bill",
    Verb.VOID: "made the bill void",
}
_WITH_AMOUNT = frozenset({Verb.APPROVE, Verb.AUTO_APPROVE, Verb.REJECT})
_OF_AMOUNT = {Verb.GENERATE: "of", Verb.REISSUE: "with"}
_HELD = {
    Verb.GENERATE: "; held because ",
    Verb.HOLD: " because ",
    Verb.INVALIDATE: "; held because ",
}
_CAUSES = {
    Cause.LATE_USAGE: ", because the usage of a month that had gone out was corrected",
    Cause.VOID: ", because the bill that it takes back was made void",
    Cause.VOID_WITH: ", because the bill that it corrects was made void",
    Cause.NO_OVERAGE: ", because usage and terms leave nothing to bill",
}


def deed_sentence(deed: HistoryEntry, currency: str) -> list[Part]:
    """As in "Kim Lee (CSM) approved $720.00 in Slack, for Ana Ruiz who is away"."""
    who, where = bold(person(deed.by)), SOURCE_WORDS[deed.source]
    if deed.verb is Verb.UNDO and deed.reverses:
        again: list[Part] = ["; the bill goes out ", deed.due] if deed.due else []
        return [who, f" took back {where} ", *decision(deed.reverses, currency, deed.by), *again]
    stead = f", for {person(deed.acted_for)} who is away" if deed.acted_for else ""
    done = f" {_done(deed, currency)} {where}{stead}{_held(deed)}{_caused(deed)}{because(deed)}"
    return [who, done, *_outcome(deed, currency)]


def _held(deed: HistoryEntry) -> str:
    if deed.hold_reason is None or deed.verb not in _HELD:
        return ""
    return f"{_HELD[deed.verb]}{HOLD_CAUSES[deed.hold_reason]}"


def _caused(deed: HistoryEntry) -> str:
    if deed.verb is Verb.INVALIDATE:
        dropped = f"; {_no_longer(deed.dropped_units)}" if deed.dropped_units is not None else ""
        return f", because usage or terms were corrected{dropped}"
    if deed.cause is None:
        return ""
    return _CAUSES[deed.cause] + (f": #{deed.about}" if deed.about else "")


def _done(deed: HistoryEntry, currency: str) -> str:
    done = _DONE[deed.verb]
    if deed.number:
        return f"{done} as {deed.number}"
    if deed.to:
        return f"{done} to {deed.to}"
    if deed.amount is None:
        return done
    told = money(deed.amount, currency)
    if deed.verb in _WITH_AMOUNT:
        return f"{done} {told}"
    return f"{done} {_OF_AMOUNT[deed.verb]} {told}" if deed.verb in _OF_AMOUNT else done


def _outcome(deed: HistoryEntry, currency: str) -> list[Part]:
    """What a deed is about beyond who did it: its rule, its time, the mail server's words."""
    if deed.rule_below is not None:
        return [f", by the customer’s own rule: below {money(deed.rule_below, currency)}"]
    if deed.adjusted_units is not None:
        return [f", and set the calls to bill to {number(deed.adjusted_units)}"]
    if deed.due:
        return [", to go out ", deed.due]
    if deed.failure:
        return [f": {plain(deed.failure, SAID_BY_A_SERVER)}"]
    if deed.answer:
        return [f"; the mail server answered “{plain(deed.answer, SAID_BY_A_SERVER)}”"]
    return []


def decision(deed: HistoryEntry, currency: str, told_of: PersonRef | None = None) -> list[Part]:
    """A decision as a thing: "the approval of $720.00 by Kim Lee (CSM), 3 Nov 09:12".

    In a sentence `told_of` whoever decided, it is "their own approval of $720.00, 3 Nov 09:12". An
    undo has what it took back behind it: "the undo by Kim Lee (CSM), 3 Nov 09:15, of the sending of
    ...".
    """
    what = _NOUNS.get(deed.verb, "decision")
    own = told_of is not None and told_of.id == deed.by.id
    if deed.verb is Verb.UNDO and deed.reverses:
        undone = decision(deed.reverses, currency)
        by = "their own undo, " if own else f"the undo by {person(deed.by)}, "
        return [by, deed.at, ", of ", *undone]
    of = f" of {money(deed.amount, currency)}" if deed.amount is not None else ""
    if own:
        return [f"their own {what}{of}, ", deed.at]
    return [f"the {what}{of} by {person(deed.by)}, ", deed.at]


_FIGURES = {
    "api_usage": "usage",
    "monthly_api_limit": "limit",
    "overage_units": "calls over the limit",
    "overage_unit_cost": "unit price",
    "currency": "currency",
    "overage_amount": "amount",
}


def differences(deed: HistoryEntry, currency: str) -> list[str]:
    """Each figure that the deed moved: "usage from 1,250,000 to 1,180,000"."""
    pairs = _pairs(deed.changes, currency)
    return [
        f"{words} from {pairs[field][0]} to {pairs[field][1]}"
        for field, words in _FIGURES.items()
        if field in pairs
    ]


_CORRECTED = {
    "api_usage": "usage was corrected from {} to {} calls",
    "monthly_api_limit": "the limit was corrected from {} to {} calls",
    "overage_unit_cost": "the unit price was corrected from {} to {}",
    "currency": "the currency was changed from {} to {}",
}
_SET = "the calls to bill were set from {} to {}"

Changes = Mapping[str, tuple[Any, Any]]


def corrected(changes: Changes, currency: str, leads: str = "so the amount is now") -> str:
    """What moved, and what it `leads` to, as the end of a sentence: "usage was corrected from
    1,250,000 to 1,180,000 calls, so the amount is now $720.00".
    """
    pairs = _pairs(changes, currency)
    moved = [words.format(*pairs[field]) for field, words in _CORRECTED.items() if field in pairs]
    if not moved and "overage_units" in pairs:
        moved = [_SET.format(*pairs["overage_units"])]
    causes = listing(moved) or "it was worked out anew"
    if "overage_amount" not in pairs:
        return causes
    return f"{causes}, {leads} {pairs['overage_amount'][1]}"


def news(deed: HistoryEntry, currency: str) -> str:
    """What a deed moved, and what Finance had set by hand that no longer holds since."""
    told = corrected(deed.changes, currency)
    return f"{told}; {_no_longer(deed.dropped_units)}" if deed.dropped_units is not None else told


def _no_longer(units: int) -> str:
    holds = "holds" if units == 1 else "hold"
    return f"the {calls(units)} set by hand no longer {holds}"


def changes_between(before: BillDetails, after: BillDetails | Outdated) -> Changes:
    """The figures of a bill that are others afterwards."""
    names = {
        "api_usage": "api_usage",
        "monthly_api_limit": "limit_calls",
        "overage_unit_cost": "unit_cost",
        "overage_amount": "amount",
    }
    pairs = {column: (getattr(before, f), getattr(after, f)) for column, f in names.items()}
    return {column: pair for column, pair in pairs.items() if pair[0] != pair[1]}


def _pairs(changes: Changes, currency: str) -> dict[str, tuple[str, str]]:
    """Both figures of each change as they are read, in the currencies of their time."""
    currencies = changes.get("currency", (currency, currency))
    return {
        field: (
            _figure(field, changes[field][0], currencies[0]),
            _figure(field, changes[field][1], currencies[1]),
        )
        for field in _FIGURES
        if field in changes
    }


def _figure(field: str, value: Any, currency: str) -> str:
    if value is None:
        return "none"
    if field == "currency":
        return str(value)
    if field == "overage_unit_cost":
        return unit_price(Decimal(value), currency)
    return money(Decimal(value), currency) if field == "overage_amount" else number(int(value))


def bills(count: int) -> str:
    return counted(count, "bill")
