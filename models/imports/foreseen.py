"""What a change of the books would do, as it was seen."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from models.bills.moved import MovedBill
from models.imports.differences import Difference

SHOWN_BILLS = 100


@dataclass(frozen=True)
class Foreseen:
    """What a change does: rows by what becomes of them, the first differences and bills, and how
    many there are of each. `unwritten`: some of the customers whose documents cannot be drawn.
    `digest` stands for all of it.
    """

    added: int
    changed: int
    unchanged: int
    differences: tuple[Difference, ...]
    total_differences: int
    bills: tuple[MovedBill, ...]
    total_bills: int
    digest: str
    unwritten: tuple[str, ...] = ()

    @property
    def written(self) -> int:
        return self.added + self.changed

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return told

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> "Foreseen":
        bills = tuple(MovedBill(**{**one, **_amounts(one)}) for one in told["bills"])
        differences = tuple(Difference(**one) for one in told["differences"])
        unwritten = tuple(told.get("unwritten", ()))
        return cls(**{**told, "bills": bills, "differences": differences, "unwritten": unwritten})


def _amounts(bill: Mapping[str, Any]) -> dict[str, Any]:
    return {name: bill[name] and Decimal(bill[name]) for name in ("before", "after")}
