"""Small corrections are approved by the customer's own rule, right after they are proposed."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.history import append_actions
from models.context import Source
from models.people.users import system_user

RECORDED = """
'auto_approve' as action, jsonb_build_object(
    'rule', 'auto_approve_below', 'below', r.auto_approve_below::text,
    'before', bill_figures(b) || '{"status": "pending"}', 'after', bill_figures(b)) as snapshot"""
"""What the record says of a bill `b` that its customer's rule `r` approved."""

_APPROVE = sa.text(f"""
with passed as (
    update bills b set status = 'approved', version = b.version + 1, updated_at = :now
    from approval_rules r
    where b.id between :first and :last and b.created_at = :now
      and b.kind <> 'overage' and b.status = 'pending' and b.version = 1
      and r.customer_id = b.customer_id
      and passes_correction(r, b.overage_amount, b.currency, b.waived_units)
    returning b.id, b.version, {RECORDED}
)
{append_actions("passed")}
returning bill_id
""")


async def auto_approve(
    session: AsyncSession, first: int, last: int, now: datetime, source: Source
) -> tuple[int, ...]:
    """Approve, of the corrections just made with these ids, those that their customer's rule lets
    pass: any amount below `auto_approve_below`, whatever its sign, unless it is above
    `second_approval_above`. In another currency than the rule, and where Finance agreed on the
    units of the month, people decide. Returns those that passed.
    """
    values = {
        "first": first,
        "last": last,
        "now": now,
        "source": source,
        "user_id": (await system_user(session)).id,
    }
    return tuple(sorted(await session.scalars(_APPROVE, values)))
