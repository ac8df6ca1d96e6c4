"""What is said about a bill wherever it is said: its sum, what it waits for, who did what."""

from collections.abc import Sequence
from decimal import Decimal

from handlers.wording.formatting import (
    amount_or,
    bill_count,
    calls,
    listing,
    money,
    name,
    number,
    period_name,
    person,
    totals,
    unit_price,
)
from handlers.wording.labels import HOLD_CAUSES, HOLD_SHORT, KIND_WORDS, REJECT_WORDS, STATE_WORDS
from handlers.wording.rich_text import Part, bold
from models.batches.bill_run_preview import ProposedBill
from models.bills.states import BillKind, HoldReason, State
from models.named_people import PersonRef
from models.people.permissions import Role
from models.queries.bill_details import BillDetails, MissingApproval, RelatedBill
from models.queries.bill_list import BillLine, Page
from models.queries.history import HistoryEntry

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


def called(bill: BillDetails | BillLine) -> str:
    """By its number, such as "2026-000042", or "#42" as long as it has none."""
    return bill.number or f"#{bill.id}"


def numbered(facts: BillDetails) -> str:
    """As in "2026-000042, Acme Corp, October 2026, $1,000.00", or "#42, Acme Corp" and so on,
    with what the customer owes.
    """
    return f"{called(facts)}, {short_title(facts)}, {amount_due(facts)}"


def month_of(facts: BillDetails | BillLine) -> str:
    """As in "October 2026", or "October 2026 adjustment"."""
    return f"{period_name(facts.period)}{KIND_WORDS[facts.kind]}"


def bill_reference(bill: RelatedBill) -> str:
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


def usage_text(facts: BillDetails) -> str:
    return f"Used {calls(facts.api_usage)} of {number(facts.limit_calls)} included"


def multiplication(facts: BillDetails) -> list[Part]:
    """As in "250,000 over × $0.004 = $1,000.00"; of a correction what it comes to."""
    if facts.kind != BillKind.OVERAGE:
        return [bold(_correction(facts))]
    units = f"{_units_over(facts)} × "
    if facts.unit_cost is None:
        return [f"{units}no price yet"]
    price = unit_price(facts.unit_cost, facts.currency)
    return [bold(f"{units}{price} = {_comes_to(facts)}")]


def _units_over(facts: BillDetails) -> str:
    """As in "250,000 over"; where Finance agreed on others, "250,000 over, 70,000 fewer as agreed:
    180,000".
    """
    over, units = facts.units_over_limit, facts.overage_units
    if units == over:
        return f"{number(units)} over"
    differ = f"{number(abs(over - units))} {'fewer' if units < over else 'more'} as agreed"
    return f"{number(over)} over, {differ}: {number(units)}"


def agreement_text(facts: BillDetails) -> str | None:
    """What Finance had agreed for the month of a correction, which starts from there: as in "#42
    (2026-000123) was agreed at 100,000 calls instead of 350,000, and this starts from there".
    """
    agreed = facts.agreed
    if agreed is None:
        return None
    instead = f" instead of {number(agreed.counted)}" if agreed.kind == BillKind.OVERAGE else ""
    at = f"was agreed at {calls(agreed.units)}{instead}"
    return f"{bill_reference(agreed)} {at}, and this starts from there"


def _correction(facts: BillDetails) -> str:
    """As in "70,000 calls fewer over the limit: −$280.00".

    It is no product: both sides of the difference were rounded by themselves.
    """
    units = facts.overage_units
    what = "over the limit" if facts.waived_units is None else "to bill"
    more = f"{calls(abs(units))} {'more' if units > 0 else 'fewer'} {what}"
    return f"{more if units else 'The difference'}: {_comes_to(facts)}"


def _comes_to(facts: BillDetails) -> str:
    """Of what goes out or went out also what the customer owes."""
    is_out = facts.number is not None or facts.status in GOES_OUT
    return amount_due(facts) if is_out else amount(facts)


GOES_OUT = frozenset({State.APPROVED, State.SENDING, State.SENT})


def amount(facts: BillDetails | BillLine | ProposedBill) -> str:
    return amount_or(facts.amount, facts.currency)


def amount_due(facts: BillDetails | BillLine) -> str:
    """The net amount, and what the customer owes where that is another."""
    return net_and_due(facts.amount, facts.with_tax, facts.currency)


def net_and_due(net: Decimal | None, due: Decimal | None, currency: str) -> str:
    """As in "$35,000.00, with tax $41,650.00"; or the net alone."""
    told = amount_or(net, currency)
    return told if due is None or due == net else f"{told}, with tax {money(due, currency)}"


def waits_for(needed: Sequence[MissingApproval]) -> str:
    """As in "Waits for Kim Lee (CSM) and anybody in Sales"."""
    return f"Waits for {_missing(needed)}"


def _missing(needed: Sequence[MissingApproval]) -> str:
    return listing([_approver(one) for one in needed]) or "approval"


def approvers_text(needed: Sequence[MissingApproval]) -> str:
    """Any of those whose approval is missing: "Kim Lee (CSM) or anybody in Sales"."""
    return listing([_approver(one) for one in needed], "or") or "an approver"


def _approver(needed: MissingApproval) -> str:
    if needed.people and needed.away:
        away = f"{person(needed.away)} who is away"
        stand_in = f"{person(needed.delegate)}, in the place of " if needed.delegate else ""
        return f"{stand_in}{away}"
    if needed.people:
        return listing([_reachable(who) for who in needed.people], "or", NAMED_AT_MOST)
    return _anybody(needed)


def _anybody(needed: MissingApproval) -> str:
    roles = [needed.role] if needed.role else [Role.CSM, Role.SALES]
    return f"anybody in {listing(roles, 'or')}"


def _reachable(who: PersonRef) -> str:
    return person(who) if who.slack_user_id else f"{person(who)}, who is not in Slack"


def status_text(facts: BillDetails) -> str:
    """Where the bill stands, as the end of a sentence: "approved by Kim Lee (CSM)"."""
    if facts.status is State.PENDING:
        return f"waits for {_missing(facts.needed)}"
    if facts.status is State.HELD:
        return f"held because {hold_cause(facts.hold_reason)}"
    entry = facts.last_decision
    if facts.status is State.REJECTED and entry:
        return f"rejected by {person(entry.by)}{reject_reason(entry)}"
    if facts.status is State.APPROVED:
        return _approved(facts)
    if facts.status in (State.SENDING, State.SENT) and facts.number:
        return f"{STATE_WORDS[facts.status]} as {facts.number}"
    return STATE_WORDS[facts.status]


def where_it_stands(facts: BillDetails) -> str:
    """The same as a sentence: "It waits for Kim Lee (CSM)."."""
    stands = "" if facts.status is State.PENDING else "is "
    return f"It {stands}{status_text(facts)}."


def _approved(facts: BillDetails) -> str:
    if facts.dry_run:
        return "approved, and not mailed in a dry run"
    if facts.failure:
        return "approved, but could not be delivered"
    if facts.by_rule:
        return f"approved {rule_text(facts.by_rule, facts.currency)}"
    by = listing([person(one.by) for one in facts.approvals])
    return f"approved by {by}" if by else "approved"


def rule_text(entry: HistoryEntry, currency: str) -> str:
    """What approved a bill where nobody did: "by rule: below $100.00"."""
    if entry.rule_below is not None:
        return f"by rule: below {money(entry.rule_below, entry.currency or currency)}"
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


def awaited(bill: BillLine, needed: Sequence[MissingApproval], reader_id: int | None = None) -> str:
    """For whom a bill of a table waits: "you", "Kim Lee (CSM) and Sam Ito (Sales)"."""
    if bill.status is State.HELD:
        return Role.FINANCE
    return listing([_asked(one, reader_id) for one in needed])


def _asked(needed: MissingApproval, reader_id: int | None) -> str:
    """Whoever is to act, which for somebody who is away is the delegate."""
    people = [needed.delegate] if needed.people and needed.delegate else needed.people
    if reader_id in {one.id for one in people}:
        return "you"
    return listing([person(one) for one in people], "or") or _anybody(needed)


def reject_reason(entry: HistoryEntry) -> str:
    """As in ": the limit is wrong", of a rejection."""
    return f": {REJECT_WORDS[entry.reject_reason]}" if entry.reject_reason else ""


def listed(page: Page) -> str:
    """How many bills there are in a list: "12 bills, $120.00", or "more than 1,000 bills".

    And how many of them are not in that sum.
    """
    if not page.is_counted:
        return f"more than {bill_count(page.count)}"
    told = f"{bill_count(page.count)}, {totals(page.totals)}"
    if not page.left_out:
        return told
    verb = "is" if page.left_out == 1 else "are"
    return f"{told}; {number(page.left_out)} of them {verb} not in that sum: {NOT_STANDING}"


NOT_STANDING = "void, rejected, or the correction of a void one"
