"""Documents of nobody, to see whether a template does and a company can be drawn."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from models.bills.invoice_data import InvoiceData, IssuedLink, Proration
from models.bills.states import BillKind
from models.period import Period
from models.settings import Company
from models.usage.days import UsageDay
from models.usage.usage import UsageMonth

_MONTHS = tuple(
    UsageMonth(Period(2026, month), None if month == 3 else 1500 + month * 100, 2100, "EUR")
    for month in range(1, 11)
)


def samples(company: Company) -> list[InvoiceData]:
    """An invoice with all that one can have, an adjustment, and a credit note without a chart."""
    invoice = InvoiceData(
        customer="Sample Customer",
        billing_address="1 Sample Street\n10115 Berlin",
        country="DE",
        tax_id="DE123456789",
        locale="de_DE",
        tax_rate_percent=Decimal(0),
        tax_note="A note on tax.",
        payment_days=30,
        company=company,
        bill_id=0,
        number="2026-000001",
        kind=BillKind.OVERAGE,
        issued_on=date(2026, 11, 3),
        period=Period(2026, 10),
        api_usage=2500,
        limit_calls=2100,
        overage_units=400,
        unit_cost=Decimal("0.004"),
        amount=Decimal("1.60"),
        tax=Decimal("0.00"),
        currency="EUR",
        proration=Proration(3100, 21, 31),
        months=_MONTHS,
        days=tuple(UsageDay(date(2026, 10, day), 83 + (day % 3 == 0)) for day in range(1, 31)),
        link=IssuedLink("https://bills.example/u/csu_sample", date(2027, 2, 1)),
    )
    later = replace(invoice, number="2026-000002", refers_to=(invoice.number,), proration=None)
    return [
        invoice,
        replace(later, kind=BillKind.ADJUSTMENT, unit_cost=None),
        replace(later, kind=BillKind.CREDIT, amount=Decimal("-1.60"), months=()),
    ]
