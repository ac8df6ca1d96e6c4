"""Exact money: rounded once, half up, to the currency's minor unit."""

from decimal import ROUND_HALF_UP, Decimal

from models.currencies import MINOR_UNITS


def minor_units(currency: str) -> int:
    """Digits after the point in an amount: JPY 0, USD 2, KWD 3 (ISO 4217)."""
    return MINOR_UNITS[currency]


def round_amount(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), ROUND_HALF_UP)


def overage_amount(units: int, unit_cost: Decimal, currency: str) -> Decimal:
    """`units` calls at `unit_cost` each, net."""
    return round_amount(units * unit_cost, currency)
