"""Totals, a currency each: currencies are never added together, and never compared."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Total:
    currency: str
    bills: int
    amount: Decimal
