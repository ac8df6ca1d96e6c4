"""What got lost on the way, and is promised anew.

Each function is one step of the caller's transaction.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.outbox.jobs import defer_generate, defer_issue, defer_redraw_cards
from models.outbox.messages import WAITED_FOR

FRESH_S = 60
"""A run made by hand, for which there is no job, has made all its cards within this time."""


async def try_recovery_lock(session: AsyncSession) -> bool:
    """Whether no other worker looks after abandoned jobs right now; true until the commit."""
    lock = sa.text("select pg_try_advisory_xact_lock(hashtext('countersign rescue'))")
    return bool(await session.scalar(lock))


async def has_lost_messages(session: AsyncSession) -> bool:
    """Whether something waits to be posted for which no job is on its way.

    Cards are announced at the end of their run, so that one person gets one digest: those of a
    run that is being worked off are not neglected, nor those just made. Of each recipient the
    oldest message tells, whatever waits behind it.
    """
    return bool(await session.scalar(_NEGLECTED, {"fresh_s": FRESH_S}))


_NEGLECTED = sa.text(f"""
with recursive {WAITED_FOR}
select exists (
    select from waited_for p
    where (p.kind <> 'card' or p.created_at < now() - make_interval(secs => :fresh_s)
           and not exists (
               select from bill_runs r join procrastinate_jobs j on j.lock = 'run:' || r.id
               where r.finished_at is null and j.status in ('todo', 'doing')))
      and not exists (
          select from procrastinate_jobs j
          where j.lock = 'recipient:' || p.recipient and j.status in ('todo', 'doing')))
""")


async def defer_lost_redraws(session: AsyncSession, after: int, most: int) -> tuple[int, int]:
    """Promise to redraw cards that show too little and have no job.

    Looks at the `most` ids after `after`; returns the id to go on after, 0 to begin again, and
    how many bills were promised.
    """
    end = after + most
    bills = (await session.scalars(_BEHIND, {"after": after, "upto": end})).all()
    for bill_id in bills:
        await defer_redraw_cards(session, bill_id)
    last = await session.scalar(sa.text("select max(id) from messages")) or 0
    return (end if end < last else 0), len(bills)


_BEHIND = sa.text("""
select distinct p.bill_id
from messages p join bill_chains c on c.bill_id = p.bill_id
where p.id > :after and p.id <= :upto and p.kind = 'card' and p.state = 'posted'
  and p.drawn_actions < c.actions
  and not exists (
      select from procrastinate_jobs j
      where j.lock in ('bill:' || p.bill_id, 'card:' || p.id) and j.status in ('todo', 'doing'))
order by p.bill_id
""")


async def defer_lost_runs(session: AsyncSession) -> int:
    """Promise to go on with runs that nobody works off, but for those of the command line; returns
    how many.
    """
    runs = (await session.scalars(_LEFT_RUNS)).all()
    for run_id in runs:
        await defer_generate(session, run_id)
    return len(runs)


_LEFT_RUNS = sa.text("""
select r.id from bill_runs r
where r.source <> 'cli' and r.finished_at is null and r.failure is null
  and not exists (
      select from procrastinate_jobs j
      where j.lock = 'run:' || r.id and j.status in ('todo', 'doing'))
""")


async def defer_due_issues(
    session: AsyncSession, now: datetime, after: int = 0, most: int = 5_000
) -> int:
    """Promise to go on with bills whose send delay is over, and that have no job but a later one.

    Jobs wait by the database's clock and delays end by ours: what a job came too early for, and
    what has lost its job on the way, is found here. Looks at the next `most` bills on their way
    with ids `after` that; returns the id to go on after, 0 to begin again.
    """
    values = {"now": now, "after": after, "most": most}
    looked, last, lost = (await session.execute(_SEND_DUE, values)).one()
    for bill_id in lost or ():
        await defer_issue(session, bill_id, now, now)
    return int(last) if looked == most else 0


# A job that is put off from the start has a lower priority than one that is tried again later.
_SEND_DUE = sa.text("""
with next as (
    select id from bills where status = 'sending' and id > :after order by id limit :most
)
select count(*), max(b.id), array_agg(b.id order by b.id) filter (
    where s.due <= :now and not exists (
        select from procrastinate_jobs j
        where j.lock = 'send:' || b.id
          and (j.status = 'doing'
               or j.status = 'todo' and (j.priority >= 0 or j.scheduled_at <= now()))))
from next b
left join lateral (
    select (a.snapshot ->> 'due')::timestamptz as due
    from bill_actions a where a.bill_id = b.id and a.snapshot ? 'due'
    order by a.id desc limit 1) s on true
""")
