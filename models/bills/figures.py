"""What a bill's figures would be if they were taken now, from its month's usage and terms."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.snapshots import column_value

BASIS = ("api_usage", "monthly_api_limit", "overage_unit_cost", "currency", "billed_so_far")
"""What the amount is made of. What Finance agreed is not: it stays agreed when these change."""


@dataclass(frozen=True)
class Figures:
    """Calls, price and net amount of a month; of a correction, what is still to be billed.

    `waived_units`: calls over the month's limit that Finance agreed not to bill, below zero calls
    billed beyond them; None where nothing was agreed.
    """

    api_usage: int
    monthly_api_limit: int
    overage_units: int
    overage_unit_cost: Decimal | None
    overage_amount: Decimal | None
    currency: str
    billed_so_far: Decimal | None = None
    waived_units: int | None = None

    @property
    def units_over_limit(self) -> int:
        return max(0, self.api_usage - self.monthly_api_limit)

    def as_columns(self) -> dict[str, Any]:
        return asdict(self)

    def as_snapshot(self) -> dict[str, Any]:
        """The same with money as text."""
        return {
            name: format(value, "f") if isinstance(value, Decimal) else value
            for name, value in asdict(self).items()
        }

    def rest_on_snapshot(self, snapshot: dict[str, Any]) -> bool:
        """Whether figures as a snapshot keeps them, money as text, were made of the same usage,
        limit and price; of a bill as it stands `is_outdated` in SQL says it.
        """
        return all(getattr(self, name) == column_value(name, snapshot[name]) for name in BASIS)


_ANEW = sa.text("""
select t.* from bills b cross join lateral figures_anew(b) t where b.id = :bill_id
""")
_AGAIN = sa.text("""
select t.* from bills b cross join lateral figures_with(b, waived_of(b.id)) t where b.id = :bill_id
""")


async def figures_anew(session: AsyncSession, bill_id: int) -> Figures | None:
    """The figures that usage and terms give now, without what was agreed for this bill: as revising
    it would take them. None where no usage is recorded any more.
    """
    return await _figures(session, _ANEW, bill_id)


async def figures_again(session: AsyncSession, bill_id: int) -> Figures | None:
    """Those of a void bill's month if it were billed again: as was agreed for the month, unless
    that leaves nothing to bill.
    """
    agreed = await _figures(session, _AGAIN, bill_id)
    return agreed if agreed and agreed.overage_units else await figures_anew(session, bill_id)


class Billed(NamedTuple):
    """What a bill and its corrections have billed so far, and what was agreed not to bill."""

    units: int
    amount: Decimal
    waived_units: int | None


_BILLED = sa.text("""
select units, amount, waived_of(cast(:root_id as bigint)) from billed(cast(:root_id as bigint))
""")


async def billed_so_far(session: AsyncSession, root_id: int | None) -> Billed:
    """Nothing without a bill that is corrected."""
    return Billed(*(await session.execute(_BILLED, {"root_id": root_id})).one())


async def _figures(session: AsyncSession, query: sa.TextClause, bill_id: int) -> Figures | None:
    row = (await session.execute(query, {"bill_id": bill_id})).one_or_none()
    return Figures(**row._mapping) if row else None
