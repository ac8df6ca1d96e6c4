"""Small amounts are approved by the customer's own rule, right after their bill is made."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Source
from models.people.users import system_user

_APPROVE = sa.text("""
with passed as (
    update bills b set status = 'approved', version = b.version + 1, updated_at = :now
    from overages o
    join customer_desks d on d.customer_id = o.customer_id
    cross join lateral judged(o, d, cast(:jump_factor as numeric)) j
    where b.id between :first and :last and b.created_at = :now
      and b.status = 'pending' and b.version = 1
      and o.customer_id = b.customer_id and o.year = b.year and o.month = b.month
      and abs(b.overage_amount) < d.auto_approve_below
      and not coalesce(abs(b.overage_amount) > d.second_approval_above, false)
      and (b.kind <> 'overage' or j.passes)
    returning b.id, b.version, bill_figures(b) as figures, d.auto_approve_below as below
)
insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, snapshot,
    created_at, updated_at)
select id, version, :user_id, 'auto_approve', :source,
    jsonb_build_object(
        'rule', 'auto_approve_below', 'below', below::text,
        'before', figures || '{"status": "pending"}', 'after', figures),
    :now, :now
from passed
""")


async def auto_approve(
    session: AsyncSession,
    first: int,
    last: int,
    now: datetime,
    source: Source,
    jump_factor: float | None,
) -> int:
    """Approve, of the bills just made with these ids, those that their customer's rule lets pass.

    An amount passes below `auto_approve_below`, whatever its sign, unless it is above
    `second_approval_above`, or a jump. Returns how many passed.
    """
    values = {
        "first": first,
        "last": last,
        "now": now,
        "source": source,
        "jump_factor": jump_factor,
        "user_id": (await system_user(session)).id,
    }
    result = await session.execute(_APPROVE, values)
    return result.rowcount  # type: ignore[attr-defined,no-any-return]
