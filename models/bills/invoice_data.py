"""What a document says, gathered once, as it is issued."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.bill import Bill
from models.bills.states import BillKind
from models.context import Context
from models.customers.customers import Customer
from models.money import Taxed, add_up, overage_amount, taxed
from models.period import FIRST_YEAR, Period
from models.settings import Company
from models.usage.days import Month, UsageDay, days_of_each
from models.usage.usage import UsageMonth, usage_months_of_each

MONTHS = 12


@dataclass(frozen=True, kw_only=True)
class IssuedTerms:
    """Who bills whom, and on which terms. A correction has those of the bill that it corrects.

    `payment_days`: the customer's own, or the company's.
    """

    customer: str
    billing_address: str | None
    country: str | None
    tax_id: str | None
    locale: str | None
    tax_rate_percent: Decimal
    tax_note: str | None
    payment_days: int
    company: Company

    def as_arguments(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(IssuedTerms)}


@dataclass(frozen=True)
class Proration:
    """How the month's limit came about: so much of a whole month's, rounded up to a whole call."""

    limit_calls: int
    days: int
    of_days: int


@dataclass(frozen=True)
class BilledCalls:
    """Calls, and the net amount that was billed for them; both below zero where it was credited.

    `number`: of the document that did so; None of what is billed now.
    """

    number: str | None
    units: int
    unit_cost: Decimal | None
    amount: Decimal

    def is_product(self, currency: str) -> bool:
        """Whether the calls at their price make the amount."""
        return (
            self.unit_cost is not None
            and overage_amount(self.units, self.unit_cost, currency) == self.amount
        )

    def taken_back(self) -> "BilledCalls":
        return replace(self, units=-self.units, amount=self.amount.copy_negate())


@dataclass(frozen=True)
class IssuedLink:
    """Where whoever has the document sees how it came about, until the end of the `last_day`."""

    address: str
    last_day: date


@dataclass(frozen=True, kw_only=True)
class InvoiceData(IssuedTerms):
    """What an invoice, an adjustment or a credit note says. `amount` is net, in `currency`.

    `refers_to`: the numbers of the invoice and the adjustments that it corrects, or of the invoice
    that it replaces. `credited_before`: of credit notes that had taken back a part of these.
    `billed`: what each of all these had billed, oldest first. `months`: the year's usage up to the
    month that is billed; of a correction as the documents had it that it corrects. `days`: those of
    the month, where they are known and come to its usage.
    """

    bill_id: int
    number: str
    kind: BillKind
    issued_on: date
    period: Period
    api_usage: int
    limit_calls: int
    overage_units: int
    unit_cost: Decimal | None
    amount: Decimal
    tax: Decimal
    currency: str
    refers_to: tuple[str, ...] = ()
    credited_before: tuple[str, ...] = ()
    billed: tuple[BilledCalls, ...] = ()
    proration: Proration | None = None
    months: tuple[UsageMonth, ...] = ()
    days: tuple[UsageDay, ...] = ()
    link: IssuedLink | None = None

    @property
    def lines(self) -> tuple[BilledCalls, ...]:
        """What its calls and its amount are the sums of: what the month comes to, less what each
        document had billed. Where the month comes to nothing, only the latter.
        """
        now = BilledCalls(
            number=None,
            units=self.overage_units + sum(one.units for one in self.billed),
            unit_cost=self.unit_cost,
            amount=add_up((self.amount, *(one.amount for one in self.billed))),
        )
        before = tuple(one.taken_back() for one in self.billed)
        return (now, *before) if now.units or now.amount or not before else before

    @property
    def sums(self) -> Taxed:
        return Taxed(self.amount, self.tax, add_up((self.amount, self.tax)))

    @property
    def due_on(self) -> date | None:
        """When it is to be paid; None of a credit note."""
        if self.kind == BillKind.CREDIT:
            return None
        return self.issued_on + timedelta(days=self.payment_days)

    def as_json(self) -> str:
        """As it is stored: money as text, to the last digit."""
        return _JSON.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "InvoiceData":
        return _JSON.validate_json(text)


_JSON = TypeAdapter(InvoiceData)


@dataclass(frozen=True)
class _Corrected:
    """A document that stands for the month which is corrected; `facts` None where none are kept."""

    kind: BillKind
    currency: str
    billed: BilledCalls
    facts: InvoiceData | None

    def tax(self, rate_percent: Decimal) -> Decimal:
        if self.facts:
            return self.facts.tax
        return taxed(self.billed.amount, rate_percent, self.currency).tax


_CORRECTED = sa.text("""
select c.kind, c.currency, d.facts, c.number, c.overage_units, c.overage_unit_cost, c.overage_amount
from bills b cross join lateral corrected_documents(b) c left join documents d on d.bill_id = c.id
where b.id = :bill_id order by c.id
""")

# What it replaces may have been called back before it had a number.
_REPLACED = sa.text("""
with recursive replaced as (
    select b.replaces_id, b.number, 0 as ago from bills b where b.id = :replaces_id
    union all
    select b.replaces_id, b.number, r.ago + 1
    from replaced r join bills b on b.id = r.replaces_id where r.number is null)
select number from replaced where number is not null order by ago limit 1
""")


@dataclass(frozen=True)
class Background:
    """What documents tell besides their bills: the months of each customer, what the limit of each
    bill came from, a whole month's and the days in contract, and the days of its month.
    """

    months: Mapping[int, Sequence[UsageMonth]]
    limits: Mapping[int, tuple[int, int]]
    days: Mapping[Month, tuple[UsageDay, ...]]


async def background_of(session: AsyncSession, bills: Sequence[Bill]) -> Background:
    """For the documents of all these."""
    asked: dict[int, set[Period]] = {bill.customer_id: set() for bill in bills}
    for bill in bills:
        asked[bill.customer_id].update(_year_to(bill.period))
    limits = await session.execute(_WHOLE_LIMITS, {"bill_ids": [bill.id for bill in bills]})
    return Background(
        await usage_months_of_each(session, asked),
        {bill_id: (limit, days) for bill_id, limit, days in limits},
        await days_of_each(session, [(bill.customer_id, bill.period) for bill in bills]),
    )


async def invoice_data(
    session: AsyncSession,
    bill: Bill,
    number: str,
    issued_on: date,
    context: Context,
    background: Background | None = None,
) -> InvoiceData:
    """What the bill's document says if it is issued on that day."""
    background = background or await background_of(session, [bill])
    corrected = await _corrected(session, bill)
    kept = next((one.facts for one in reversed(corrected) if one.facts), None)
    terms = kept or await _terms_of_today(session, bill, context)
    replaced = None
    if bill.replaces_id is not None:
        replaced = await session.scalar(_REPLACED, {"replaces_id": bill.replaces_id})
    return InvoiceData(
        **terms.as_arguments(),
        bill_id=bill.id,
        number=number,
        kind=BillKind(bill.kind),
        issued_on=issued_on,
        period=bill.period,
        api_usage=bill.api_usage,
        limit_calls=bill.monthly_api_limit,
        overage_units=bill.overage_units,
        unit_cost=bill.overage_unit_cost,
        amount=bill.overage_amount or Decimal(0),
        tax=_tax(bill, corrected, terms.tax_rate_percent),
        currency=bill.currency,
        refers_to=(replaced,) if replaced else _numbers(corrected, of_credits=False),
        credited_before=_numbers(corrected, of_credits=True),
        billed=tuple(one.billed for one in corrected),
        proration=_proration(bill, kept, background),
        months=_months(bill, kept, background),
        days=_days(bill, background),
    )


def _days(bill: Bill, background: Background) -> tuple[UsageDay, ...]:
    """None where they are of another figure than the bill's."""
    days = background.days.get((bill.customer_id, bill.period), ())
    return days if sum(one.calls for one in days) == bill.api_usage else ()


def _months(bill: Bill, kept: InvoiceData | None, background: Background) -> tuple[UsageMonth, ...]:
    """Those of the document that it corrects, but for its own month, which it is about."""
    if kept is None:
        year = set(_year_to(bill.period))
        return tuple(one for one in background.months[bill.customer_id] if one.period in year)
    own = UsageMonth(bill.period, bill.api_usage, bill.monthly_api_limit, bill.currency)
    return tuple(own if month.period == bill.period else month for month in kept.months)


def _year_to(last: Period) -> Iterable[Period]:
    """Its twelve months, as far back as there are months."""
    first = last.plus(1 - MONTHS) if last.year > FIRST_YEAR else Period(FIRST_YEAR, 1)
    return first.through(last)


_WHOLE_LIMITS = sa.text("""
select b.id, whole.monthly_api_limit, m.active_days
from bills b
cross join lateral terms_in_force(b.customer_id, make_date(b.year, b.month, 1)) whole
cross join lateral month_terms(b.customer_id, b.year, b.month) m
where b.id = any(:bill_ids)
""")


def _proration(bill: Bill, kept: InvoiceData | None, background: Background) -> Proration | None:
    """That of the document that it corrects, if it has the same limit. None where the month has the
    whole limit, or the bill another one than terms give now.
    """
    if kept is not None and kept.limit_calls == bill.monthly_api_limit:
        return kept.proration
    limit, days = background.limits[bill.id]
    of_days = bill.period.last_day.day
    if limit == bill.monthly_api_limit or -(-limit * days // of_days) != bill.monthly_api_limit:
        return None
    return Proration(limit, days, of_days)


async def _corrected(session: AsyncSession, bill: Bill) -> Sequence[_Corrected]:
    if bill.adjusts_id is None:
        return ()
    rows = await session.execute(_CORRECTED, {"bill_id": bill.id})
    return [
        _Corrected(
            BillKind(kind), currency, BilledCalls(*billed), facts and InvoiceData.from_json(facts)
        )
        for kind, currency, facts, *billed in rows
    ]


async def _terms_of_today(session: AsyncSession, bill: Bill, context: Context) -> IssuedTerms:
    """Those of an invoice, and of what corrects documents of which none are kept."""
    customer = await session.get_one(Customer, bill.customer_id)
    company, days = context.settings.company, customer.payment_days
    return IssuedTerms(
        customer=customer.name,
        billing_address=customer.billing_address,
        country=customer.country,
        tax_id=customer.tax_id,
        locale=customer.locale or company.locale,
        tax_rate_percent=customer.tax_rate_percent,
        tax_note=customer.tax_note,
        payment_days=company.payment_days if days is None else days,
        company=company,
    )


def _tax(bill: Bill, corrected: Sequence[_Corrected], rate_percent: Decimal) -> Decimal:
    """On its amount, rounded once; what takes back all that was billed takes back all its tax."""
    amount = bill.overage_amount or Decimal(0)
    if corrected and add_up(one.billed.amount for one in corrected) == amount.copy_negate():
        return add_up(one.tax(rate_percent) for one in corrected).copy_negate()
    return taxed(amount, rate_percent, bill.currency).tax


def _numbers(corrected: Sequence[_Corrected], *, of_credits: bool) -> tuple[str, ...]:
    return tuple(
        one.billed.number or "" for one in corrected if (one.kind == BillKind.CREDIT) == of_credits
    )
