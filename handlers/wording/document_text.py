"""What documents of each kind are called, and how days and addresses stand on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from babel import Locale
from babel.dates import format_date

from handlers.wording.formatting import clean, listing
from models.bills.invoice_data import BilledCalls, IssuedLink
from models.bills.states import BillKind

TIMES = "×"


@dataclass(frozen=True)
class DocumentKind:
    """What differs between the kinds of document. `refers` to the one that is corrected."""

    title: str
    noun: str
    refers: str
    units: str
    total: str


DOCUMENT_KINDS = {
    BillKind.OVERAGE: DocumentKind("INVOICE", "invoice", "Replaces", "Calls billed", "Total due"),
    BillKind.ADJUSTMENT: DocumentKind(
        "ADJUSTMENT", "adjustment", "Adjusts", "Calls billed in addition", "Total due"
    ),
    BillKind.CREDIT: DocumentKind(
        "CREDIT NOTE", "credit note", "Credits", "Calls credited", "Total credited"
    ),
}


def written_day(value: date) -> str:
    """As in "3 November 2026"."""
    return format_date(value, "d MMMM yyyy", locale="en")


def linked(link: IssuedLink) -> str:
    """What is at a document's link, and for how long."""
    return (
        f"Until {written_day(link.last_day)} you can see here how this came about, and ask about "
        "it; no account is needed:"
    )


def address_lines(address: str | None) -> list[str]:
    """An address line by line: at its line breaks, or where it has none at its commas."""
    text = clean(address or "").strip()
    pieces = text.splitlines() if "\n" in text else text.split(",")
    return [piece.strip() for piece in pieces if piece.strip()]


@cache
def country_name(code: str) -> str:
    return str(Locale("en").territories.get(code, code))


def every_number(numbers: Sequence[str]) -> str:
    """As in "2026-000123 and 2026-000124": who books a correction looks for each of them."""
    return listing(numbers, most=len(numbers))


def billed_by(taken_back: BilledCalls) -> str:
    """Of what a correction takes back, as in "Billed by 2026-000123"."""
    return f"{'Credited' if taken_back.amount > 0 else 'Billed'} by {taken_back.number}"
