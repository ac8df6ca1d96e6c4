"""Totals, a currency each: currencies are never added together, and never compared."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from models.money import add_up


@dataclass(frozen=True)
class Total:
    currency: str
    bills: int
    amount: Decimal


def add_totals(amounts: Iterable[tuple[str, Decimal | None]]) -> tuple[Total, ...]:
    """What bills come to, given as currency and amount; those without an amount are left out."""
    by_currency: dict[str, list[Decimal]] = {}
    for currency, amount in amounts:
        if amount is not None:
            by_currency.setdefault(currency, []).append(amount)
    return tuple(
        Total(currency, len(each), add_up(each)) for currency, each in sorted(by_currency.items())
    )
