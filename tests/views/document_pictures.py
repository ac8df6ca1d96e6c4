"""Pictures of documents for `docs/images`, as the demo company bills.

Run by hand, where there is pdftoppm of poppler-utils: `python -m tests.views.document_pictures`.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from handlers.documents.printer import InvoicePrinter
from models.bills.invoice_data import BilledCalls, InvoiceData, Proration
from models.bills.states import BillKind
from models.money import overage_amount, taxed
from models.period import Period
from models.settings import Company
from models.usage.usage import UsageMonth
from sandbox.demo import SETTINGS

FOLDER = Path("docs/images")
DPI = 72

MERIDIAN = Company(
    SETTINGS["COMPANY_NAME"],
    SETTINGS["COMPANY_ADDRESS"],
    SETTINGS["COMPANY_COUNTRY"],
    SETTINGS["COMPANY_TAX_ID"],
    30,
    SETTINGS["PAYMENT_NOTE"],
)
USED = (640, 655, 690, 702, None, 810, 835, 905, 880, 940, 1020)
"""Thousands of calls in the eleven months before."""

LONG_NAME = (
    "Gesellschaft für die Bewirtschaftung landwirtschaftlicher Nutzflächen und "
    "Binnenschifffahrtsgenossenschaftsbeteiligungsverwaltung Hohenlohe-Schillingsfürst mbH & Co. KG"
)
LONG_ADDRESS = "\n".join(
    (
        *("Zentrale Rechnungsprüfung", "Gebäude 17, Aufgang C, 4. Obergeschoss", "z. Hd. Frau Dr."),
        *(
            "Annemarie von der Schulenburg-Wolfsburg",
            "Am Alten Binnenhafen 1128 a",
            "20457 Hamburg",
        ),
    )
)
LONG_NOTE = "\n".join(f"{n}. {told}" for n, told in enumerate((
    "To IBAN CH93 0076 2011 6238 5295 7, BIC SAMPCHZZ.",
    "Payments from abroad: all charges are borne by the payer.",
    "Payments in another currency are credited at the rate of the day on which they arrive.",
    "Questions about the calls that were counted: usage@meridian.example, within thirty days.",
    "Questions about this invoice: accounts@meridian.example.",
    "Late payment: five per cent a year from the day after it was due.",
    "Purchase order numbers are printed where we were told them before the month ended.",
    "We send no reminders on paper.",
) * 3, start=1))  # fmt: skip


def document(calls: int = 1_250_000, limit: int = 1_000_000, **changes: Any) -> InvoiceData:
    """An invoice of October 2026 to Blue Heron, at 0.004 a call."""
    currency, unit_cost = changes.pop("currency", "EUR"), changes.pop("unit_cost", Decimal("0.004"))
    units = changes.pop("overage_units", max(0, calls - limit))
    amount = changes.pop("amount", overage_amount(units, unit_cost, currency))
    rate = changes.get("tax_rate_percent", Decimal("8.1"))
    used = [one and one * 1000 * calls // 1_250_000 for one in USED]
    known: dict[str, Any] = {
        "customer": "Blue Heron Logistics GmbH",
        "billing_address": "Hafenstraße 12\n20457 Hamburg",
        "country": "DE",
        "tax_id": "DE811223344",
        "locale": "de_DE",
        "tax_rate_percent": rate,
        "tax_note": None,
        "payment_days": 30,
        "company": MERIDIAN,
        "bill_id": 1,
        "number": "2026-000123",
        "kind": BillKind.OVERAGE,
        "issued_on": date(2026, 11, 3),
        "period": Period(2026, 10),
        "api_usage": calls,
        "limit_calls": limit,
        "months": tuple(
            UsageMonth(Period(2025, 11).plus(month), one, limit, currency)
            for month, one in enumerate([*used, calls])
        ),
    }
    tax = taxed(amount, rate, currency).tax
    figures = {"overage_units": units, "unit_cost": unit_cost, "amount": amount, "tax": tax}
    return InvoiceData(**(known | {"currency": currency} | figures | changes))


def documents() -> Iterator[tuple[str, InvoiceData]]:
    """Each by the name of its picture."""
    ordinary = document()
    yield "ordinary", ordinary
    company = replace(MERIDIAN, payment_note=LONG_NOTE)
    yield "long", document(customer=LONG_NAME, billing_address=LONG_ADDRESS, company=company)
    yield "prorated", document(3500, 2100, proration=Proration(3100, 21, 31), locale="fr_CH")
    billed = BilledCalls(
        ordinary.number, ordinary.overage_units, ordinary.unit_cost, ordinary.amount
    )
    later = document(
        1_400_000, overage_units=150_000, number="2026-000131", kind=BillKind.ADJUSTMENT,
        refers_to=(ordinary.number,), billed=(billed,),
    )  # fmt: skip
    yield "adjustment", later
    added = BilledCalls(later.number, later.overage_units, later.unit_cost, later.amount)
    yield "credit", document(
        1_400_000, overage_units=-400_000, number="CN-2026-000007", kind=BillKind.CREDIT,
        refers_to=(ordinary.number, later.number), billed=(billed, added),
    )  # fmt: skip
    yield "japanese", document(
        customer="株式会社東京ナノテクノロジー",
        billing_address="東京都千代田区丸の内一丁目9番1号\n100-0005",
        country="JP", tax_id="T1234567890123", locale="ja_JP", currency="JPY",
        unit_cost=Decimal("0.6"), tax_rate_percent=Decimal(0), tax_note="Exported service: no tax.",
    )  # fmt: skip
    yield "arabic", document(
        customer="شركة الخليج للخدمات اللوجستية", billing_address="شارع الملك فهد 21\nالرياض 12211",
        country="SA", tax_id="310122393500003", locale="ar_SA", currency="USD",
        tax_rate_percent=Decimal(0), tax_note="Exported service: no tax.",
    )  # fmt: skip
    yield "kwd", document(
        customer="Gulf Data Co. WLL", billing_address="Block 7, Sharq\nKuwait City", country="KW",
        tax_id=None, locale="en_GB", currency="KWD", unit_cost=Decimal("0.00125"),
        tax_rate_percent=Decimal(0), tax_note="Exported service: no tax.",
    )  # fmt: skip


def main() -> None:
    for name, facts in documents():
        with NamedTemporaryFile(suffix=".pdf") as file:
            file.write(InvoicePrinter().draw(facts).content)
            file.flush()
            picture = FOLDER / f"document-{name}"
            command = ["pdftoppm", "-png", "-gray", "-r", str(DPI), file.name, str(picture)]
            subprocess.run(command, check=True)
            only = picture.with_name(f"{picture.name}-1.png")
            if not picture.with_name(f"{picture.name}-2.png").exists():
                only.rename(picture.with_suffix(".png"))


if __name__ == "__main__":
    main()
