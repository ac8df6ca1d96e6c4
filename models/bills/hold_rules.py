"""Why a bill is held."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.states import HoldReason
from models.period import Period

# A bill that would be made, with the cause of its hold if there is one, and whether the customer's
# own rule would approve it. What a bill was proposed for may come to nothing once it is rounded.
PROPOSED = """
proposed as (
    select o.*, c.name, j.hold_reason, j.hold_reason is null and j.passes as passes
    from overages o
    join customers c on c.id = o.customer_id
    join customer_desks d on d.customer_id = o.customer_id
    cross join lateral judged(o, d, cast(:jump_factor as numeric)) j
    where o.year = :year and o.month = :month and o.overage_units > 0
      and (cast(:customer_id as bigint) is null or o.customer_id = :customer_id)
),
fresh as (
    select * from proposed p
    where not exists (
        select from bills b
        where b.customer_id = p.customer_id and b.kind = 'overage'
          and b.year = :year and b.month = :month)
)"""

_CAUSE = sa.text(f"with {PROPOSED} select hold_reason from proposed")


def run_values(
    period: Period, customer_id: int | None, jump_factor: float | None = None
) -> dict[str, Any]:
    return {
        "year": period.year,
        "month": period.month,
        "customer_id": customer_id,
        "jump_factor": jump_factor,
    }


async def hold_reason_of(
    session: AsyncSession, customer_id: int, period: Period, jump_factor: float | None = None
) -> HoldReason | None:
    """Why this customer's bill of that month would be held if it were made now."""
    found = await session.scalars(_CAUSE, run_values(period, customer_id, jump_factor))
    reason = found.one_or_none()
    return HoldReason(reason) if reason else None
