"""What was told long ago, and what failed long ago, is forgotten.

Cards stay, since a bill's are drawn for ever, and so do the messages of runs and digests that other
messages point at.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

TOLD_FOR = timedelta(days=400)
"""Whoever looks back a year still finds every button of it at work."""
OFFERED_FOR = timedelta(days=30)
"""A list that was shown, and that nobody has begun."""
FAILED_FOR = timedelta(days=90)


async def prune_outbox(session: AsyncSession, now: datetime, most: int) -> int:
    """Forget messages, lists and failed jobs that are over, at most so many of each; returns how
    many there were.
    """
    values = {
        "told_before": now - TOLD_FOR,
        "offered_before": now - OFFERED_FOR,
        "failed_before": now - FAILED_FOR,
        "most": most,
    }
    gone = (await session.scalars(_OVER, values)).all()
    if gone:
        for forget in _FORGET:
            await session.execute(forget, {"gone": gone})
    jobs = (await session.scalars(_FAILED_JOBS, values)).all()
    return len(gone) + len(jobs)


# Both begin with the oldest: where these are not over, none is. Each has an index of its own, which
# is used where its condition is repeated.
_OVER = sa.text("""
select id from (
    select id, created_at from messages
    where kind not in ('card', 'digest', 'run', 'month_end') and state in ('posted', 'failed')
    order by id limit :most) told
where created_at < :told_before
union all
select id from (
    select id, created_at from messages
    where kind in ('send_preview', 'sending', 'approving') and state = 'listed'
    order by id limit :most) offered
where created_at < :offered_before
""")

_FORGET = (
    sa.text("delete from private_answers where list_id = any(:gone)"),
    sa.text("delete from send_list_bills where list_id = any(:gone)"),
    sa.text("delete from messages where id = any(:gone)"),
)

_FAILED_JOBS = sa.text("""
delete from procrastinate_jobs where id in (
    select j.id from procrastinate_jobs j
    join procrastinate_events e on e.job_id = j.id and e.type = 'failed'
    where j.status = 'failed' and e.at < :failed_before limit :most)
returning id
""")
