"""What `reading.sql` answers, as bills, their actions and their figures."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from models.bills.bill import Bill
from models.bills.figures import Figures
from models.bills.history import BillAction
from models.bills.snapshots import column_value
from models.db.rows import made
from models.named_people import PersonRef

PEOPLE = ("by", "acted_for", "named")
BILL_COLUMNS = tuple(Bill.__table__.columns.keys())
BILL_OF_F = ", ".join(f"(f.bill).{name}" for name in BILL_COLUMNS)
"""By name, never as `(f.bill).*`: one column more of a newer version would end the kept plans."""


def read_bill(row: Mapping[str, Any]) -> Bill:
    """A bill that no session knows: to be looked at."""
    return made(Bill, bill_columns(row))


def bill_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """Of a row that has more, what the bill's own row holds."""
    return {name: row[name] for name in BILL_COLUMNS}


def read_actions(found: Iterable[Mapping[str, Any]]) -> list[BillAction]:
    """The actions of a bill, oldest first, that no session knows."""
    return [_action(one) for one in found]


def read_people(found: Iterable[Mapping[str, Any]]) -> dict[int, PersonRef]:
    """Everybody in a record, as `people_in` has it."""
    told = (
        person for one in found for person in (one["by"], one["acted_for"], *(one["named"] or ()))
    )
    return {person["id"]: PersonRef(**person) for person in told if person is not None}


def read_figures(found: Mapping[str, Any] | None) -> Figures | None:
    if found is None:
        return None
    return Figures(**{name: column_value(name, value) for name, value in found.items()})


def _action(one: Mapping[str, Any]) -> BillAction:
    told = {name: value for name, value in one.items() if name not in PEOPLE}
    for name in ("created_at", "updated_at"):
        told[name] = datetime.fromisoformat(told[name])
    return made(BillAction, told)
