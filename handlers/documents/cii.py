"""EN 16931 as UN/CEFACT's Cross Industry Invoice: elements in the order that its schema wants."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

NAMESPACES = {
    name: f"urn:un:unece:uncefact:data:standard:{kind}:100"
    for name, kind in (
        ("rsm", "CrossIndustryInvoice"),
        ("ram", "ReusableAggregateBusinessInformationEntity"),
        ("udt", "UnqualifiedDataType"),
    )
}
FILE_NAME = "factur-x.xml"
"""As Factur-X wants it called within a PDF."""

EN_16931 = "urn:cen.eu:en16931:2017"
PIECES = "C62"
YEAR_MONTH_DAY = "102"
ADDRESS_LINES = ("ram:LineOne", "ram:LineTwo", "ram:LineThree")

Node = ET.Element | None
"""None is left out."""


@dataclass(frozen=True, kw_only=True)
class Party:
    """`vat_id` with its country's prefix; `tax_number` of a seller who has no VAT id; `id` any
    other number that tells who it is.
    """

    name: str
    address: Sequence[str]
    country: str
    id: str | None
    vat_id: str | None
    tax_number: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tax:
    """`rate_percent` None where nothing is subject to tax; `reason` why none is charged."""

    category: str
    rate_percent: Decimal | None
    reason: str | None
    reason_code: str | None


@dataclass(frozen=True, kw_only=True)
class InvoiceLine:
    """What is billed: `quantity` pieces at `price` each, `amount` in all; below zero what is taken
    off.
    """

    name: str
    description: str
    quantity: Decimal
    price: Decimal
    amount: str


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """What a program reads. Amounts are text with the currency's own digits, above zero
    in a credit note too; `lines` come to `net`.

    `type_code`: 380 an invoice, 381 a credit note. `delivered_to`: a country, where the rules ask
    for it. `corrects`: numbers of earlier invoices.
    """

    number: str
    type_code: str
    issued_on: date
    notes: Sequence[str]
    seller: Party
    buyer: Party
    lines: Sequence[InvoiceLine]
    first_day: date
    last_day: date
    delivered_to: str | None
    currency: str
    tax: Tax
    net: str
    tax_amount: str
    gross: str
    terms: str | None
    due_on: date | None
    corrects: Sequence[str]


def written(invoice: Invoice) -> bytes:
    """The file: the same bytes for the same invoice."""
    profile = _node("ram:GuidelineSpecifiedDocumentContextParameter", _node("ram:ID", EN_16931))
    root = _node(
        "rsm:CrossIndustryInvoice",
        _node("rsm:ExchangedDocumentContext", profile),
        _document(invoice),
        _node(
            "rsm:SupplyChainTradeTransaction",
            *(_line(number, line, invoice.tax) for number, line in enumerate(invoice.lines, 1)),
            _node(
                "ram:ApplicableHeaderTradeAgreement",
                _party("ram:SellerTradeParty", invoice.seller),
                _party("ram:BuyerTradeParty", invoice.buyer),
            ),
            _delivery(invoice),
            _settlement(invoice),
        ),
        **{f"xmlns:{prefix}": namespace for prefix, namespace in NAMESPACES.items()},
    )
    assert root is not None
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def number_text(value: Decimal | int) -> str:
    """Every digit and no exponent, without zeros at the end of a fraction."""
    whole, point, fraction = format(Decimal(value), "f").partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}{point}{fraction}" if fraction else whole


def _node(tag: str, *content: Node | str, **attributes: str) -> Node:
    """An element with what is there of its content; where nothing is, there is no element."""
    there = [one for one in content if one is not None and one != ""]
    if not there:
        return None
    element = ET.Element(tag, attributes)
    for one in there:
        if isinstance(one, str):
            element.text = one
        else:
            element.append(one)
    return element


def _text(tag: str, text: str | None, **attributes: str) -> Node:
    return _node(tag, text or "", **attributes)


def _day(tag: str, day: date | None) -> Node:
    text = f"{day:%Y%m%d}" if day else ""
    return _node(tag, _node("udt:DateTimeString", text, format=YEAR_MONTH_DAY))


def _document(invoice: Invoice) -> Node:
    return _node(
        "rsm:ExchangedDocument",
        _node("ram:ID", invoice.number),
        _node("ram:TypeCode", invoice.type_code),
        _day("ram:IssueDateTime", invoice.issued_on),
        *(_node("ram:IncludedNote", _node("ram:Content", note)) for note in invoice.notes),
    )


def _line(number: int, line: InvoiceLine, tax: Tax) -> Node:
    price = _node("ram:ChargeAmount", number_text(line.price))
    quantity = _node("ram:BilledQuantity", number_text(line.quantity), unitCode=PIECES)
    amount = _node("ram:LineTotalAmount", line.amount)
    return _node(
        "ram:IncludedSupplyChainTradeLineItem",
        _node("ram:AssociatedDocumentLineDocument", _node("ram:LineID", str(number))),
        _node(
            "ram:SpecifiedTradeProduct",
            _node("ram:Name", line.name),
            _node("ram:Description", line.description),
        ),
        _node("ram:SpecifiedLineTradeAgreement", _node("ram:NetPriceProductTradePrice", price)),
        _node("ram:SpecifiedLineTradeDelivery", quantity),
        _node(
            "ram:SpecifiedLineTradeSettlement",
            _tax(tax),
            _node("ram:SpecifiedTradeSettlementLineMonetarySummation", amount),
        ),
    )


def _tax(tax: Tax, amount: str = "", basis: str = "") -> Node:
    """Of the whole invoice, with its sums and why it is what it is, or of a line without."""
    reason, code = (tax.reason, tax.reason_code) if basis else (None, None)
    rate = None if tax.rate_percent is None else number_text(tax.rate_percent)
    return _node(
        "ram:ApplicableTradeTax",
        _node("ram:CalculatedAmount", amount),
        _node("ram:TypeCode", "VAT"),
        _text("ram:ExemptionReason", reason),
        _node("ram:BasisAmount", basis),
        _node("ram:CategoryCode", tax.category),
        _text("ram:ExemptionReasonCode", code),
        _text("ram:RateApplicablePercent", rate),
    )


def _party(tag: str, party: Party) -> Node:
    lines = zip(ADDRESS_LINES, party.address, strict=False)
    registrations = (("VA", party.vat_id), ("FC", party.tax_number))
    return _node(
        tag,
        _text("ram:ID", party.id),
        _node("ram:Name", party.name),
        _node(
            "ram:PostalTradeAddress",
            *(_node(name, line) for name, line in lines),
            _node("ram:CountryID", party.country),
        ),
        *(
            _node("ram:SpecifiedTaxRegistration", _text("ram:ID", number, schemeID=scheme))
            for scheme, number in registrations
        ),
    )


def _delivery(invoice: Invoice) -> Node:
    country = _text("ram:CountryID", invoice.delivered_to)
    return _node(
        "ram:ApplicableHeaderTradeDelivery",
        _node("ram:ShipToTradeParty", _node("ram:PostalTradeAddress", country)),
        _node(
            "ram:ActualDeliverySupplyChainEvent",
            _day("ram:OccurrenceDateTime", invoice.last_day),
        ),
    )


def _settlement(invoice: Invoice) -> Node:
    return _node(
        "ram:ApplicableHeaderTradeSettlement",
        _node("ram:PaymentReference", invoice.number),
        _node("ram:InvoiceCurrencyCode", invoice.currency),
        _tax(invoice.tax, invoice.tax_amount, invoice.net),
        _node(
            "ram:BillingSpecifiedPeriod",
            _day("ram:StartDateTime", invoice.first_day),
            _day("ram:EndDateTime", invoice.last_day),
        ),
        _node(
            "ram:SpecifiedTradePaymentTerms",
            _text("ram:Description", invoice.terms),
            _day("ram:DueDateDateTime", invoice.due_on),
        ),
        _sums(invoice),
        *(
            _node("ram:InvoiceReferencedDocument", _node("ram:IssuerAssignedID", number))
            for number in invoice.corrects
        ),
    )


def _sums(invoice: Invoice) -> Node:
    return _node(
        "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
        _node("ram:LineTotalAmount", invoice.net),
        _node("ram:TaxBasisTotalAmount", invoice.net),
        _node("ram:TaxTotalAmount", invoice.tax_amount, currencyID=invoice.currency),
        _node("ram:GrandTotalAmount", invoice.gross),
        _node("ram:DuePayableAmount", invoice.gross),
    )
