"""What a program has to have for entries to be written for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from handlers.ledgers.booking import Booking
from models.exports.formats import LedgerFormat
from models.exports.ledger import LedgerSpan
from models.exports.ledger_accounts import AccountForm, Accounts, Part


@dataclass(frozen=True)
class Batch:
    """What a file is of: its entries as a whole, and the accounts they go on."""

    span: LedgerSpan
    accounts: Accounts

    def setting(self, part: Part, otherwise: str = "") -> str:
        """What a line says of the whole file."""
        return self.accounts.of_file(part) or otherwise


def no_objection(batch: Batch) -> None:
    """Any entries can stand in one file."""


def untold(booking: Booking) -> str | None:
    """It says all that the document does."""
    return None


@dataclass(frozen=True)
class Program:
    """A format, and how a file of it is written.

    `parts`: the accounts that it knows. `always_taxed`: it wants to be told of no tax as well.
    `currency`: the only one that it takes. `check` refuses what cannot stand in one file, before
    anything is written. `told`: what somebody has to know of an entry that the format cannot say.
    """

    form: LedgerFormat
    parts: Mapping[Part, AccountForm]
    head: Callable[[Batch], str]
    entry: Callable[[Booking, Batch], str]
    check: Callable[[Batch], None] = no_objection
    told: Callable[[Booking], str | None] = untold
    currency: str | None = None
    always_taxed: bool = False
    encoding: str = "utf-8"
    newline: str = "\n"

    @property
    def has_defaults(self) -> bool:
        """Whether it can be written where nobody has listed accounts."""
        return all(form.default or form.optional for form in self.parts.values())
