"""The product's arithmetic and its rules of approval once more, in plain Python over plain rows.

Nothing of the models' own arithmetic, views or functions is used here: this is the second opinion.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import floor

from models.period import Period
from tests.lives.ledger import Ledger, Row

MINOR_UNITS = {"USD": 2, "JPY": 0, "KWD": 3}
ROLE_OF = {"csm": ("Customer Success",), "sales": ("Sales",)}
EITHER = ("Customer Success", "Sales")


@dataclass(frozen=True)
class Fresh:
    """What a month comes to, taken from its usage, terms and contract."""

    api_usage: int
    monthly_api_limit: int
    overage_unit_cost: Decimal | None
    currency: str
    active_days: int

    @property
    def basis(self) -> tuple[object, ...]:
        return (self.api_usage, self.monthly_api_limit, self.overage_unit_cost, self.currency)

    @property
    def units(self) -> int:
        return max(0, self.api_usage - self.monthly_api_limit)

    @property
    def amount(self) -> Decimal | None:
        if self.overage_unit_cost is None:
            return None
        return amount_of(self.units, self.overage_unit_cost, self.currency)


def basis_of(bill: Row) -> tuple[object, ...]:
    return (bill.api_usage, bill.monthly_api_limit, bill.overage_unit_cost, bill.currency)


def amount_of(units: int, unit_cost: Decimal, currency: str) -> Decimal:
    """Rounded once, half up, which is away from zero below it."""
    digits = MINOR_UNITS[currency]
    exact = Fraction(units) * Fraction(unit_cost) * 10**digits
    whole = floor(abs(exact) + Fraction(1, 2))
    return Decimal(f"{-whole if exact < 0 else whole}e-{digits}")


def fresh(ledger: Ledger, customer_id: int, period: Period) -> Fresh | None:
    """None where no usage is recorded."""
    used = ledger.used.get((customer_id, period))
    if used is None:
        return None
    customer = ledger.customer[customer_id]
    terms = in_force(ledger, customer_id, period)
    days = active_days(customer, period)
    limit = terms.monthly_api_limit
    if customer.limit_proration == "daily":
        limit = -(-limit * days // monthrange(period.year, period.month)[1])
    return Fresh(used, limit, terms.overage_unit_cost, customer.currency, days)


def in_force(ledger: Ledger, customer_id: int, period: Period) -> Row:
    terms = ledger.terms[customer_id]
    first_day = date(period.year, period.month, 1)
    return ([one for one in terms if one.valid_from <= first_day] or terms[:1])[-1]


def active_days(customer: Row, period: Period) -> int:
    first = date(period.year, period.month, 1)
    last = date(period.year, period.month, monthrange(period.year, period.month)[1])
    begin = max(first, customer.start_date or first)
    end = min(last, customer.end_date or last)
    return max(0, (end - begin).days + 1)


def needed(customer: Row, amount: Decimal | None) -> tuple[str, ...]:
    """The parts whose approval a bill of this amount needs."""
    above = customer.second_approval_above
    both = above is not None and amount is not None and abs(amount) > above
    parts = (("csm", customer.require_csm_approval), ("sales", customer.require_sales_approval))
    return tuple(slot for slot, required in parts if required or both) or ("any",)


def named(ledger: Ledger, customer: Row, slot: str) -> Row | None:
    """Who is named for a part and still there in that role."""
    user = ledger.user.get({"csm": customer.csm_id, "sales": customer.sales_id}[slot])
    return user if user and user.active and user.role in ROLE_OF[slot] else None


def able(ledger: Ledger, bill: Row, slot: str, today: date) -> set[int]:
    """Everybody whose word counts for a part of this bill today."""
    customer = ledger.customer[bill.customer_id]
    roles = ROLE_OF.get(slot, EITHER)
    crew = {user.id for user in ledger.users if user.active and user.role in roles}
    makers = made_by(ledger, bill)
    if slot == "any":
        return crew - makers
    person = named(ledger, customer, slot)
    if person is None:
        return crew - makers
    return ({person.id} | delegate(ledger, person, today)) - makers


def delegate(ledger: Ledger, person: Row, today: date) -> set[int]:
    delegate = ledger.user.get(person.delegate_id)
    away = person.away_until is not None and today <= person.away_until
    ready = delegate is not None and delegate.active and delegate.role in EITHER
    return {delegate.id} if away and ready and delegate else set()


def made_by(ledger: Ledger, bill: Row) -> set[int]:
    """Whoever generated the bill, or revised it."""
    actions = ledger.actions[bill.id]
    return {actions[0].stakeholder_id} | {
        action.stakeholder_id for action in actions if action.action == "revise"
    }


def undecidable(ledger: Ledger, customer: Row, amount: Decimal | None) -> bool:
    """Whether a needed person is gone, or nobody at all has the role."""
    crew = {user.role for user in ledger.users if user.active}
    parts = needed(customer, amount)
    if parts == ("any",):
        return not crew & set(EITHER)
    ids = {"csm": customer.csm_id, "sales": customer.sales_id}
    return any(
        (ids[slot] is not None and named(ledger, customer, slot) is None)
        or not crew & set(ROLE_OF[slot])
        for slot in parts
    )


def cause(ledger: Ledger, customer_id: int, period: Period, jump: float | None) -> str | None:
    """Why the overage of this month is held; None where it is not."""
    now = fresh(ledger, customer_id, period)
    assert now is not None
    if now.amount is None:
        return "no_price"
    if now.active_days == 0:
        return "outside_contract"
    if undecidable(ledger, ledger.customer[customer_id], now.amount):
        return "no_approver"
    if jump is not None and jumps(ledger, customer_id, period, now, jump):
        return "jump"
    return None


def jumps(ledger: Ledger, customer_id: int, period: Period, now: Fresh, factor: float) -> bool:
    """Whether it is more than so many times the month's that was billed last before it."""
    earlier = [
        (bill.year, bill.month, bill.overage_amount)
        for bill in ledger.bills
        if bill.customer_id == customer_id
        and bill.kind == "overage"
        and bill.status != "void"
        and bill.currency == now.currency
        and (bill.year, bill.month) < (period.year, period.month)
    ]
    last = max(earlier)[2] if earlier else None
    return bool(last and now.amount and Fraction(now.amount) > Fraction(last) * Fraction(factor))


def passes_by_rule(ledger: Ledger, bill: Row, jump: float | None) -> bool:
    """Whether the customer's own rule approves this bill."""
    customer = ledger.customer[bill.customer_id]
    below, above = customer.auto_approve_below, customer.second_approval_above
    if below is None or not abs(bill.overage_amount) < below:
        return False
    if above is not None and abs(bill.overage_amount) > above:
        return False
    if bill.kind != "overage":
        return True
    period = Period(bill.year, bill.month)
    now = fresh(ledger, bill.customer_id, period)
    return now is not None and not jumps(ledger, bill.customer_id, period, now, jump or 3)
