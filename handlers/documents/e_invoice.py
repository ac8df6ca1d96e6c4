"""A document as an e-invoice: what EN 16931 asks for, from what the document says, or why not."""

from collections.abc import Iterator
from decimal import Decimal

from handlers.documents import cii
from handlers.documents.cii import number_text
from handlers.documents.invoice import address_lines
from handlers.documents.tax_categories import (
    INTRA_COMMUNITY,
    OUT_OF_SCOPE,
    STANDARD,
    TAX_ID_CURES,
    ZERO_RATED,
    TaxCategory,
    missing_tax_ids,
    shown_tax_note,
    tax_category,
    vat_id,
)
from handlers.wording.formatting import clean, listing, period_name
from models.bills.invoice_data import InvoiceData
from models.bills.states import BillKind
from models.money import minor_units, overage_amount, taxed

INVOICE, CREDIT_NOTE = "380", "381"
MOST_DECIMALS = 2
MOST = 7 * Decimal(10) ** 13
"""The rules add up in floating point: beyond 2 to the 46th they take right sums for wrong ones."""

COUNTRY_CODES = {"XK": "1A"}
"""What the standard's list has for a country that ISO 3166-1 has not."""

NOTHING_TO_PAY = "There is nothing to pay."


class NoEInvoice(Exception):
    """No e-invoice can say what the document says; the message tells people why."""


def written_e_invoice(facts: InvoiceData) -> bytes:
    """The document's figures and parties as CII in the profile EN 16931. Raises NoEInvoice."""
    category = _category(facts)
    _check_figures(facts)
    is_credit = facts.kind == BillKind.CREDIT
    sums = (-one if is_credit else +one for one in facts.sums)
    net, tax, gross = (_amount(one, facts.currency) for one in sums)
    subject_to_tax = category is not OUT_OF_SCOPE
    return cii.written(
        cii.Invoice(
            number=facts.number,
            type_code=CREDIT_NOTE if is_credit else INVOICE,
            issued_on=facts.issued_on,
            notes=list(_notes(facts, category)),
            seller=_seller(facts, subject_to_tax=subject_to_tax),
            buyer=_buyer(facts, subject_to_tax=subject_to_tax),
            line=_line(facts, net),
            first_day=facts.period.first_day,
            last_day=facts.period.last_day,
            delivered_to=_country(facts.country) if category is INTRA_COMMUNITY else None,
            currency=facts.currency,
            tax=_tax(facts, category),
            net=net,
            tax_amount=tax,
            gross=gross,
            terms=NOTHING_TO_PAY if is_credit else _text(facts.company.payment_note),
            due_on=facts.due_on,
            corrects=facts.refers_to,
        )
    )


def _category(facts: InvoiceData) -> TaxCategory:
    """The category of tax, whose ids and countries are all there."""
    if facts.company.country is None:
        raise NoEInvoice("The company has no country. Set COMPANY_COUNTRY.")
    if facts.country is None:
        raise NoEInvoice("The customer has no country. Give it one.")
    category = tax_category(facts)
    if category is None:
        raise NoEInvoice(
            "Tax is 0 % for a customer in another country of the European Union, and nothing "
            "says why. Give it its VAT id as tax_id, or say why in its tax_note."
        )
    missing = list(missing_tax_ids(facts, category))
    if missing:
        cures = " ".join(TAX_ID_CURES[one] for one in missing)
        raise NoEInvoice(f"“{category.called}” needs {listing(missing)}. {cures}")
    return category


def _check_figures(facts: InvoiceData) -> None:
    """What the rules cannot write, and what they do not check."""
    currency = facts.currency
    if abs(facts.sums.gross) > MOST:
        raise NoEInvoice(f"Above {MOST:,} the rules of e-invoices do not add up.")
    for amount in facts.sums:
        if len(number_text(amount).partition(".")[2]) > MOST_DECIMALS:
            raise NoEInvoice(
                f"{number_text(amount.copy_abs())} {currency} has more than two digits after the "
                "point, which no e-invoice can have."
            )
    if (facts.kind == BillKind.CREDIT) != (facts.amount < 0):
        raise NoEInvoice("Only a credit note is below zero.")
    corrected = len(facts.refers_to) + len(facts.credited_before)
    worked_out = taxed(facts.amount, facts.tax_rate_percent, currency).tax
    # What takes back several documents takes back their taxes, each of which was rounded.
    rounded = corrected * Decimal(1).scaleb(-minor_units(currency))
    if abs(worked_out - facts.tax) > rounded:
        raise NoEInvoice(
            f"Its tax of {number_text(facts.tax)} is not "
            f"{number_text(facts.tax_rate_percent)} % of {number_text(facts.amount)} {currency}."
        )


def _amount(value: Decimal, currency: str) -> str:
    digits = min(MOST_DECIMALS, minor_units(currency))
    whole, _, fraction = number_text(value).partition(".")
    return f"{whole}.{fraction:0<{digits}}" if digits else whole


def _line(facts: InvoiceData, net: str) -> cii.Line:
    """Calls at a price, wherever that is how the amount came about."""
    units, cost = facts.overage_units, facts.unit_cost
    month = period_name(facts.period)
    used = f"{facts.api_usage:,} calls used, {facts.limit_calls:,} included"
    if cost is not None and overage_amount(units, cost, facts.currency) == facts.amount:
        return cii.Line(
            name=f"API calls over the limit, {month}",
            description=used,
            quantity=Decimal(abs(units)),
            price=cost,
            amount=net,
        )
    return cii.Line(
        name=f"Difference to what was billed before for API calls, {month}",
        description=used,
        quantity=Decimal(1),
        price=facts.amount.copy_abs(),
        amount=net,
    )


def _tax(facts: InvoiceData, category: TaxCategory) -> cii.Tax:
    """The standard wants a reason for every category without tax but the zero rate."""
    explained = category not in (STANDARD, ZERO_RATED)
    return cii.Tax(
        category=category.code,
        rate_percent=None if category is OUT_OF_SCOPE else facts.tax_rate_percent,
        reason=_text(shown_tax_note(facts)) if explained else None,
        reason_code=category.reason_code,
    )


def _notes(facts: InvoiceData, category: TaxCategory) -> Iterator[str]:
    if category is ZERO_RATED:
        yield _text(shown_tax_note(facts)) or ""
    if facts.credited_before:
        yield f"Less {listing(facts.credited_before)}"


def _seller(facts: InvoiceData, *, subject_to_tax: bool) -> cii.Party:
    """Without a VAT id, or where none may stand, it is told by its tax number."""
    company = facts.company
    vat, number = vat_id(company.tax_id, company.country), _text(company.tax_id)
    is_registered = subject_to_tax and vat
    return cii.Party(
        name=_text(company.name) or "",
        address=_address(company.address),
        country=_country(company.country),
        id=None if is_registered else number,
        vat_id=vat if subject_to_tax else None,
        tax_number=number if subject_to_tax and not vat else None,
    )


def _buyer(facts: InvoiceData, *, subject_to_tax: bool) -> cii.Party:
    vat = vat_id(facts.tax_id, facts.country) if subject_to_tax else None
    return cii.Party(
        name=_text(facts.customer) or "",
        address=_address(facts.billing_address),
        country=_country(facts.country),
        id=None if vat else _text(facts.tax_id),
        vat_id=vat,
    )


def _country(code: str | None) -> str:
    return COUNTRY_CODES.get(code or "", code or "")


def _address(text: str | None) -> list[str]:
    """On the three lines that there are; what is more stands on the last."""
    lines = address_lines(text)
    first, rest = lines[:2], lines[2:]
    return [*first, ", ".join(rest)] if rest else first


def _text(text: str | None) -> str | None:
    return clean(text or "").strip() or None
