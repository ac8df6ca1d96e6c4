"""What a bill's figures would be if they were taken now, from its month's usage and terms."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills import Bill
from models.snapshots import column_of

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
        return all(getattr(self, name) == column_of(name, snapshot[name]) for name in BASIS)


_NOW = sa.text("select * from taken_now(cast(:bill_id as bigint))")


async def taken_now(session: AsyncSession, bill_id: int) -> Figures | None:
    """The figures that usage and terms give now; None where no usage is recorded any more.

    Of an adjustment or a credit, they are what its month comes to less what is billed already.
    """
    row = (await session.execute(_NOW, {"bill_id": bill_id})).one_or_none()
    return Figures(**row._mapping) if row else None
