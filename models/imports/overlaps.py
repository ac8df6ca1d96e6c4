"""Whom a source tells of that another one has told of already."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.period import Period


class Overlap(NamedTuple):
    """How many customers of an answer have a figure of the month by another `source`, which was
    pulled last at `pulled_at`; some of them by name.
    """

    source: str
    pulled_at: datetime
    customers: int
    names: list[str]


# Where there is one source alone, nothing of it is worked out.
_OVERLAPS = """
with others as (
    select * from usage_sources where id <> :source_id and switched_off_at is null
), overlapping as materialized (
    select u.customer_id, p.source_id, p.started_at
    from (select distinct customer_id from ready where sound and customer_id is not null) r
    join usages u on u.customer_id = r.customer_id and u.year = :year and u.month = :month
    join usage_pulls p on p.id = u.pull_id and p.source_id in (select id from others)
    where exists (select from others)
)
select s.name, max(o.started_at), count(*), array(
    select c.name from (
        select customer_id from overlapping n where n.source_id = s.id
        order by customer_id limit :named) n
    join customers c on c.id = n.customer_id order by c.id)
from overlapping o join others s on s.id = o.source_id
group by s.id, s.name, s.name_key order by s.name_key"""


async def overlaps_of(
    session: AsyncSession, period: Period, source_id: int, named: int
) -> tuple[Overlap, ...]:
    """Of the answer that is in `ready`, by the other sources that are on; at most so many of each
    are `named`.
    """
    asked = vars(period) | {"source_id": source_id, "named": named}
    return tuple(Overlap(*row) for row in await session.execute(sa.text(_OVERLAPS), asked))
