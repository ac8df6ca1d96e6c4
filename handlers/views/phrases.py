"""What is said about a bill wherever it is said: its sum, what it waits for, who did what."""

from collections.abc import Sequence
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
    unit_price,
)
from models.bills import HoldReason, State, Verb
from models.dossier import BillFacts, Deed, Line, Needed, Person, Proposed
from models.people import Role

KINDS = {"overage": "", "adjustment": " adjustment", "credit": " credit"}
NAMED_AT_MOST = 4


def bill_title(facts: BillFacts, limit: int = 150) -> str:
    """As in "Acme Corp, October 2026 · #42"; of a long name only as much as there is room for."""
    rest = f", {period_name(facts.period)}{KINDS.get(facts.kind, '')} · #{facts.id}"
    return name(facts.customer, limit - len(rest)) + rest


def short_title(facts: BillFacts | Line) -> str:
    """As in "Acme Corp, October 2026", inside a sentence."""
    return f"{name(facts.customer)}, {period_name(facts.period)}"


def used(facts: BillFacts) -> str:
    return f"Used {calls(facts.api_usage)} of {number(facts.limit_calls)} included"


def multiplication(facts: BillFacts) -> list[Part]:
    """As in "250,000 over × $0.004 = $1,000.00"."""
    over = f"{number(facts.overage_units)} over × "
    if facts.unit_cost is None:
        return [f"{over}no price yet"]
    price = unit_price(facts.unit_cost, facts.currency)
    return [bold(f"{over}{price} = {amount(facts)}")]


def amount(facts: BillFacts | Line | Proposed) -> str:
    return amount_or(facts.amount, facts.currency)


def waits_for(needed: Sequence[Needed]) -> str:
    """As in "Waits for Kim Lee (CSM) and anybody in Sales"."""
    return f"Waits for {_missing(needed)}"


def _missing(needed: Sequence[Needed]) -> str:
    return listing([_approver(one) for one in needed]) or "approval"


def _approver(needed: Needed) -> str:
    if needed.people:
        return listing([person(who) for who in needed.people], "or", NAMED_AT_MOST)
    roles = [needed.role] if needed.role else [Role.CSM, Role.SALES]
    return f"anybody in {listing(roles, 'or')}"


def standing(facts: BillFacts) -> str:
    """Where the bill stands, as the end of a sentence: "approved by Kim Lee (CSM)"."""
    if facts.status is State.PENDING:
        return f"waits for {_missing(facts.needed)}"
    if facts.status is State.HELD:
        return f"held because {hold_cause(facts.hold_reason)}"
    deed = facts.last_decision
    if facts.status is State.REJECTED and deed:
        return f"rejected by {person(deed.by)}{because(deed)}"
    if facts.status is State.APPROVED and facts.approvals:
        return f"approved by {listing([person(one.by) for one in facts.approvals])}"
    return STATE_WORDS[facts.status]


def hold_cause(reason: HoldReason | None) -> str:
    return HOLD_CAUSES[reason] if reason else "somebody has to look at it first"


def state_of(bill: Line) -> str:
    """The state in a few letters, for a table: "waiting", "held: no price"."""
    if bill.status is State.PENDING:
        return "waiting"
    if bill.status is State.HELD and bill.hold_reason:
        return f"held: {HOLD_SHORT[bill.hold_reason]}"
    return STATE_WORDS[bill.status]


def because(deed: Deed) -> str:
    """As in ": the limit is wrong", of a rejection."""
    return f": {REJECT_WORDS[deed.reject_reason]}" if deed.reject_reason else ""


_NOUNS = {
    Verb.APPROVE: "approval",
    Verb.REJECT: "rejection",
    Verb.RELEASE: "release",
    Verb.UNDO: "undo",
}
_DONE = {
    Verb.GENERATE: "generated the bill",
    Verb.HOLD: "held the bill",
    Verb.RELEASE: "released the bill",
    Verb.APPROVE: "approved",
    Verb.REJECT: "rejected",
    Verb.COMMENT: "commented",
    Verb.COMMENT_EDIT: "edited a comment",
    Verb.COMMENT_DELETE: "deleted a comment",
    Verb.UNDO: "took back a decision",
}
_WITH_AMOUNT = frozenset({Verb.APPROVE, Verb.REJECT})
_HELD = {Verb.GENERATE: "; held because ", Verb.HOLD: " because "}


def deed_sentence(deed: Deed, currency: str) -> list[Part]:
    """As in "Kim Lee (CSM) approved $720.00 in Slack, for Ana Ruiz who is away"."""
    who, where = bold(person(deed.by)), SOURCE_WORDS[deed.source]
    if deed.verb is Verb.UNDO and deed.reverses:
        return [who, f" took back {where} ", *decision(deed.reverses, currency, deed.by)]
    stead = f", for {person(deed.acted_for)} who is away" if deed.acted_for else ""
    return [who, f" {_done(deed, currency)} {where}{stead}{_held(deed)}{because(deed)}"]


def _held(deed: Deed) -> str:
    if deed.hold_reason is None or deed.verb not in _HELD:
        return ""
    return f"{_HELD[deed.verb]}{HOLD_CAUSES[deed.hold_reason]}"


def _done(deed: Deed, currency: str) -> str:
    done = _DONE[deed.verb]
    if deed.amount is None:
        return done
    told = money(deed.amount, currency)
    if deed.verb in _WITH_AMOUNT:
        return f"{done} {told}"
    return f"{done} of {told}" if deed.verb is Verb.GENERATE else done


def decision(deed: Deed, currency: str, told_of: Person | None = None) -> list[Part]:
    """A decision as a thing: "the approval of $720.00 by Kim Lee (CSM), 3 Nov 09:12".

    In a sentence `told_of` whoever decided, it is "their own approval of $720.00, 3 Nov 09:12".
    """
    what = _NOUNS.get(deed.verb, "decision")
    of = f" of {money(deed.amount, currency)}" if deed.amount is not None else ""
    if told_of and told_of.id == deed.by.id:
        return [f"their own {what}{of}, ", deed.at]
    return [f"the {what}{of} by {person(deed.by)}, ", deed.at]


_FIGURES = {
    "api_usage": "usage",
    "monthly_api_limit": "limit",
    "overage_units": "calls over the limit",
    "overage_unit_cost": "unit price",
    "overage_amount": "amount",
}


def differences(deed: Deed, currency: str) -> list[str]:
    """Each figure that the deed moved: "usage from 1,250,000 to 1,180,000"."""
    return [
        f"{words} from {_figure(field, deed.changes[field][0], currency)}"
        f" to {_figure(field, deed.changes[field][1], currency)}"
        for field, words in _FIGURES.items()
        if field in deed.changes
    ]


def _figure(field: str, value: Any, currency: str) -> str:
    if value is None:
        return "none"
    if field == "overage_unit_cost":
        return unit_price(Decimal(value), currency)
    return money(Decimal(value), currency) if field == "overage_amount" else number(int(value))


def bills(count: int) -> str:
    return counted(count, "bill")
