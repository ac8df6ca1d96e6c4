"""Exact money: rounded once, half up, to the currency's minor unit."""

from collections.abc import Iterable
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_HALF_UP, Context, Decimal
from functools import reduce
from typing import NamedTuple

from models.currencies import MINOR_UNITS

# Python's usual 28 digits are fewer than a bigint of calls times a price of ten decimals has.
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, rounding=ROUND_HALF_UP)


def minor_units(currency: str) -> int:
    """Digits after the point in an amount: JPY 0, USD 2, KWD 3 (ISO 4217)."""
    return MINOR_UNITS[currency]


def round_amount(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), context=_EXACT)


def overage_amount(units: int, unit_cost: Decimal, currency: str) -> Decimal:
    """`units` calls at `unit_cost` each, net."""
    return round_amount(_EXACT.multiply(Decimal(units), unit_cost), currency)


def add_up(amounts: Iterable[Decimal]) -> Decimal:
    """Their sum to the last digit, however large."""
    return reduce(_EXACT.add, amounts, Decimal(0))


class Taxed(NamedTuple):
    """A net amount, the tax on it, and their sum."""

    net: Decimal
    tax: Decimal
    gross: Decimal


def taxed(net: Decimal, rate_percent: Decimal, currency: str) -> Taxed:
    """The tax is rounded once, and nothing else is."""
    tax = round_amount(_EXACT.multiply(net, rate_percent).scaleb(-2, _EXACT), currency)
    return Taxed(net, tax, _EXACT.add(net, tax))
