"""What a digest stands for: counted and added up where the bills are, however many they are."""

from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.outbox.messages import Message
from models.period import Period
from models.queries.bill_list import BillLine, bill_line
from models.queries.totals import Total

SHOWN = 5


@dataclass(frozen=True)
class Digest:
    """Of the bills `listed`, decided or not, so many are `waiting` for the reader's decision.

    Those that lack another role's approval alone do not. `totals` and `biggest` are of those
    waiting, and so is `period`: the month of all of them, None where there are several.
    """

    listed: int
    waiting: int = 0
    totals: tuple[Total, ...] = ()
    biggest: tuple[BillLine, ...] = ()
    period: Period | None = None


async def load_digest(session: AsyncSession, digest: Message) -> Digest:
    """What a digest stands for as things are now."""
    listed = int(await session.scalar(_COUNT, digest.facts) or 0)
    sums = (await session.execute(_SUMS, digest.facts)).all()
    if not sums:
        return Digest(listed)
    shown = digest.facts | {"most": SHOWN}
    first, last = min(row.first for row in sums), max(row.last for row in sums)
    return Digest(
        listed=listed,
        waiting=sum(row.bills for row in sums),
        totals=tuple(Total(row.currency, row.bills, row.amount or Decimal(0)) for row in sums),
        biggest=tuple(bill_line(row, row.name) for row in await session.execute(_BIGGEST, shown)),
        period=Period.of(first) if first == last else None,
    )


_COUNT = sa.text("""
select count(*) from messages
where recipient = :of and kind = 'card' and state = 'listed' and id between :first and :last
""")

WAITING_IN_DIGEST = """
select b.*
from messages p join bills b on b.id = p.bill_id
where p.recipient = :of and p.kind = 'card' and p.state = 'listed'
  and p.id between :first and :last and b.status = 'pending'
  and not exists (
      select from users u
      join approvals a on a.bill_id = b.id
      left join approvers s on s.bill_id = b.id and s.slot = a.slot
      where p.recipient = 'user:' || u.id and (a.user_id = u.id or s.role = u.role))
"""

_SUMS = sa.text(f"""
select currency, count(*) as bills, sum(overage_amount) as amount,
       min(make_date(year, month, 1)) as first, max(make_date(year, month, 1)) as last
from ({WAITING_IN_DIGEST}) w group by currency order by bills desc, currency
""")

# The biggest of each currency, then the second of each, and so on: currencies are not compared.
_BIGGEST = sa.text(f"""
with ranked as (
    select *, count(*) over (partition by currency) as bills, row_number() over (
        partition by currency order by abs(overage_amount) desc nulls last, created_at, id) as place
    from ({WAITING_IN_DIGEST}) w
), shown as (
    select * from ranked order by place, bills desc, currency limit :most
)
select shown.*, c.name from shown join customers c on c.id = shown.customer_id
order by bills desc, currency, place
""")
