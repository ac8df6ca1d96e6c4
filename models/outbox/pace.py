"""How fast letters go out and messages are drawn anew, by all processes together."""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession


class Paced(StrEnum):
    """What is done at a pace."""

    LETTERS = "letters"
    UPDATES = "updates"


async def take_place(session: AsyncSession, what: Paced, gap_s: float) -> float:
    """The next place among those that are `gap_s` seconds apart: in how many it comes."""
    return float(await session.scalar(_TAKE, {"what": what, "gap_s": gap_s}) or 0)


async def take_place_if_free(session: AsyncSession, what: Paced, gap_s: float) -> bool:
    """The place of now, where nobody has it."""
    return await session.scalar(_TAKE_IF_FREE, {"what": what, "gap_s": gap_s}) is not None


# The database's clock, since the workers' own may differ.
_NEXT = """
insert into paces as p (what, next_at)
values (:what, clock_timestamp() + make_interval(secs => :gap_s))
on conflict (what) do update"""

_TAKE = sa.text(f"""
with taken as (
    {_NEXT}
    set next_at = greatest(p.next_at, clock_timestamp()) + make_interval(secs => :gap_s)
    returning next_at)
select extract(epoch from next_at - clock_timestamp()) - :gap_s from taken
""")

_TAKE_IF_FREE = sa.text(f"""
{_NEXT} set next_at = excluded.next_at where p.next_at <= clock_timestamp() returning next_at
""")
