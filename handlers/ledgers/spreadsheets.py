"""Entries for Xero and QuickBooks Online, which read CSV; safe to open in a spreadsheet before.

By what their makers publish: neither can be run here.
"""

import csv
import io
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from handlers.ledgers.booking import Booking, on_one_line
from handlers.ledgers.programs import Batch, Program
from models.exports.formats import LedgerFormat
from models.exports.ledger_accounts import AccountForm, Part
from models.text import guarded

_DATES = {"dd/mm/yyyy": "%d/%m/%Y", "mm/dd/yyyy": "%m/%d/%Y", "yyyy-mm-dd": "%Y-%m-%d"}
_WRITTEN = {Part.DATES: AccountForm("|".join(_DATES), f"one of {', '.join(_DATES)}", optional=True)}


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _day(day: date, batch: Batch, usual: str) -> str:
    return day.strftime(_DATES[batch.setting(Part.DATES, usual)])


def _name(booking: Booking) -> str:
    return guarded(on_one_line(booking.facts.customer))


XERO_COLUMNS = (
    *("*ContactName", "EmailAddress", "POAddressLine1", "POAddressLine2", "POAddressLine3"),
    *("POAddressLine4", "POCity", "PORegion", "POPostalCode", "POCountry", "*InvoiceNumber"),
    *("Reference", "*InvoiceDate", "*DueDate", "Total", "InventoryItemCode", "*Description"),
    *("*Quantity", "*UnitAmount", "Discount", "*AccountCode", "*TaxType", "TaxAmount"),
    *("TrackingName1", "TrackingOption1", "TrackingName2", "TrackingOption2", "Currency"),
    "BrandingTheme",
)


def _xero(booking: Booking, batch: Batch) -> str:
    """One line a document, net, at a quantity of one: below zero it is a credit note."""
    cells = {
        "*ContactName": _name(booking),
        "*InvoiceNumber": booking.number,
        "Reference": " ".join(booking.refers_to),
        "*InvoiceDate": _day(booking.entry.dated, batch, "dd/mm/yyyy"),
        "*DueDate": _day(booking.due_on, batch, "dd/mm/yyyy"),
        "Total": f"{booking.gross:f}",
        "*Description": booking.title,
        "*Quantity": "1",
        "*UnitAmount": f"{booking.net:f}",
        "*AccountCode": booking.revenue,
        "*TaxType": guarded(booking.tax_account),
        "TaxAmount": f"{booking.tax:f}",
        "Currency": booking.facts.currency,
    }
    return _line(cells.get(column, "") for column in XERO_COLUMNS)


def _taxed_otherwise(booking: Booking) -> str | None:
    if not booking.is_taxed_otherwise:
        return None
    return (
        f"The tax of {booking.number} is {booking.tax:f} {booking.facts.currency}, a sum of taxes"
        " that were rounded before; Xero works it out anew, so look at it there."
    )


QUICKBOOKS_COLUMNS = (
    *("JournalNo", "JournalDate", "Currency", "AccountName", "Debits", "Credits"),
    *("Description", "Name"),
)


def _quickbooks(booking: Booking, batch: Batch) -> str:
    """A journal entry, of which each line has the customer, as the one of the receivable must."""
    return "".join(
        _line(
            (
                booking.number,
                _day(booking.entry.dated, batch, "mm/dd/yyyy"),
                booking.facts.currency,
                guarded(account),
                *_sides(amount, is_debit=account == booking.receivable),
                f"{booking.title}, due {booking.due_on}",
                _name(booking),
            )
        )
        for account, amount in booking.postings
    )


def _sides(amount: Decimal, *, is_debit: bool) -> tuple[str, str]:
    """Debit and credit, one of which is empty; of nothing, on the side of an invoice."""
    told = f"{abs(amount):f}"
    return (told, "") if amount > 0 or (not amount and is_debit) else ("", told)


_ACCOUNT_NAME = AccountForm(
    r"[^\s\"][^\"\t\r\n]{0,99}", "an account's name of at most 100 characters, without quotes"
)

XERO = Program(
    LedgerFormat.XERO,
    {
        Part.REVENUE: AccountForm(r"[A-Za-z0-9.\-_/]{1,10}", "a code of at most 10 characters"),
        Part.TAX: AccountForm(
            r"[^\r\n\t]{1,100}", "the name of a tax rate of at most 100 characters"
        ),
        **_WRITTEN,
    },
    lambda batch: _line(XERO_COLUMNS),
    _xero,
    told=_taxed_otherwise,
    always_taxed=True,
)
QUICKBOOKS = Program(
    LedgerFormat.QUICKBOOKS,
    dict.fromkeys((Part.RECEIVABLE, Part.REVENUE, Part.TAX), _ACCOUNT_NAME) | _WRITTEN,
    lambda batch: _line(QUICKBOOKS_COLUMNS),
    _quickbooks,
)
