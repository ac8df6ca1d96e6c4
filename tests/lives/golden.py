"""The product's arithmetic and its rules of approval once more, in plain Python over plain rows.

Nothing of the models' own arithmetic, views or functions is used here: this is the second opinion.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import floor

from models.period import Period
from tests.lives.ledger import Ledger, Row

MINOR_UNITS = {"USD": 2, "JPY": 0, "KWD": 3}
ROLE_OF = {"csm": ("Customer Success",), "sales": ("Sales",)}
Dates = tuple[date | None, date | None]
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


def tax_on(amount: Decimal, rate_percent: Decimal, currency: str) -> Decimal:
    """Rounded once, as the amount was."""
    return amount_of(1, amount * rate_percent / 100, currency)


def corrected(ledger: Ledger, bill: Row, before: int) -> list[Row]:
    """The bills whose documents a correction corrects, as they stood when it was issued: what was
    void, and had gone out, was taken back by a credit of its own.
    """
    root = ledger.bill[bill.adjusts_id]
    parts = [p for p in ledger.corrections[root.id] if p.id != bill.id]
    issued = [p for p in (root, *parts) if ledger.did(p.id, "issue", before)]
    return [
        p
        for p in issued
        if not ledger.did(p.id, "void", before)
        or (p.id == root.id and ledger.did(p.id, "deliver", before))
    ]


def tax_of(bill: Row, taken_back: list[tuple[Decimal, Decimal]], rate_percent: Decimal) -> Decimal:
    """What takes back the whole net takes back the very taxes; all else has its own."""
    if taken_back and sum(net for net, _ in taken_back) == -bill.overage_amount:
        return -sum((tax for _, tax in taken_back), Decimal(0))
    return tax_on(bill.overage_amount, rate_percent, bill.currency)


def total_due(ledger: Ledger, bill: Row) -> Decimal | None:
    """With its tax: of what is issued as its document has it, of a correction at the rate of what
    it corrects, else at the customer's.
    """
    amount: Decimal | None = bill.overage_amount
    if amount is None:
        return None
    if bill.number is not None:
        return amount + Decimal(ledger.said(bill.id)["tax"])
    rate, taken_back = ledger.customer[bill.customer_id].tax_rate_percent, []
    if bill.adjusts_id:
        for one in corrected(ledger, bill, ledger.bill_actions[-1].id + 1):
            said = ledger.said(one.id)
            rate = Decimal(said["tax_rate_percent"])
            taken_back.append((one.overage_amount, Decimal(said["tax"])))
    return amount + tax_of(bill, taken_back, rate)


def replaced(ledger: Ledger, bill: Row) -> str | None:
    """The number of the latest bill before it in whose place it stands."""
    while bill.replaces_id:
        bill = ledger.bill[bill.replaces_id]
        if bill.number:
            return str(bill.number)
    return None


def billable(over: int, used: int, off: int | None, billed: int) -> int:
    """The calls that a month is billed for, where Finance agreed to leave `off` some of them."""
    if off is None:
        return over
    return max(0, min(over - off, max(used, billed)))


def left_off(ledger: Ledger, bill: Row) -> int | None:
    """Calls over the limit that Finance agreed not to bill, as the record tells; None without."""
    found: dict[int, int | None] = {}
    off = begun_with = _inherited(ledger, bill)
    for action in ledger.actions[bill.id]:
        found[action.id] = off
        if action.action == "undo":
            off = found[action.reverses_id]
        elif action.action == "revise":
            units = action.snapshot.get("adjusted_units")
            anew = begun_with if bill.adjusts_id else None
            off = anew if units is None else _over(action) - units - _billed(ledger, bill, action)
    return off


def _inherited(ledger: Ledger, bill: Row) -> int | None:
    """A correction starts from what was agreed, and so does a month billed again."""
    first = ledger.actions[bill.id][0]
    if ledger.balances(bill) or not (bill.adjusts_id or bill.replaces_id):
        return None
    root = ledger.bill[bill.adjusts_id or bill.replaces_id]
    off = left_off_of_month(ledger, root, first.id)
    used = first.snapshot["after"]["api_usage"]
    if bill.replaces_id and billable(_over(first), used, off, 0) == 0:
        return None
    return off


def left_off_of_month(ledger: Ledger, root: Row, before: int) -> int | None:
    """As of the latest bill of a month that was issued before an action, or of its first one."""
    issued = [p for p in ledger.corrections[root.id] if ledger.did(p.id, "issue", before)]
    return left_off(ledger, ([root] + [p for p in issued if not ledger.balances(p)])[-1])


def _over(action: Row) -> int:
    after = action.snapshot["after"]
    return max(0, after["api_usage"] - after["monthly_api_limit"])


def _billed(ledger: Ledger, bill: Row, action: Row) -> int:
    """The calls of its month that had been billed when something was done to a correction."""
    if bill.adjusts_id is None:
        return 0
    family = ledger.family(ledger.bill[bill.adjusts_id])
    return sum(p.overage_units for p in family if ledger.counts(p, action.id))


def fresh(ledger: Ledger, customer_id: int, period: Period) -> Fresh | None:
    """None where no usage is recorded. A month that has gone out keeps all but its usage."""
    used = ledger.used.get((customer_id, period))
    if used is None:
        return None
    issued = ledger.issued.get((customer_id, period))
    if issued is not None:
        days = ledger.billed_contract[issued.id].contract_days
        limit, price = issued.monthly_api_limit, issued.overage_unit_cost
        return Fresh(used, limit, price, issued.currency, days)
    customer = ledger.customer[customer_id]
    terms = in_force(ledger, customer_id, period)
    days = active_days(ledger, customer, period)
    limit = terms.monthly_api_limit
    if customer.limit_proration == "daily":
        limit = -(-limit * days // monthrange(period.year, period.month)[1])
    return Fresh(used, limit, terms.overage_unit_cost, terms.currency, days)


def in_force(ledger: Ledger, customer_id: int, period: Period) -> Row:
    terms = ledger.terms[customer_id]
    first_day = date(period.year, period.month, 1)
    return ([one for one in terms if one.valid_from <= first_day] or terms[:1])[-1]


def asked_to_begin(ledger: Ledger, customer_id: int, asked: Period | None, now: Period) -> Period:
    """The month from which terms hold that somebody gives, with or without a month of their own."""
    if asked is not None:
        return asked
    first = ledger.terms[customer_id][0].valid_from
    gone_out = [period for who, period in ledger.issued if who == customer_id]
    return max(now, Period(first.year, first.month), *(one.plus(1) for one in gone_out))


def today_of(ledger: Ledger, customer_id: int) -> int:
    """Whom the names of a customer find: itself, or the one that it was merged into."""
    return ledger.customer[customer_id].merged_into_id or customer_id


def booked(ledger: Ledger, customer_id: int, period: Period) -> int:
    """Whose usage is meant by a name of this customer: its own where it has some, merged or not."""
    own = (customer_id, period) in ledger.used
    return customer_id if own else today_of(ledger, customer_id)


def billed_by(ledger: Ledger, customer_id: int, period: Period) -> bool:
    """Whether the customer has a live bill of the month."""
    month = (customer_id, period.year, period.month, "overage")
    return any(
        (bill.customer_id, bill.year, bill.month, bill.kind) == month
        for bill in ledger.bills
        if bill.status != "void"
    )


def active_days(ledger: Ledger, customer: Row, period: Period) -> int:
    """Of all the contracts that the customer has and had."""
    first = date(period.year, period.month, 1)
    last = date(period.year, period.month, monthrange(period.year, period.month)[1])
    covered = set[int]()
    for start, end in contracts(ledger, customer):
        begins, ends = max(first, start or first), min(last, end or last)
        covered |= set(range(begins.toordinal(), ends.toordinal() + 1))
    return len(covered)


def contracts(ledger: Ledger, customer: Row) -> list[Dates]:
    """Those that a later one followed, and the one of today."""
    spans = [(one.start_date, one.end_date) for one in ledger.former[customer.id]]
    spans.append((customer.start_date, customer.end_date))
    kept: list[Dates] = []
    for old, new in pairwise(spans):
        kept = [one for one in kept if one[1] and new[0] and one[1] <= new[0]]
        if old[1] and new[0] and old[1] <= new[0] and (new[1] is None or new[1] > old[1]):
            kept.append(old)
    return [*kept, spans[-1]]


def rules_currency(customer: Row) -> str:
    """The currency of the amounts in the customer's rules."""
    return str(customer.rules_currency or customer.currency)


def needed(customer: Row, amount: Decimal | None, currency: str) -> tuple[str, ...]:
    """The parts whose approval a bill of this amount needs; both where it cannot be compared."""
    above = customer.second_approval_above
    both = False
    if above is not None and amount is not None:
        both = currency != rules_currency(customer) or abs(amount) > above
    parts = (("csm", customer.require_csm_approval), ("sales", customer.require_sales_approval))
    return tuple(slot for slot, required in parts if required or both) or ("any",)


def named(ledger: Ledger, customer: Row, slot: str, bill: Row = None) -> Row | None:
    """Who is named for a part and still there in that role; for a bill whom Finance asks, before
    the customer's own.
    """
    own = {"csm": customer.csm_id, "sales": customer.sales_id}[slot]
    for user_id in (instead(ledger, bill).get(slot), own):
        user = ledger.user.get(user_id)
        if user and user.active and user.role in ROLE_OF[slot]:
            return user
    return None


def instead(ledger: Ledger, bill: Row) -> dict[str, int]:
    """Whom Finance asked last for each part of a bill, as its record tells."""
    told = ledger.actions[bill.id] if bill is not None else ()
    return {a.snapshot["part"]: a.snapshot["asked"] for a in told if a.action == "reassign"}


def able(ledger: Ledger, bill: Row, slot: str, today: date) -> set[int]:
    """Everybody whose word counts for a part of this bill today."""
    customer = ledger.customer[bill.customer_id]
    roles = ROLE_OF.get(slot, EITHER)
    crew = {user.id for user in ledger.users if user.active and user.role in roles}
    makers = made_by(ledger, bill)
    if slot == "any":
        return crew - makers
    person = named(ledger, customer, slot, bill)
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


def undecidable(
    ledger: Ledger, customer: Row, amount: Decimal | None, currency: str, bill: Row = None
) -> bool:
    """Whether a needed person is gone, or nobody at all has the role."""
    crew = {user.role for user in ledger.users if user.active}
    parts = needed(customer, amount, currency)
    if parts == ("any",):
        return not crew & set(EITHER)
    ids = {"csm": customer.csm_id, "sales": customer.sales_id}
    return any(
        (ids[slot] is not None and named(ledger, customer, slot, bill) is None)
        or not crew & set(ROLE_OF[slot])
        for slot in parts
    )


def cause_of_correction(ledger: Ledger, bill: Row, new: bool = False) -> str | None:
    """Why a correction is held, if it is; a new one that a rule approves needs nobody."""
    now = fresh(ledger, bill.customer_id, Period(bill.year, bill.month))
    assert now is not None
    if now.active_days == 0:
        return "outside_contract"
    stuck = undecidable(
        ledger, ledger.customer[bill.customer_id], bill.overage_amount, bill.currency, bill
    )
    return "no_approver" if stuck and not (new and passes_by_rule(ledger, bill, None)) else None


def cause(
    ledger: Ledger,
    customer_id: int,
    period: Period,
    jump: float | None,
    new: bool = False,
    bill: Row = None,
) -> str | None:
    """Why the overage of this month is held; None where it is not. A new bill that the customer's
    own rule approves needs nobody. `bill`: the one there is, for which others may be asked.
    """
    now = fresh(ledger, customer_id, period)
    assert now is not None
    if now.amount is None:
        return "no_price"
    if now.active_days == 0:
        return "outside_contract"
    customer = ledger.customer[customer_id]
    jumping = jumps(ledger, customer_id, period, now, jump or 3)
    by_rule = new and is_small(customer, now.amount, now.currency) and not jumping
    if undecidable(ledger, customer, now.amount, now.currency, bill) and not by_rule:
        return "no_approver"
    if jump is not None and jumps(ledger, customer_id, period, now, jump):
        return "jump"
    return None


def jumps(ledger: Ledger, customer_id: int, period: Period, now: Fresh, factor: float) -> bool:
    """Whether it is more than so many times the month's that was billed last before it."""
    return _is_jump(now.amount, billed_last(ledger, customer_id, period, now.currency), factor)


def is_flagged(ledger: Ledger, bill: Row) -> bool:
    """Whether its card says that it jumps: beside what nobody was billed, what was used counts."""
    period = Period(bill.year, bill.month)
    last = billed_last(ledger, bill.customer_id, period, bill.currency)
    if last is None:
        before = fresh(ledger, bill.customer_id, period.plus(-1))
        last = before.amount if before and before.currency == bill.currency else None
    return _is_jump(bill.overage_amount, last, 3)


def _is_jump(amount: Decimal | None, last: Decimal | None, factor: float) -> bool:
    return bool(last and amount and Fraction(amount) > Fraction(last) * Fraction(factor))


def billed_last(ledger: Ledger, customer_id: int, period: Period, currency: str) -> Decimal | None:
    """What the last month before was billed, with the corrections of it that stand."""
    earlier = [
        (bill.year, bill.month, _in_the_end(ledger, bill))
        for bill in ledger.bills
        if bill.customer_id == customer_id
        and bill.kind == "overage"
        and bill.status != "void"
        and bill.currency == currency
        and (bill.year, bill.month) < (period.year, period.month)
    ]
    return max(earlier)[2] if earlier else None


def _in_the_end(ledger: Ledger, bill: Row) -> Decimal | None:
    if bill.overage_amount is None:
        return None
    parts = [p for p in ledger.corrections[bill.id] if p.status not in ("rejected", "void")]
    return sum((p.overage_amount for p in parts), bill.overage_amount)


def is_small(customer: Row, amount: Decimal, currency: str) -> bool:
    """Whether the customer's own rule lets so much pass, jumps aside."""
    below, above = customer.auto_approve_below, customer.second_approval_above
    if currency != rules_currency(customer):
        return False
    if below is None or not abs(amount) < below:
        return False
    return above is None or abs(amount) <= above


def passes_by_rule(ledger: Ledger, bill: Row, jump: float | None) -> bool:
    """Whether the customer's own rule approves this bill."""
    if left_off(ledger, bill) is not None:
        return False
    customer = ledger.customer[bill.customer_id]
    if not is_small(customer, bill.overage_amount, bill.currency):
        return False
    if bill.kind != "overage":
        return True
    period = Period(bill.year, bill.month)
    now = fresh(ledger, bill.customer_id, period)
    return now is not None and not jumps(ledger, bill.customer_id, period, now, jump or 3)
