"""What there is to do and how long it has waited, in numbers: the same from wherever one asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.month_totals import MonthTotal
from models.queries.ageing import age_of
from models.queries.health import ALIVE_S

FIRST_JOBS = 100
"""Among so many jobs that are due, the first by id, the oldest is looked for."""


@dataclass(frozen=True)
class Measures:
    """`jobs` by task and status; `job_since`: since when one is due, by the database's `clock`.
    `messages` by state; `message_since`: when the oldest was promised that is not posted. `bills`
    by state and, of those that wait for somebody, by the least days of their age; `bills_since`:
    when the oldest was made that is in a state.
    """

    clock: datetime
    workers: int
    jobs: Mapping[tuple[str, str], int]
    job_since: datetime | None
    messages: Mapping[str, int]
    message_since: datetime | None
    bills: Mapping[tuple[str, int | None], int]
    bills_since: Mapping[str, datetime]


async def load_measures(session: AsyncSession, now: datetime) -> Measures:
    """None of its statements looks at all bills, nor at all messages."""
    work = (await session.execute(_WORK, {"alive": ALIVE_S, "most": FIRST_JOBS})).one()
    return Measures(
        clock=work.clock,
        workers=work.workers,
        jobs={(row.task, row.status): row.jobs for row in await session.execute(_JOBS)},
        job_since=work.job_since,
        messages={"waiting": work.waiting, "sending": work.sending, "failed": work.failed},
        message_since=work.message_since,
        bills=await _bills(session, now),
        bills_since={row.status: row.since for row in await session.execute(_OLDEST)},
    )


async def _bills(session: AsyncSession, now: datetime) -> dict[tuple[str, int | None], int]:
    """From the sums that are kept of months."""
    age = sa.case((MonthTotal.made_at.is_(None), sa.null()), else_=age_of(MonthTotal.made_at, now))
    query = sa.select(MonthTotal.status, age.label("age"), sa.func.sum(MonthTotal.bills))
    found = await session.execute(query.group_by(MonthTotal.status, sa.literal_column("age")))
    return {(status, age): int(bills) for status, age, bills in found}


_WORK = sa.text("""
select clock_timestamp() as clock,
       (select count(*) from procrastinate_workers
        where last_heartbeat > clock_timestamp() - make_interval(secs => :alive)) as workers,
       (select min(coalesce(due.scheduled_at, e.at))
        from (select id, scheduled_at from procrastinate_jobs
              where status = 'todo' and (scheduled_at is null or scheduled_at <= clock_timestamp())
              order by id limit :most) due
        left join procrastinate_events e on e.job_id = due.id and e.type = 'deferred')
       as job_since,
       (select count(*) from messages where state = 'waiting') as waiting,
       (select count(*) from messages where state = 'sending') as sending,
       (select count(*) from messages where state = 'failed' and ts is null) as failed,
       (select created_at from messages where state in ('waiting', 'sending')
        order by id limit 1) as message_since
""")

_JOBS = sa.text("""
select task_name as task, status::text, count(*) as jobs from procrastinate_jobs
where status in ('todo', 'doing', 'failed') group by 1, 2
""")

_OLDEST = sa.text("""
select status, oldest.since
from unnest(array['held', 'pending', 'approved', 'rejected', 'sending']) as states (status)
cross join lateral (
    select min(created_at) as since from bills b where b.status = states.status) oldest
where oldest.since is not null
""")
