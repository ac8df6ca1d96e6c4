"""Totals, a currency each: currencies are never added together."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from models.money import add_up


@dataclass(frozen=True)
class Total:
    currency: str
    bills: int
    amount: Decimal


class Priced(Protocol):
    """Whatever has an amount in a currency, as bills and their lines do."""

    @property
    def currency(self) -> str: ...

    @property
    def amount(self) -> Decimal | None: ...


def totals_of(bills: Iterable[Priced]) -> tuple[Total, ...]:
    """A total for each currency, in the order in which they are met."""
    amounts: dict[str, list[Decimal]] = {}
    for bill in bills:
        amounts.setdefault(bill.currency, []).append(bill.amount or Decimal(0))
    return tuple(Total(code, len(each), add_up(each)) for code, each in amounts.items())
