"""The bills that a digest stands for."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.states import BillKind
from models.outbox.messages import Message
from models.period import Period
from models.queries.bill_list import BillLine


async def digest_lines(session: AsyncSession, digest: Message) -> Sequence[BillLine]:
    """The bills a digest stands for that still wait for its reader's decision, oldest first.

    A bill that lacks another role's approval alone does not.
    """
    rows = await session.execute(_LINES, digest.facts)
    return [
        BillLine(
            id=row.id,
            version=row.version,
            customer=row.name,
            period=Period(row.year, row.month),
            status=row.status,
            hold_reason=None,
            amount=row.overage_amount,
            currency=row.currency,
            created_at=row.created_at,
            kind=BillKind(row.kind),
        )
        for row in rows
    ]


async def digest_count(session: AsyncSession, digest: Message) -> int:
    """How many bills a digest stands for, decided or not."""
    return int(await session.scalar(_COUNT, digest.facts) or 0)


_COUNT = sa.text("""
select count(*) from messages
where recipient = :of and kind = 'card' and state = 'listed' and id between :first and :last
""")

_LINES = sa.text("""
select b.id, b.version, c.name, b.year, b.month, b.status, b.overage_amount, b.currency,
       b.created_at, b.kind
from messages p
join bills b on b.id = p.bill_id
join customers c on c.id = b.customer_id
where p.recipient = :of and p.kind = 'card' and p.state = 'listed'
  and p.id between :first and :last and b.status = 'pending'
  and not exists (
      select from users u
      join approvals a on a.bill_id = b.id
      left join approvers s on s.bill_id = b.id and s.slot = a.slot
      where p.recipient = 'user:' || u.id and (a.user_id = u.id or s.role = u.role))
order by b.created_at, b.id
""")
