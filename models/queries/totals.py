"""Totals and ranks, a currency each: currencies are never added together, and never compared."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeVar

from models.money import add_up

T = TypeVar("T")


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


def biggest(things: Iterable[T], most: int, bill_of: Callable[[T], Priced]) -> list[T]:
    """At most so many: the biggest of each currency, then the second of each, and so on.

    The sign of an amount does not count. Currencies with more bills come first, and what is of one
    currency stands together.
    """
    groups: dict[str, list[T]] = {}
    for thing in things:
        groups.setdefault(bill_of(thing).currency, []).append(thing)
    ranked = [
        sorted(group, key=lambda one: abs(bill_of(one).amount or Decimal(0)), reverse=True)
        for _, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    places = sorted((place, at) for at, group in enumerate(ranked) for place in range(len(group)))
    return [ranked[at][place] for at, place in sorted((at, p) for p, at in places[:most])]
