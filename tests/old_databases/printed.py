"""Documents in plain text, as they were issued before they were PDF."""

import unicodedata
from collections.abc import Iterable, Iterator

from handlers.wording.document_text import (
    DOCUMENT_KINDS,
    TIMES,
    address_lines,
    country_name,
    written_day,
)
from handlers.wording.formatting import calls, clean, money, name, number, period_name, unit_price
from models.bills.invoice_data import InvoiceData
from models.money import overage_amount

WIDTH = 78
LABEL = 11
MINUS, HYPHEN = "\N{MINUS SIGN}", "-"
"""What is below zero had a hyphen before it."""


def invoice_text(facts: InvoiceData) -> str:
    """The whole document, no line wider than 78 columns, the same for the same facts."""
    company = facts.company
    parts = [
        [f"{DOCUMENT_KINDS[facts.kind].title} {facts.number}", "=" * WIDTH],
        _labelled("From", _party(company.name, company.address, company.country, company.tax_id)),
        _labelled("To", _party(facts.customer, facts.billing_address, facts.country, facts.tax_id)),
        _dates(facts),
        _arithmetic(facts),
        _totals(facts),
        _payment(facts),
    ]
    text = "\n\n".join("\n".join(lines) for part in parts if (lines := list(part))) + "\n"
    return text.replace(MINUS, HYPHEN)


def _party(who: str, address: str | None, country: str | None, tax_id: str | None) -> list[str]:
    lines = [who, *address_lines(address)]
    if country:
        lines.append(country_name(country))
    if tax_id:
        lines.append(f"Tax ID {tax_id}")
    return lines


def _dates(facts: InvoiceData) -> Iterator[str]:
    yield from _labelled("Date", [written_day(facts.issued_on)])
    if facts.due_on:
        yield from _labelled("Due", [written_day(facts.due_on)])
    yield from _labelled("For", [f"API calls in {period_name(facts.period)}"])
    yield from _labelled(DOCUMENT_KINDS[facts.kind].refers, facts.refers_to)
    yield from _labelled("Less", facts.credited_before)


def _arithmetic(facts: InvoiceData) -> Iterator[str]:
    """How the net amount comes about; written out as a multiplication wherever it is one."""
    over = max(0, facts.api_usage - facts.limit_calls)
    yield from _row("Calls used", number(facts.api_usage))
    yield from _row("Calls included", number(facts.limit_calls))
    yield from _row("Calls over the limit", number(over))
    units, cost = facts.overage_units, facts.unit_cost
    if units not in (0, over):
        yield from _row(DOCUMENT_KINDS[facts.kind].units, number(units))
    yield "-" * WIDTH
    shown = money(facts.amount, facts.currency)
    if cost is not None and overage_amount(units, cost, facts.currency) == facts.amount:
        price = unit_price(cost, facts.currency)
        yield from _row(f"{calls(units)} {TIMES} {price}", shown)
    else:
        yield from _row("Difference to what was billed before", shown)


def _totals(facts: InvoiceData) -> Iterator[str]:
    due = facts.sums
    rate = f"{facts.tax_rate_percent.normalize():f}"
    yield from _row("Net", money(due.net, facts.currency))
    yield from _row(f"Tax {rate} %", money(due.tax, facts.currency))
    yield "-" * WIDTH
    yield from _row(DOCUMENT_KINDS[facts.kind].total, money(due.gross, facts.currency))
    if not facts.tax_rate_percent:
        yield ""
        yield from _paragraphs(facts.tax_note or "No tax is charged.")


def _payment(facts: InvoiceData) -> Iterator[str]:
    due, gross = facts.due_on, money(facts.sums.gross.copy_abs(), facts.currency)
    if due is None:
        yield from _paragraphs(f"We credit you with {gross}. There is nothing to pay.")
        return
    yield from _paragraphs(f"Please pay {gross} by {written_day(due)}, and name {facts.number}.")
    if facts.company.payment_note:
        yield from _paragraphs(facts.company.payment_note)


def _labelled(label: str, values: Iterable[str]) -> Iterator[str]:
    """Each value on lines of its own, beside a label that stands once."""
    shown = [line for value in values for line in wrapped(value, WIDTH - LABEL - 2)]
    for index, line in enumerate(shown):
        yield f"{label if index == 0 else '':{LABEL}}{name(line)}"


def _row(label: str, value: str) -> Iterator[str]:
    """A label, and a figure that ends at the right edge; on two lines where one is too short."""
    gap = WIDTH - width(label) - width(value)
    if gap < 2:
        yield from wrapped(label, WIDTH)
        label, gap = "", WIDTH - width(value)
    yield f"{label}{' ' * gap}{value}"


def _paragraphs(text: str) -> Iterator[str]:
    for line in clean(text).strip().splitlines():
        yield from map(name, wrapped(line, WIDTH - 2)) if line.strip() else [""]


def wrapped(text: str, columns: int) -> list[str]:
    """`text` in lines of at most so many columns; a word that is longer is broken."""
    lines, line = [], ""
    for word in text.split():
        if line and width(f"{line} {word}") <= columns:
            line = f"{line} {word}"
            continue
        lines.append(line)
        *full, line = _pieces(word, columns)
        lines += full
    return [one for one in (*lines, line) if one]


def _pieces(word: str, columns: int) -> list[str]:
    pieces = [""]
    for char in word:
        if width(pieces[-1] + char) > columns:
            pieces.append("")
        pieces[-1] += char
    return pieces


def width(text: str) -> int:
    """Columns that `text` takes where each character has one, or two, or stands on another."""
    return sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
