"""One entry with its accounts and its words, before it is written for a program."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from handlers.wording.tax_categories import BY_NOTE, tax_category
from models.bills.invoice_data import InvoiceData
from models.bills.states import BillKind
from models.exports.ledger import LedgerEntry
from models.exports.ledger_accounts import Booked
from models.money import taxed

CALLED = {
    BillKind.OVERAGE: "Invoice",
    BillKind.ADJUSTMENT: "Adjustment",
    BillKind.CREDIT: "Credit note",
}
TAXES = tuple(category.called for category in BY_NOTE)
"""What the tax of a document without any is called, in a file of accounts."""


class Posting(NamedTuple):
    account: str
    amount: Decimal


@dataclass(frozen=True)
class Booking:
    """`net`, `tax` and `gross` are what the customer owes, below zero what is taken back."""

    entry: LedgerEntry
    receivable: str
    revenue: str
    tax_account: str
    tax_key: str

    @property
    def facts(self) -> InvoiceData:
        return self.entry.facts

    @property
    def net(self) -> Decimal:
        return self.entry.sums.net

    @property
    def tax(self) -> Decimal:
        return self.entry.sums.tax

    @property
    def gross(self) -> Decimal:
        return self.entry.sums.gross

    @property
    def due_on(self) -> date:
        """What takes back is due at once."""
        return self.entry.dated if self.entry.is_reversal else self.facts.due_on or self.entry.dated

    @property
    def number(self) -> str:
        """Its document's, and of a reversal one that tells it from that."""
        return f"{self.facts.number}-VOID" if self.entry.is_reversal else self.facts.number

    @property
    def title(self) -> str:
        """As in "Invoice 2026-000123, October 2026"."""
        called = f"{CALLED[self.facts.kind]} {self.facts.number}, {self.facts.period.in_words}"
        return f"Void: {called}" if self.entry.is_reversal else called

    @property
    def refers_to(self) -> tuple[str, ...]:
        """The numbers of other documents that it is about."""
        return (self.facts.number,) if self.entry.is_reversal else self.facts.refers_to

    @property
    def postings(self) -> Iterator[Posting]:
        """Debits above zero, credits below; together they are nothing."""
        yield Posting(self.receivable, self.gross)
        yield Posting(self.revenue, _turned(self.net))
        if self.tax:
            yield Posting(self.tax_account, _turned(self.tax))

    @property
    def is_taxed_otherwise(self) -> bool:
        """Whether a program that works out the tax by itself comes to another one."""
        facts = self.facts
        return taxed(self.net, facts.tax_rate_percent, facts.currency).tax != self.tax


def booked(entry: LedgerEntry) -> Booked:
    """What its accounts are chosen by."""
    category = None if entry.facts.tax_rate_percent else tax_category(entry.facts)
    called = category.called if category else None
    return Booked(entry.customer_id, entry.facts.currency, entry.facts.tax_rate_percent, called)


def _turned(amount: Decimal) -> Decimal:
    return amount.copy_negate() if amount else amount


def on_one_line(text: str) -> str:
    """A name as it is, but for blanks of any kind, each row of which becomes one, and for signs
    that end a line or steer a terminal.
    """
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
