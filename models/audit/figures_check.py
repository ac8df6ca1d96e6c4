"""Whether the figure of each bill is one that a pull, a file or a person recorded."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from models.audit.bill_check import Discrepancy

UNEXPLAINED = "no pull, file or person explains its {:,} calls"
OTHER_DAYS = "the days of its month come to {:,} calls, and the month to {:,}"


async def wrong_figures(session: AsyncSession, bill_ids: Sequence[int]) -> list[Discrepancy]:
    """Of these bills, but for void ones. A figure that was recorded before it was kept from where
    is explained by being there.
    """
    ids = {"ids": list(bill_ids)}
    unexplained = [
        Discrepancy(bill_id, None, UNEXPLAINED.format(calls))
        for bill_id, calls in await _unexplained(session, bill_ids)
    ]
    other_days = [
        Discrepancy(bill_id, None, OTHER_DAYS.format(int(days), calls))
        for bill_id, days, calls in await session.execute(_OTHER_DAYS, ids)
    ]
    return [*unexplained, *other_days]


async def _unexplained(session: AsyncSession, bill_ids: Sequence[int]) -> Sequence[Row[int, int]]:
    """Usage of a void bill goes over to whom its customer is merged into, so that is asked last."""
    for query in (_UNEXPLAINED_BY_ITS_OWN, _UNEXPLAINED_WHERE_IT_WENT):
        found = (await session.execute(query, {"ids": list(bill_ids)})).all()
        bill_ids = [bill_id for bill_id, _ in found]
    return found


# A figure as it stands is what was recorded last: by who is named with it, in the last change that
# is kept, and where it was pulled, for that very month. Earlier ones stand in the changes.
_UNEXPLAINED = """
select b.id, b.api_usage
from bills b
where b.id = any(:ids) and b.status <> 'void' and not exists (
    select from usages u
    left join usage_pulls p on p.id = u.pull_id
    left join lateral (
        select new_api_usage as calls from usage_changes c
        where c.usage_id = u.id order by c.id desc limit 1) last on true
    where u.customer_id {whose} and u.year = b.year and u.month = b.month
      and (u.api_usage = b.api_usage
              and coalesce(last.calls, u.api_usage) = u.api_usage
              and (u.recorded_from is null or u.recorded_calls = u.api_usage)
              and (u.pull_id is null
                   or (p.year, p.month, p.outcome) = (u.year, u.month, 'applied'))
           or exists (
              select from usage_changes c
              where c.usage_id = u.id and b.api_usage in (c.old_api_usage, c.new_api_usage))))
order by b.id
"""

_UNEXPLAINED_BY_ITS_OWN = sa.text(_UNEXPLAINED.format(whose="= b.customer_id"))
_UNEXPLAINED_WHERE_IT_WENT = sa.text(
    _UNEXPLAINED.format(
        whose="""in (
            with recursive went (id) as (
                select b.customer_id union
                select m.into_id from went join customer_changes m on m.customer_id = went.id
                where make_date(b.year, b.month, 1) = any(m.moved_usage))
            select id from went)"""
    )
)

_OTHER_DAYS = sa.text("""
select b.id, d.calls, u.api_usage
from bills b
join usages u on u.customer_id = b.customer_id and u.year = b.year and u.month = b.month
cross join lateral (
    select sum(o.api_usage) as calls from usage_days o
    where o.customer_id = u.customer_id and o.day >= make_date(u.year, u.month, 1)
      and o.day < make_date(u.year, u.month, 1) + interval '1 month') d
where b.id = any(:ids) and b.status <> 'void' and d.calls <> u.api_usage
order by b.id
""")
