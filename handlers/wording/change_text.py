"""How figures changed, in words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from handlers.wording.field_text import field_name, field_value
from handlers.wording.formatting import (
    calls,
    counted,
    listing,
    money,
    name,
    number,
    unit_price,
)
from handlers.wording.rich_text import Sentence, bold
from models.bills.moved import MovedBill
from models.imports.differences import Difference
from models.queries.bill_details import BillDetails, Outdated
from models.queries.history import HistoryEntry

_FIGURES = {
    "api_usage": "usage",
    "monthly_api_limit": "limit",
    "overage_units": "calls over the limit",
    "overage_unit_cost": "unit price",
    "currency": "currency",
    "overage_amount": "amount",
}


FOLLOWED = {
    "invalidated": "worked out anew and waiting for approval again",
    "held": "held",
    "voided": "void, because nothing is left to bill",
    "passed": "to correct months that have gone out, approved by their customers' own rules",
    "proposed": "proposed to correct months that have gone out",
    "unbilled": "void, though their month has something to bill again",
    "rejected": "rejected, which keep their figures until they are revised",
    "reported": "of months too old to be corrected by itself, left as they were sent",
    "kept": "sent under other contract dates, left as they were sent",
}
"""What became of bills whose figures had changed, after their number."""


OUTCOMES = {
    "invalidated": "asks for approval again",
    "held": "held",
    "voided": "void, nothing is left to bill",
    "passed": "correction, approved by the customer's rule",
    "proposed": "correction, proposed",
    "unbilled": "void, though there is something to bill again",
    "rejected": "rejected, keeps its figures until it is revised",
    "reported": "too old to be corrected, stays as it was sent",
    "kept": "sent under another contract, stays as it is",
}
"""The same of one bill."""


def outcome_text(bill: MovedBill) -> str:
    """What becomes of a bill; one without an amount was never asked about."""
    if bill.outcome == "invalidated" and bill.before is None:
        return "asks for approval"
    return OUTCOMES[bill.outcome]


def now_and_then(bill: MovedBill) -> tuple[str, str]:
    """Its amounts: as in "$100.00" and "$120.00"; of a correction what is billed so far, as in
    "$100.00 billed", and what is added, as in "+$20.00".
    """
    then = _amount(bill.after, bill.currency)
    now = _amount(bill.before, bill.currency_before or bill.currency)
    if bill.is_correction:
        more = bill.after is not None and bill.after > 0
        return f"{now} billed", f"+{then}" if more else then
    return now, then


def _amount(amount: Decimal | None, currency: str) -> str:
    return "no amount" if amount is None else money(amount, currency)


def differences(entry: HistoryEntry, currency: str) -> list[str]:
    """Each figure that the action moved: "usage from 1,250,000 to 1,180,000"."""
    pairs = _pairs(entry.changes, entry.currency or currency)
    return [
        f"{words} from {pairs[field][0]} to {pairs[field][1]}"
        for field, words in _FIGURES.items()
        if field in pairs
    ]


_CORRECTED = {
    "api_usage": "usage was corrected from {} to {} calls",
    "monthly_api_limit": "the limit was corrected from {} to {} calls",
    "overage_unit_cost": "the unit price was corrected from {} to {}",
    "currency": "the currency was changed from {} to {}",
}

_SET = "the calls to bill were set from {} to {}"
Changes = Mapping[str, tuple[Any, Any]]


def corrected(changes: Changes, currency: str, leads: str = "so the amount is now") -> str:
    """What moved, and what it `leads` to, as the end of a sentence: "usage was corrected from
    1,250,000 to 1,180,000 calls, so the amount is now $720.00".
    """
    pairs = _pairs(changes, currency)
    moved = [words.format(*pairs[field]) for field, words in _CORRECTED.items() if field in pairs]
    if not moved and "overage_units" in pairs:
        moved = [_SET.format(*pairs["overage_units"])]
    causes = listing(moved) or "it was worked out anew"
    if "overage_amount" not in pairs:
        return causes
    return f"{causes}, {leads} {pairs['overage_amount'][1]}"


def correction_text(entry: HistoryEntry, currency: str) -> str:
    """What an action moved, and what Finance had set by hand that no longer holds since."""
    told = corrected(entry.changes, entry.currency or currency)
    return (
        f"{told}; {units_no_longer(entry.dropped_units)}"
        if entry.dropped_units is not None
        else told
    )


def units_no_longer(units: int) -> str:
    holds = "holds" if units == 1 else "hold"
    return f"the {calls(units)} set by hand no longer {holds}"


def changes_between(before: BillDetails, after: BillDetails | Outdated) -> Changes:
    """The figures of a bill that are others afterwards."""
    names = {
        "api_usage": "api_usage",
        "monthly_api_limit": "limit_calls",
        "overage_unit_cost": "unit_cost",
        "overage_amount": "amount",
        "currency": "currency",
    }
    pairs = {column: (getattr(before, f), getattr(after, f)) for column, f in names.items()}
    return {column: pair for column, pair in pairs.items() if pair[0] != pair[1]}


def _pairs(changes: Changes, currency: str) -> dict[str, tuple[str, str]]:
    """Both figures of each change as they are read, in the currencies of their time."""
    currencies = changes.get("currency", (currency, currency))
    return {
        field: (
            _figure(field, changes[field][0], currencies[0]),
            _figure(field, changes[field][1], currencies[1]),
        )
        for field in _FIGURES
        if field in changes
    }


def _figure(field: str, value: Any, currency: str) -> str:
    if value is None:
        return "none"
    if field == "currency":
        return str(value)
    if field == "overage_unit_cost":
        return unit_price(Decimal(value), currency)
    return money(Decimal(value), currency) if field == "overage_amount" else number(int(value))


NAME_SHOWN = 80
GIVEN_SHOWN, GIVEN_CHARS = 5, 30


def difference_text(one: Difference) -> Sentence:
    """As in "Calls: 1,250,000, until now 1,180,000."."""
    new, old = (field_value(one.field, value) for value in (one.new, one.old))
    return [bold(f"{field_name(one.field)}: "), f"{new}, until now {old}."]


def difference_of_text(one: Difference) -> Sentence:
    """The same of one of many: as in "Acme Corp 2026-10: 1,250,000, until now 1,180,000." and
    "Kim, Role: Manager, until now Sales.", and of what is new "Ben: new, with Role: Sales.".
    """
    if one.is_new and not one.field:
        given = [
            f"{field_name(field)}: {field_value(field, text, GIVEN_CHARS)}"
            for field, text in one.given.items()
        ]
        told = f"new, with {listing(given, most=GIVEN_SHOWN)}." if given else "new."
        return [bold(f"{name(one.what, NAME_SHOWN)}: "), told]
    if one.field == "api_usage":
        return [bold(f"{name(one.what)}: "), *difference_text(one)[1:]]
    return [bold(f"{name(one.what, NAME_SHOWN)}, "), *difference_text(one)]


def moved_count(total: int) -> str:
    """As in "3 bills move with it"."""
    return f"{counted(total, 'bill moves', 'bills move')} with it"
