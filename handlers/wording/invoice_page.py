"""What stands on a document: every word and figure, for a template that only sets them."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from handlers.wording.days_text import days_finding
from handlers.wording.document_text import (
    DOCUMENT_KINDS,
    TIMES,
    address_lines,
    billed_by,
    country_name,
    every_number,
    linked,
    written_day,
)
from handlers.wording.formatting import clean, isolated, month_name, period_name
from handlers.wording.number_format import DEFAULT_LOCALE, NumberFormat
from handlers.wording.tax_categories import shown_tax_note
from handlers.wording.usage_text import usage_finding
from models.bills.invoice_data import BilledCalls, InvoiceData, Proration
from models.usage.days import counted_days
from models.usage.usage import UsageMonth

Row = tuple[str, str, str]
"""What it is, calls, amount."""


def invoice_page(facts: InvoiceData) -> dict[str, Any]:
    """As JSON can hold it; `docs/reference/invoice-page.md` tells it to writers of templates."""
    figures = NumberFormat(facts.locale or DEFAULT_LOCALE)
    kind, company = DOCUMENT_KINDS[facts.kind], facts.company
    noun = kind.noun.capitalize()
    net, tax, gross = (figures.amount(sum_, facts.currency) for sum_ in facts.sums)
    return {
        "title": f"{noun} {facts.number}",
        "kind": facts.kind,
        "noun": noun,
        "number": facts.number,
        "currency": facts.currency,
        "seller": _party(company.name, company.address, company.country, company.tax_id),
        "customer": _party(facts.customer, facts.billing_address, facts.country, facts.tax_id),
        "about": list(_about(facts)),
        "rows": list(_rows(facts, figures)),
        "sums": [
            ("Net", net),
            (f"Tax {figures.percent(facts.tax_rate_percent)}", tax),
            (kind.total, gross),
        ],
        "notes": list(_notes(facts, figures)),
        "chart": _chart(facts, figures),
        "days": _days(facts, figures),
        "link": _link(facts),
    }


def _party(who: str, address: str | None, country: str | None, tax_id: str | None) -> Any:
    lines = [*address_lines(address)]
    if country:
        lines.append(country_name(country))
    if tax_id:
        lines.append(f"Tax ID {tax_id}")
    return {"name": _line(who), "lines": [_line(line) for line in lines]}


def _line(text: str) -> str:
    """On one line as far as there is room, read in its own direction."""
    return isolated(" ".join(clean(text).split()))


def _about(facts: InvoiceData) -> Iterator[tuple[str, str]]:
    yield "Number", facts.number
    yield "Date", written_day(facts.issued_on)
    if facts.due_on:
        yield "Due", written_day(facts.due_on)
    yield "For", f"API calls in {period_name(facts.period)}"
    if facts.refers_to:
        yield DOCUMENT_KINDS[facts.kind].refers, every_number(facts.refers_to)
    if facts.credited_before:
        yield "Less", every_number(facts.credited_before)


def _rows(facts: InvoiceData, figures: NumberFormat) -> Iterator[Row]:
    """How the net amount comes about; written out as a multiplication wherever it is one."""
    over = max(0, facts.api_usage - facts.limit_calls)
    units = facts.overage_units + sum(one.units for one in facts.billed)
    yield "Calls used", figures.number(facts.api_usage), ""
    yield "Calls included", figures.number(facts.limit_calls), ""
    if facts.proration:
        yield _prorated(facts.proration, facts.limit_calls, figures), "", ""
    yield "Calls over the limit", figures.number(over), ""
    if facts.billed and units != over:
        yield "Calls billed now", figures.number(units), ""
    elif not facts.billed and units not in (0, over):
        yield DOCUMENT_KINDS[facts.kind].units, figures.number(units), ""
    for line in facts.lines:
        yield _row(line, facts.currency, figures)
    if facts.billed:
        yield DOCUMENT_KINDS[facts.kind].units, figures.number(facts.overage_units), ""


def _row(line: BilledCalls, currency: str, figures: NumberFormat) -> Row:
    """As in "Billed by 2026-000123: 250,000 calls × $0.004", of what a document had billed."""
    amount = figures.amount(line.amount, currency)
    product = _product(line, currency, figures)
    if line.number is None:
        return product or "Difference to what was billed before", "", amount
    what = f"{billed_by(line)}: {product}" if product else billed_by(line)
    return what, figures.number(line.units), amount


def _product(line: BilledCalls, currency: str, figures: NumberFormat) -> str | None:
    """None where the amount is none."""
    if line.unit_cost is None or not line.is_product(currency):
        return None
    units = line.units if line.number is None else abs(line.units)
    noun = "call" if units == 1 else "calls"
    return f"{figures.number(units)} {noun} {TIMES} {figures.price(line.unit_cost, currency)}"


def _prorated(share: Proration, limit_calls: int, figures: NumberFormat) -> str:
    """As in "3,100 × 21/31 days = 2,100"."""
    whole = share.limit_calls * share.days % share.of_days == 0
    product = f"{figures.number(share.limit_calls)} {TIMES} {share.days}/{share.of_days} days"
    return f"{product} = {figures.number(limit_calls)}{'' if whole else ', rounded up'}"


def _notes(facts: InvoiceData, figures: NumberFormat) -> Iterator[str]:
    if not facts.tax_rate_percent:
        yield from _paragraphs(shown_tax_note(facts))
    gross = figures.amount(facts.sums.gross.copy_abs(), facts.currency)
    if facts.due_on is None:
        yield f"We credit you with {gross}. There is nothing to pay."
        return
    yield f"Please pay {gross} by {written_day(facts.due_on)}, and name {facts.number}."
    yield from _paragraphs(facts.company.payment_note or "")


def _paragraphs(text: str) -> Iterator[str]:
    yield from filter(None, map(_line, clean(text).splitlines()))


def _days(facts: InvoiceData, figures: NumberFormat) -> Any:
    """None where no days are known. Heights are parts of the tallest."""
    days = counted_days(facts.period, facts.days, facts.limit_calls)
    if not days:
        return None
    most = max(one.calls for one in days) or 1
    return {
        "finding": days_finding(facts.customer, facts.period, days, figures.number),
        "most": figures.number(most),
        "columns": [
            {
                "label": str(one.day.day),
                "within": _part(one.calls - one.over_calls, most),
                "over": _part(one.over_calls, most),
            }
            for one in days
        ],
        "rows": [
            (written_day(one.day), figures.number(one.calls), figures.number(one.over_calls))
            for one in days
        ],
    }


def _link(facts: InvoiceData) -> Any:
    """None where the document has no link."""
    if facts.link is None:
        return None
    return {"words": linked(facts.link), "address": facts.link.address}


def _chart(facts: InvoiceData, figures: NumberFormat) -> Any:
    """None where no month's usage is known. Heights are parts of the tallest."""
    known = [month for month in facts.months if month.calls is not None]
    if not known:
        return None
    most = max(max(month.calls or 0, month.limit_calls) for month in facts.months) or 1
    return {
        "finding": usage_finding(facts.customer, facts.months, number=figures.number),
        "most": figures.number(most),
        "columns": [_column(month, most, index) for index, month in enumerate(facts.months)],
    }


def _column(month: UsageMonth, most: int, index: int) -> dict[str, Any]:
    calls = month.calls or 0
    within = min(calls, month.limit_calls)
    return {
        "label": month_name(month.period)[:3],
        "year": str(month.period.year) if index == 0 or month.period.month == 1 else "",
        "known": month.calls is not None,
        "in_contract": not month.is_outside,
        "within": _part(within, most),
        "over": _part(calls - within, most),
        "limit": _part(month.limit_calls, most),
    }


def _part(calls: int, most: int) -> float:
    return float(round(Decimal(calls) / most, 4))
