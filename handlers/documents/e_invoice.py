"""A document as an e-invoice: what EN 16931 asks for, from what the document says, or why not."""

from collections.abc import Iterator
from decimal import Decimal

from handlers.documents import cii
from handlers.documents.cii import number_text
from handlers.wording.document_text import address_lines, billed_by, every_number
from handlers.wording.formatting import clean, listing, period_name
from handlers.wording.number_format import DEFAULT_LOCALE, NumberFormat
from handlers.wording.tax_categories import (
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
from models.bills.invoice_data import BilledCalls, InvoiceData
from models.bills.states import BillKind
from models.money import minor_units, taxed

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
    net, tax, gross = (_amount(_as_written(one, facts), facts.currency) for one in facts.sums)
    subject_to_tax = category is not OUT_OF_SCOPE
    return cii.written(
        cii.Invoice(
            number=facts.number,
            type_code=CREDIT_NOTE if is_credit else INVOICE,
            issued_on=facts.issued_on,
            notes=list(_notes(facts, category)),
            seller=_seller(facts, subject_to_tax=subject_to_tax),
            buyer=_buyer(facts, subject_to_tax=subject_to_tax),
            lines=[_line(one, facts) for one in facts.lines],
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
    amounts = (*facts.sums, *(line.amount for line in facts.lines))
    if any(abs(amount) > MOST for amount in amounts):
        raise NoEInvoice(f"Above {MOST:,} the rules of e-invoices do not add up.")
    for amount in amounts:
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


def _as_written(value: Decimal, facts: InvoiceData) -> Decimal:
    """A credit note is above zero here."""
    return -value if facts.kind == BillKind.CREDIT else +value


def _line(line: BilledCalls, facts: InvoiceData) -> cii.InvoiceLine:
    """Calls at a price, wherever they make the amount; else one piece at the amount."""
    month, amount = period_name(facts.period), _as_written(line.amount, facts)
    name, pieces, price = "API calls over the limit", Decimal(1).copy_sign(amount), abs(amount)
    if line.unit_cost is not None and line.is_product(facts.currency):
        pieces, price = _as_written(Decimal(line.units), facts), line.unit_cost
    elif line.number is None:
        name = "Difference to what was billed before for API calls"
    figures = NumberFormat(facts.locale or DEFAULT_LOCALE)
    used, included = figures.number(facts.api_usage), figures.number(facts.limit_calls)
    return cii.InvoiceLine(
        name=f"{name}, {month}",
        description=billed_by(line) if line.number else f"{used} calls used, {included} included",
        quantity=pieces,
        price=price,
        amount=_amount(amount, facts.currency),
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
        yield f"Less {every_number(facts.credited_before)}"


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
