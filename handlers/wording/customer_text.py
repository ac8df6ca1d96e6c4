"""What is said of a customer wherever it is said: its terms, who must approve, what is amiss."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from handlers.wording.field_text import VALUE_SHOWN, WHOLE, field_name, field_value
from handlers.wording.formatting import (
    calls,
    day,
    listing,
    money,
    number,
    percent_change,
    period_name,
    person,
    unit_price,
)
from handlers.wording.labels import HOLD_CAUSES, HOLD_CURES, KIND_WORDS, SOURCE_WORDS
from handlers.wording.rich_text import Sentence, bold
from models.customers.customers import Customer
from models.customers.edits import TERMS_FROM, Changes, CustomerChanged
from models.customers.mail_addresses import check_mail_addresses
from models.customers.signs import check_can_be_written
from models.customers.terms import TERMS, Terms
from models.errors import WrongState
from models.named_people import PersonRef
from models.period import Period
from models.queries.customer_details import CustomerDetails, FlaggedBill, ToldEdit
from models.usage.alerts import AlertKind

NOTHING_CHANGED = "Nothing was changed."
NOT_SAVED = "What you typed is still here, and not saved yet."
NEARLY = int(AlertKind.NEAR)
"""From this percentage of its limit on, a month that is not over is worth a look."""


def price_text(unit_cost: Decimal | None, currency: str) -> str:
    return "no price" if unit_cost is None else unit_price(unit_cost, currency)


def terms_text(terms: Terms) -> str:
    """As in "1,000,000 calls included, then $0.004 each"."""
    included = f"{calls(terms.monthly_api_limit)} included"
    if terms.overage_unit_cost is None:
        return f"{included}, without a price beyond them"
    return f"{included}, then {price_text(terms.overage_unit_cost, terms.currency)} each"


def terms_change(before: Terms | None, after: Terms) -> str:
    """What terms change: "from 800,000 calls (+25 %), from $0.005 (−20 %)"."""
    if before is None:
        return "the first terms, which hold for all that was before too"
    changes = []
    if before.monthly_api_limit != after.monthly_api_limit:
        was, now = before.monthly_api_limit, after.monthly_api_limit
        changes.append(f"from {calls(was)}{_by(Decimal(was), Decimal(now))}")
    if before.currency != after.currency:
        changes.append(f"from {price_text(before.overage_unit_cost, before.currency)}")
    elif before.overage_unit_cost != after.overage_unit_cost:
        was_told = price_text(before.overage_unit_cost, before.currency)
        changes.append(f"from {was_told}{_by(before.overage_unit_cost, after.overage_unit_cost)}")
    return listing(changes) or "the same as before"


def edit_text(edit: ToldEdit) -> Sentence:
    """As in "Ana (Finance) on the web, …"."""
    return (bold(person(edit.by)), f" {SOURCE_WORDS[edit.source]}, ", edit.at)


def changes_text(changes: Changes, most: int = WHOLE) -> list[str]:
    """As in "Country: DE, was none", and "Currency from October 2026 on: EUR, was USD"."""
    _, month = changes.get(TERMS_FROM, (None, None))
    since = f" from {period_name(Period.parse(month))} on" if month else ""
    return [
        f"{field_name(column)}{since if column in TERMS else ''}:"
        f" {field_value(column, after, most)}, was {field_value(column, before, most)}"
        for column, (before, after) in changes.items()
        if column != TERMS_FROM
    ]


def changed_meanwhile(changed: CustomerChanged, ending: str = NOTHING_CHANGED) -> str:
    """As in "Ana Weber (Finance) changed this customer while you were looking. Country: DE, was
    none. Nothing was changed."; who it was is not known where an import did it.
    """
    who = listing([person(one) for one in changed.by]) or "Somebody"
    told = changes_text(changed.changes, VALUE_SHOWN)
    what = f" {'; '.join(told)}." if told else ""
    return f"{who} changed this customer while you were looking.{what} {ending}"


def used_meanwhile(calls_now: int | None) -> str:
    """The same of the calls of a month."""
    now = "none are recorded now" if calls_now is None else f"it is {calls(calls_now)} now"
    return f"Somebody recorded something else for this month while you were looking: {now}. " + (
        NOT_SAVED
    )


def _by(before: Decimal | None, after: Decimal | None) -> str:
    change = percent_change(before, after)
    return f" ({change})" if change else ""


def approval_rule(customer: Customer, csm: PersonRef | None, sales: PersonRef | None) -> str:
    """Whose word its bills need: "Kim Lee (CSM) and anybody in Sales"."""
    needed = []
    if customer.require_csm_approval:
        needed.append(person(csm) if csm else "anybody in Customer Success")
    if customer.require_sales_approval:
        needed.append(person(sales) if sales else "anybody in Sales")
    return listing(needed) or "anybody in Customer Success or Sales"


def amount_rules(customer: Customer) -> list[str]:
    """What its own rules say of amounts."""
    currency = customer.rules_currency or customer.currency
    told = []
    if customer.auto_approve_below is not None:
        told.append(f"Below {money(customer.auto_approve_below, currency)} approved by rule")
    if customer.second_approval_above is not None:
        told.append(f"Above {money(customer.second_approval_above, currency)} both CSM and Sales")
    return told


def contract_text(customer: Customer) -> str:
    """As in "from 1 January 2026, without an end"."""
    starts = f"from {day(customer.start_date)}" if customer.start_date else ""
    ends = f"to {day(customer.end_date)}" if customer.end_date else ""
    return f"{starts} {ends}".strip() or "without beginning or end"


def flag_text(bill: FlaggedBill) -> str:
    """Why somebody should look at a bill: "October 2026 is held because ..."."""
    month = f"{period_name(bill.period)}{KIND_WORDS[bill.kind]}"
    if bill.hold_reason is None:
        return f"{month} is several times what was billed last."
    cure = HOLD_CURES[bill.hold_reason]
    return f"{month} is held because {HOLD_CAUSES[bill.hold_reason]}. {cure}"


def unpriced_text(months: Sequence[Period]) -> str:
    """That new terms leave bills held: "October 2026 stays held: it has no price yet."."""
    held = listing([period_name(one) for one in months], most=6)
    told = "stays held: it has" if len(months) == 1 else "stay held: they have"
    return f"{held} {told} no price. Give one from that month on."


def amiss(facts: CustomerDetails, running: Period, *, own_template: bool = False) -> list[str]:
    """What should be looked at, beside single bills. `own_template`: nobody knows its fonts."""
    customer = facts.customer
    if customer.merged_into_id is not None:
        return []
    told = []
    if facts.missing:
        told.append(_missing(facts.missing))
    if customer.overage_unit_cost is None:
        told.append("There is no overage price: what is over the limit will be held.")
    return [
        *told,
        *_cannot_be_mailed(customer),
        *([] if own_template else _refused(check_can_be_written, customer)),
        *_nearly_over(facts, running),
    ]


def _cannot_be_mailed(customer: Customer) -> list[str]:
    if not (customer.billing_email or "").strip():
        return ["There is no billing e-mail address, so no bill can go out."]
    return _refused(check_mail_addresses, customer)


def _refused(check: Callable[[Customer], None], customer: Customer) -> list[str]:
    try:
        check(customer)
    except WrongState as refused:
        return [str(refused)]
    return []


def _missing(months: Sequence[Period]) -> str:
    return f"No usage is recorded for {listing([period_name(one) for one in months], most=6)}."


def _nearly_over(facts: CustomerDetails, running: Period) -> list[str]:
    for month in facts.usage:
        if month.period == running and month.calls and month.limit_calls:
            percent = month.calls * 100 // month.limit_calls
            if percent >= NEARLY:
                used = f"{number(percent)} % of the limit"
                return [f"{period_name(running)} has used {used} so far."]
    return []
