"""Whether anything has been done since somebody looked: for pages that are open."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

LATEST_ACTIONS = 50


async def newest_actions(session: AsyncSession, bill_id: int | None = None) -> str:
    """Something that differs as soon as more was done to any bill; with an id to that bill and to
    those that correct or replace it. Costs no more with many bills.
    """
    if bill_id is None:
        found = await session.scalar(_OF_ALL, {"latest": LATEST_ACTIONS})
    else:
        found = await session.scalar(_OF_BILL, {"bill_id": bill_id})
    return found or "none"


# Whoever began first may commit last, so that the highest id alone would not tell of it.
_OF_ALL = sa.text("""
select md5(string_agg(id::text, ',')) from (
    select id from bill_actions order by id desc limit :latest) latest
""")

_OF_BILL = sa.text("""
with this as (select id, adjusts_id, replaces_id from bills where id = :bill_id),
related as (
    select unnest(array[id, adjusts_id, replaces_id]) as id from this
    union select b.id from bills b join this on b.adjusts_id = this.id
    union select b.id from bills b join this on b.replaces_id = this.id
)
select md5(string_agg(c.last_action_id::text, ',' order by c.bill_id))
from bill_chains c join related r on r.id = c.bill_id
""")
