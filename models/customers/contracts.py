"""The contract that a month was billed under."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.period import Period

_KEEP = sa.text("""
insert into billed_contracts (bill_id, contract_days, limit_proration)
select :bill_id, t.active_days, c.limit_proration
from customers c cross join lateral month_terms(c.id, :year, :month) t
where c.id = :customer_id
on conflict do nothing
""")


async def keep_billed_contract(
    session: AsyncSession, bill_id: int, customer_id: int, period: Period
) -> None:
    """Write down how many days of a month are in contract, and the proration, as it goes out.

    From then on the month keeps them, whatever becomes of the customer's dates. The customer is
    locked by then.
    """
    values = {"bill_id": bill_id, "customer_id": customer_id}
    await session.execute(_KEEP, values | {"year": period.year, "month": period.month})
