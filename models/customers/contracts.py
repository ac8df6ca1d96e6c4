"""The contract that a month was billed under."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_KEEP = sa.text("""
insert into billed_contracts (bill_id, contract_days, limit_proration)
select b.id, t.active_days, c.limit_proration
from bills b
join customers c on c.id = b.customer_id
cross join lateral month_terms(c.id, b.year, b.month) t
where b.id = any(:bill_ids) and b.kind = 'overage'
on conflict do nothing
""")


async def keep_billed_contracts(session: AsyncSession, bill_ids: Sequence[int]) -> None:
    """Write down how many days of their months are in contract, and the proration, as these bills
    go out; corrections keep those of what they correct.

    From then on the month keeps them, whatever becomes of the customer's dates. The customers are
    locked by then.
    """
    await session.execute(_KEEP, {"bill_ids": list(bill_ids)})
