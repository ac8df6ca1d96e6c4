"""Which of many bills a notice names, where it has no room for all."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession


async def most_pressing(
    session: AsyncSession, action_ids: Sequence[int], most: int
) -> Sequence[int]:
    """So many of these actions: first those whose bills can be sent again, of these the biggest of
    each currency.
    """
    found = await session.scalars(_PRESSING, {"actions": list(action_ids), "most": most})
    return found.all()


_PRESSING = sa.text("""
select id from (
    select a.id, b.currency, can_be_sent(b) as is_open, row_number() over (
        partition by can_be_sent(b), b.currency
        order by abs(b.overage_amount) desc, a.id) as place
    from bill_actions a join bills b on b.id = a.bill_id
    where a.id = any(:actions)) ranked
order by is_open desc, place, currency limit :most
""")
