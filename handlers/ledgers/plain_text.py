"""Entries for hledger, ledger and beancount, which all read plain text.

Amounts have a point and all digits of their currency, and no marks of thousands: hledger would
read those of `35,000` as decimals, and beancount balances only as exactly as amounts are written.
"""

from handlers.ledgers.booking import Booking, on_one_line
from handlers.ledgers.programs import Batch, Program
from models.exports.formats import LedgerFormat
from models.exports.ledger_accounts import AccountForm, Part
from models.money import minor_units

_ACCOUNT = AccountForm(
    r"(?!.*(  |::))[^\s:;(\[*!=@\"][^\t\r\n;=@\"]*(?<![\s:])",
    "an account as in assets:receivable, without two blanks or signs like ; ( = @",
)
_BEANCOUNT = AccountForm(
    r"(Assets|Liabilities|Equity|Income|Expenses)(:[A-ZÀ-ÖØ-ÞΑ-ΩА-Я0-9](?:[^\W_]|-)*)+",
    "an account of beancount, as in Assets:Receivable: it begins with Assets, Liabilities, Equity,"
    " Income or Expenses, and each part behind a colon with a capital or a digit",
)


def _forms(form: AccountForm, *defaults: str) -> dict[Part, AccountForm]:
    parts = (Part.RECEIVABLE, Part.REVENUE, Part.TAX)
    return {
        part: AccountForm(form.pattern, form.told, default)
        for part, default in zip(parts, defaults, strict=True)
    }


def _postings(booking: Booking) -> str:
    currency = booking.facts.currency
    return "".join(
        f"    {account}    {amount:f} {currency}\n" for account, amount in booking.postings
    )


def _payee(booking: Booking) -> str:
    """What would end a payee, or divide it, gives way; whose it is, its tag says too."""
    return on_one_line(booking.facts.customer.replace(";", ",").replace("|", "/"))


def _hledger_head(batch: Batch) -> str:
    """How amounts are read and shown: a commodity has its point, also with no digits behind it."""
    digits = ((currency, minor_units(currency)) for currency in batch.span.currencies)
    commodities = "".join(f"commodity 1000.{'0' * count} {code}\n" for code, count in digits)
    return f"decimal-mark .\n{commodities}"


def _hledger(booking: Booking, batch: Batch) -> str:
    tags = f"customer:{booking.entry.customer_id}, due:{booking.due_on}"
    if booking.refers_to:
        tags += f", refers-to:{' '.join(booking.refers_to)}"
    return (
        f"\n{booking.entry.dated} * ({booking.facts.number}) {_payee(booking)} | {booking.title}"
        f"  ; {tags}\n{_postings(booking)}"
    )


def _ledger(booking: Booking, batch: Batch) -> str:
    tags = {
        "title": booking.title,
        "customer": booking.entry.customer_id,
        "due": booking.due_on,
        "refers-to": " ".join(booking.refers_to),
    }
    lines = "".join(f"    ; {name}: {value}\n" for name, value in tags.items() if value)
    head = f"\n{booking.entry.dated} * ({booking.facts.number}) {_payee(booking)}\n"
    return f"{head}{lines}{_postings(booking)}"


def _beancount_head(batch: Batch) -> str:
    """So that the file stands by itself; where another one includes it, that one opens accounts."""
    return 'plugin "beancount.plugins.auto_accounts"\n'


def _beancount(booking: Booking, batch: Batch) -> str:
    payee, title = _quoted(on_one_line(booking.facts.customer)), _quoted(booking.title)
    links = " ".join(f"^{number}" for number in dict.fromkeys(_links(booking)))
    return (
        f"\n{booking.entry.dated} * {payee} {title} {links}\n"
        f'  number: "{booking.facts.number}"\n'
        f'  customer: "{booking.entry.customer_id}"\n'
        f"  due: {booking.due_on}\n"
        f"{_postings(booking)}"
    )


def _links(booking: Booking) -> tuple[str, ...]:
    return (booking.facts.number, *booking.refers_to)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


HLEDGER = Program(
    LedgerFormat.HLEDGER,
    _forms(_ACCOUNT, "assets:receivable", "revenues:overage", "liabilities:tax"),
    _hledger_head,
    _hledger,
)
LEDGER = Program(
    LedgerFormat.LEDGER,
    _forms(_ACCOUNT, "Assets:Receivable", "Income:Overage", "Liabilities:Tax"),
    lambda batch: "",
    _ledger,
)
BEANCOUNT = Program(
    LedgerFormat.BEANCOUNT,
    _forms(_BEANCOUNT, "Assets:Receivable", "Income:Overage", "Liabilities:Tax"),
    _beancount_head,
    _beancount,
)
