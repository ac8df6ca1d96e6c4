"""Documents by chance, each with the tax that it falls under: for e-invoices.

Run as a program it tells what came of so many: `python -m tests.views.e_invoices 5000`.
"""

import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from lxml import etree

from handlers.documents.e_invoice import NoEInvoice, written_e_invoice
from handlers.documents.e_invoice_rules import broken_rules
from models.bills.invoice_data import BilledCalls, InvoiceData
from models.bills.states import BillKind
from models.period import Period
from models.settings import Company

DIGITS = {
    **dict.fromkeys(("EUR", "USD", "CHF", "GBP", "PLN", "SEK"), 2),
    **dict.fromkeys(("JPY", "CLP"), 0),
    **dict.fromkeys(("KWD", "BHD"), 3),
}
LARGEST = Decimal("3e13")
"""With tax and all it is less than the rules can add up."""

NAMES = (
    "Acme Corp",
    "Łódź & Söhne <GmbH>",
    "株式会社 東京",
    'שלום "בע״מ"',
    "O’Brien\tand Daughters",
)
ADDRESSES = (
    None,
    "1 Example Street, 10115 Berlin",
    "c/o Anna\nHinterhaus, 3. Stock\nWeg 5\n1010 Wien\nStiege 2",
)


@dataclass(frozen=True)
class Rated:
    """What gives a customer's documents a category. `category` as a tax adviser would say; None
    where no e-invoice can be written of it, for `lack`.
    """

    category: str | None
    rate: str
    seller: tuple[str | None, str | None] = ("DE", "DE 987 654 321")
    customer: tuple[str | None, str | None] = ("DE", "DE123456789")
    note: str | None = None
    lack: str | None = None


AUSTRIA = ("AT", "ATU12345678")
RATED = (
    Rated("S", "19"),
    Rated("S", "8.1", ("CH", "CHE-987.654.321 MWST"), ("CH", None)),
    Rated("S", "5.5", ("FR", "FR12987654321"), ("US", "12-3456789")),
    Rated("S", "20", ("GB", "GB 123 4567 89"), ("XK", "XK811223344"), "Kept for a year of no tax"),
    Rated("S", "24", ("GR", "EL123456789"), ("GB", "XI123456789")),
    Rated("S", "19", ("DE", "12/345/67890")),
    Rated("S", "0.9", ("JP", "T1234567890123"), ("JP", None)),
    Rated("Z", "0"),
    Rated("Z", "0", customer=AUSTRIA, note="Zero-rated."),
    Rated("Z", "0", ("US", "12-3456789"), ("US", None)),
    Rated("E", "0", note="Steuerfrei nach § 4 Nr. 8 UStG"),
    Rated("E", "0", ("DE", "12/345/67890"), note="Als Kleinunternehmer ohne Umsatzsteuer"),
    Rated("E", "0", ("FR", "FR12987654321"), ("FR", None), "Exonération, article 261 CGI"),
    Rated("E", "0", customer=("AT", None), note="By § 6 of that law"),
    Rated("AE", "0", customer=AUSTRIA),
    Rated("AE", "0", customer=AUSTRIA, note="VAT reverse charge, exempt in Germany"),
    Rated("AE", "0", note="Steuerschuldnerschaft des Leistungsempfängers (§ 13b)"),
    Rated("AE", "0", ("NL", "NL123456789B01"), ("GR", "EL123456789"), "Btw verlegd"),
    Rated("K", "0", customer=AUSTRIA, note="Tax-free intra-Community supply"),
    Rated("K", "0", ("FR", "FR12987654321"), ("DE", "DE123456789"), "Livraison intracommunautaire"),
    Rated("O", "0", customer=("US", "12-3456789")),
    Rated("O", "0", ("CH", "CHE-987.654.321"), ("DE", "DE123456789"), "For abroad"),
    Rated("O", "0", note="Outside the scope of VAT"),
    Rated("O", "0", ("DE", "12/345/67890"), ("XK", None)),
    Rated(None, "19", (None, "DE987654321"), lack="COMPANY_COUNTRY"),
    Rated(None, "19", customer=(None, "DE123456789"), lack="has no country"),
    Rated(None, "19", ("DE", None), lack="COMPANY_TAX_ID"),
    Rated(None, "0", ("DE", None), ("US", None), lack="COMPANY_TAX_ID"),
    Rated(None, "0", customer=("AT", None), lack="nothing says why"),
    Rated(None, "0", customer=("AT", "123"), lack="nothing says why"),
    Rated(None, "0", customer=("AT", "n/a"), note="Reverse charge", lack="the customer's VAT id"),
    Rated(None, "0", ("DE", "12/345"), AUSTRIA, "Intra-Community supply", lack="company's VAT id"),
)


def documents(seed: int, count: int) -> Iterator[tuple[InvoiceData, Rated]]:
    """So many, the same for the same seed; each kind of tax comes in turn."""
    chance = random.Random(seed)
    return ((document(chance, RATED[n % len(RATED)]), RATED[n % len(RATED)]) for n in range(count))


def document(chance: random.Random, rated: Rated) -> InvoiceData:
    currency = chance.choice(list(DIGITS))
    kind = chance.choice(list(BillKind))
    sign = -1 if kind == BillKind.CREDIT else 1
    figures = _figures(chance, currency, sign)
    if kind == BillKind.CREDIT:
        refers_to = tuple(f"2026-{n:06}" for n in range(chance.randint(1, 3)))
        before = tuple(f"CN-2026-{n:06}" for n in range(chance.randint(0, 1)))
    else:
        refers_to, before = chance.choice(((), ("2026-000001",))), ()
    (seller, seller_id), (country, tax_id) = rated.seller, rated.customer
    rate = Decimal(rated.rate)
    tax = rounded(figures["amount"] * rate / 100, currency)
    if rate and DIGITS[currency] == 2:
        # Each of the taxes that are taken back was rounded on its own.
        tax += Decimal(len(refers_to) // 2).scaleb(-2) * chance.choice((-1, 0, 1))
    return InvoiceData(
        customer=chance.choice(NAMES),
        billing_address=chance.choice(ADDRESSES),
        country=country,
        tax_id=tax_id,
        locale=None,
        tax_rate_percent=rate,
        tax_note=rated.note,
        payment_days=chance.choice((0, 30)),
        company=Company(
            "Meridian API AG",
            chance.choice(ADDRESSES),
            seller,
            seller_id,
            payment_note=chance.choice((None, "IBAN CH93 0076\nBIC MERI")),
        ),
        bill_id=1,
        number="CN-2026-000007" if kind == BillKind.CREDIT else "2026-000123",
        kind=kind,
        issued_on=date(2026, 11, 3),
        period=Period(2026, chance.randint(1, 10)),
        tax=tax,
        currency=currency,
        refers_to=refers_to,
        credited_before=before,
        billed=tuple(
            _billed(chance, number, figures, currency) for number in (*refers_to, *before)
        ),
        **figures,
    )


def _figures(chance: random.Random, currency: str, sign: int) -> dict[str, Any]:
    """Calls at a price, or what is left of two such products."""
    limit = chance.randint(0, 10**6)
    units = chance.choice((1, chance.randint(2, 999), chance.randint(10**3, 10**9)))
    cost = Decimal(chance.randint(1, 10**9)).scaleb(-chance.choice((0, 2, 4, 7, 10)))
    while units * cost > LARGEST:
        cost = cost.scaleb(-1)
    amount = rounded(units * cost, currency) or Decimal(1)
    if chance.random() < 0.3:
        cost, amount = chance.choice((None, cost)), amount + 7
    return {
        "api_usage": limit + units,
        "limit_calls": limit,
        "overage_units": sign * units,
        "unit_cost": cost,
        "amount": sign * amount,
    }


def _billed(
    chance: random.Random, number: str, figures: dict[str, Any], currency: str
) -> BilledCalls:
    """At the price of the correction or another; the last one may leave nothing of the month."""
    sign = -1 if number.startswith("CN") else 1
    if chance.random() < 0.4 and figures["amount"] < 0 < sign:
        return BilledCalls(
            number, -figures["overage_units"], figures["unit_cost"], -figures["amount"]
        )
    units, cost = chance.randint(1, 999), Decimal(chance.randint(1, 999)).scaleb(-2)
    amount = rounded(units * cost, currency) or Decimal(1)
    return BilledCalls(number, sign * units, chance.choice((None, cost)), sign * amount)


def rounded(value: Decimal, currency: str) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-DIGITS[currency]), ROUND_HALF_UP)


def is_too_fine(facts: InvoiceData) -> bool:
    """Whether it has an amount that two decimals do not hold."""
    written = (facts.amount, facts.tax, *(one.amount for one in facts.lines))
    return any(value * 100 % 1 for value in written)


NAMESPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
}
LINE = "ram:IncludedSupplyChainTradeLineItem"
SUMS = "ram:SpecifiedTradeSettlementHeaderMonetarySummation"
TAX = "ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax"


class Read:
    """An e-invoice as another program reads it: texts at the ends of a path."""

    def __init__(self, xml: bytes) -> None:
        self._root = etree.fromstring(xml)

    def all(self, path: str) -> list[str]:
        return ["".join(one.itertext()) for one in self._root.iterfind(f".//{path}", NAMESPACES)]

    def one(self, path: str) -> str:
        (text,) = self.all(path)
        return text

    def number(self, path: str) -> Decimal:
        return Decimal(self.one(path))


def check_figures(read: Read, facts: InvoiceData) -> None:
    """What the rules do not see to: that it is the bill, and that its sums are sums."""
    net, tax, gross = (
        read.number(f"{SUMS}/ram:{name}")
        for name in ("TaxBasisTotalAmount", "TaxTotalAmount", "GrandTotalAmount")
    )
    sign = -1 if facts.kind == BillKind.CREDIT else 1
    assert (net, tax) == (sign * facts.amount, sign * facts.tax)
    assert not any(one.is_zero() and one.is_signed() for one in (net, tax, gross))
    assert gross == net + tax == read.number(f"{SUMS}/ram:DuePayableAmount")
    assert net == read.number(f"{SUMS}/ram:LineTotalAmount")
    check_lines(read, facts, net)
    assert read.number(f"{TAX}/ram:CalculatedAmount") == tax
    assert read.number(f"{TAX}/ram:BasisAmount") == net
    assert read.one("ram:InvoiceCurrencyCode") == facts.currency
    corrected = read.all("ram:InvoiceReferencedDocument/ram:IssuerAssignedID")
    assert corrected == list(facts.refers_to)


def check_lines(read: Read, facts: InvoiceData, net: Decimal) -> None:
    """Each is pieces at a price, with what was billed before named; all come to the net amount."""
    quantities, prices, amounts = (
        [Decimal(text) for text in read.all(f"{LINE}//ram:{name}")]
        for name in ("BilledQuantity", "ChargeAmount", "LineTotalAmount")
    )
    for quantity, price, amount in zip(quantities, prices, amounts, strict=True):
        assert rounded(quantity * price, facts.currency) == amount
    assert sum(amounts) == net
    told = read.all("ram:SpecifiedTradeProduct/ram:Description")
    assert [one.rpartition(" by ")[2] for one in told if " by " in one] == [
        one.number for one in facts.billed
    ]


def outcome(facts: InvoiceData, rated: Rated) -> str:
    """The category under which it went out, or "none"; asserts that this is right."""
    try:
        xml = written_e_invoice(facts)
    except NoEInvoice as why:
        assert (rated.lack or "more than two digits") in str(why), (rated, str(why))
        assert rated.category is None or is_too_fine(facts)
        return "none"
    assert rated.category is not None
    assert not is_too_fine(facts)
    assert (broken := broken_rules(xml)) == [], (broken, rated, facts)
    read = Read(xml)
    check_figures(read, facts)
    categories = set(read.all("ram:ApplicableTradeTax/ram:CategoryCode"))
    assert categories == {rated.category}
    return rated.category


def main(count: int) -> None:
    told = Counter((facts.currency, outcome(facts, rated)) for facts, rated in documents(0, count))
    for (currency, category), times in sorted(told.items()):
        print(f"{currency} {category:5} {times}")  # noqa: T201
    print(sum(times for (_, category), times in told.items() if category != "none"), "valid")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]))
