"""What a bill's figures would be if they were taken now, from its month's usage and terms."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.bill import Bill, get_bill
from models.bills.snapshots import column_value
from models.bills.states import State

BASIS = ("api_usage", "monthly_api_limit", "overage_unit_cost", "currency", "billed_so_far")
"""What the amount is made of. Units that Finance adjusted are not: they hold until these change."""


@dataclass(frozen=True)
class Figures:
    """Calls, price and net amount of a month; of a correction, what is still to be billed."""

    api_usage: int
    monthly_api_limit: int
    overage_units: int
    overage_unit_cost: Decimal | None
    overage_amount: Decimal | None
    currency: str
    billed_so_far: Decimal | None = None

    def as_columns(self) -> dict[str, Any]:
        return asdict(self)

    def as_snapshot(self) -> dict[str, Any]:
        """The same with money as text."""
        return {
            name: format(value, "f") if isinstance(value, Decimal) else value
            for name, value in asdict(self).items()
        }

    def rest_on(self, bill: Bill) -> bool:
        """Whether the bill was made of the same usage, limit and price."""
        return all(getattr(self, name) == getattr(bill, name) for name in BASIS)

    def rest_on_snapshot(self, snapshot: dict[str, Any]) -> bool:
        """The same for figures as a snapshot keeps them, money as text."""
        return all(getattr(self, name) == column_value(name, snapshot[name]) for name in BASIS)


_NOW = sa.text("select * from figures_now_of(cast(:bill_id as bigint))")


async def figures_now(session: AsyncSession, bill_id: int) -> Figures | None:
    """The figures that usage and terms give now; None where no usage is recorded any more.

    Of an adjustment or a credit, they are what its month comes to less what is billed already.
    """
    row = (await session.execute(_NOW, {"bill_id": bill_id})).one_or_none()
    return Figures(**row._mapping) if row else None


async def newer_figures(session: AsyncSession, bill: Bill) -> Figures | None:
    """Those of now, where the bill does not rest on them and does not keep its own."""
    now = await figures_now(session, bill.id)
    return newer_than(bill, now, corrects_void=await _corrects_void_bill(session, bill))


def newer_than(bill: Bill, now: Figures | None, *, corrects_void: bool) -> Figures | None:
    """The figures of now, where the bill does not rest on them; None where it does, or keeps its
    own: it is issued, or takes back a void bill.
    """
    if now is None or bill.number is not None or corrects_void:
        return None
    return None if now.rest_on(bill) else now


async def _corrects_void_bill(session: AsyncSession, bill: Bill) -> bool:
    if bill.adjusts_id is None:
        return False
    return (await get_bill(session, bill.adjusts_id)).status == State.VOID
