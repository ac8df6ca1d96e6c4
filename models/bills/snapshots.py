"""What an action's snapshot keeps of a bill's figures, and how they are read back."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from models.bills.bill import Bill
from models.bills.states import BillKind

SLOT = "part"
"""An approval slot, as every record calls it: what is written never changes, nor what reads it."""


def bill_snapshot(bill: Bill) -> dict[str, Any]:
    """What a snapshot keeps of a bill; money as text, so that JSON cannot round it."""
    return {
        "customer_id": bill.customer_id,
        "year": bill.year,
        "month": bill.month,
        "kind": bill.kind,
        "currency": bill.currency,
        "number": bill.number,
        "status": bill.status,
        "hold_reason": bill.hold_reason,
        "api_usage": bill.api_usage,
        "monthly_api_limit": bill.monthly_api_limit,
        "overage_units": bill.overage_units,
        "overage_unit_cost": _text(bill.overage_unit_cost),
        "overage_amount": _text(bill.overage_amount),
        "replaces_id": bill.replaces_id,
        "adjusts_id": bill.adjusts_id,
        "billed_so_far": _text(bill.billed_so_far),
        "waived_units": bill.waived_units,
    }


def figures_told(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """All figures of a snapshot, with those that snapshots of earlier revisions did not keep."""
    return {"waived_units": _waived_before(snapshot), **snapshot}


def _waived_before(snapshot: Mapping[str, Any]) -> int | None:
    """Units other than those over the limit were set by hand."""
    if snapshot["kind"] != BillKind.OVERAGE:
        return None
    over: int = max(0, snapshot["api_usage"] - snapshot["monthly_api_limit"])
    return over - snapshot["overage_units"] or None


def column_value(name: str, told: Any) -> Any:
    """A figure of a snapshot as the bill's column holds it."""
    return Decimal(told) if name in _MONEY and told is not None else told


_MONEY = frozenset({"overage_unit_cost", "overage_amount", "billed_so_far"})


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")
