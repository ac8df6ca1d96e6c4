"""How fast letters go out, by whichever worker."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession


async def take_place(session: AsyncSession, gap_s: float) -> float:
    """The next place among the letters that go out `gap_s` seconds apart: in how many it comes."""
    return float(await session.scalar(_TAKE, {"gap_s": gap_s}) or 0)


# The database's clock, since the workers' own may differ.
_TAKE = sa.text("""
with taken as (
    insert into mail_pace as p (next_at) values (clock_timestamp() + make_interval(secs => :gap_s))
    on conflict (id) do update
    set next_at = greatest(p.next_at, clock_timestamp()) + make_interval(secs => :gap_s)
    returning next_at)
select extract(epoch from next_at - clock_timestamp()) - :gap_s from taken
""")
