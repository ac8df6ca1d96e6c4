"""What is over is forgotten in time, and what somebody may still use is not."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Source, system_context
from models.outbox.pruning import FAILED_FOR, OFFERED_FOR, TOLD_FOR, prune_outbox
from models.schedule.due import SCHEDULED
from models.settings import BillingSettings
from tests.harness.cast import People
from tests.harness.scene import NOW, act, bill_for

DAY = timedelta(days=1)
(PRUNE,) = (one for one in SCHEDULED if one.kind == "prune")

_ADD = sa.text("""
insert into messages (key, kind, recipient, state, bill_id, ts, channel, created_at)
values (:key, :kind, 'user:1', :state, :bill_id, :ts, 'D1', :at) returning id
""")


async def add(session: AsyncSession, kind: str, state: str, at: datetime, **more: Any) -> int:
    key = f"{kind}:{state}:{at.isoformat()}"
    ts = key if state == "posted" else None
    values = {"key": key, "kind": kind, "state": state, "at": at, "ts": ts, "bill_id": None}
    return int(await session.scalar(_ADD, values | more) or 0)


async def left(session: AsyncSession, table: str = "messages") -> set[int]:
    return set(await session.scalars(sa.text(f"select id from {table}")))


async def failed_job(session: AsyncSession, at: datetime) -> int:
    job = await session.scalar(sa.text(_JOB))
    values = {"job": job, "at": at}
    await session.execute(sa.text(_FAILED), values)
    return int(job or 0)


_JOB = """
insert into procrastinate_jobs (queue_name, task_name, priority, lock, args, status, attempts)
values ('countersign', 'post', 0, 'x', '{}', 'failed', 1) returning id
"""
_FAILED = "insert into procrastinate_events (job_id, type, at) values (:job, 'failed', :at)"


async def test_what_was_told_a_year_ago_and_more_is_forgotten_but_for_what_is_still_drawn(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana))
    long_ago, lately = NOW - TOLD_FOR - DAY, NOW - TOLD_FOR + DAY
    gone = {
        await add(session, "rejection", "posted", long_ago),
        await add(session, "delivered", "failed", long_ago),
        await add(session, "sending", "posted", long_ago),
    }
    stay = {
        await add(session, "rejection", "posted", lately),
        await add(session, "rejection", "waiting", long_ago),
        await add(session, "delivered", "sending", long_ago),
        *[await add(session, kind, "posted", long_ago) for kind in ("digest", "run", "month_end")],
        await add(session, "card", "posted", long_ago, bill_id=bill.id, key=None),
    }
    before = await left(session)
    assert await prune_outbox(session, NOW, 100) == len(gone)
    assert before - await left(session) == gone
    assert stay <= await left(session)


async def test_a_list_that_nobody_began_is_offered_for_a_month(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana))
    old = await add(session, "send_preview", "listed", NOW - OFFERED_FOR - DAY)
    new = await add(session, "approving", "listed", NOW - OFFERED_FOR + DAY)
    await session.execute(
        sa.text("insert into send_list_bills (list_id, bill_id, version) values (:list, :bill, 1)"),
        {"list": old, "bill": bill.id},
    )
    await prune_outbox(session, NOW, 100)
    assert (old in await left(session), new in await left(session)) == (False, True)
    assert await session.scalar(sa.text("select count(*) from send_list_bills")) == 0


async def test_a_job_that_failed_for_good_can_be_looked_into_for_three_months(
    session: AsyncSession,
) -> None:
    old = await failed_job(session, NOW - FAILED_FOR - DAY)
    new = await failed_job(session, NOW - FAILED_FOR + DAY)
    assert await prune_outbox(session, NOW, 100) == 1
    assert (await left(session, "procrastinate_jobs")) & {old, new} == {new}


async def test_in_the_third_year_nothing_is_kept_that_was_not_in_the_second(
    session: AsyncSession, people: People
) -> None:
    """Every month leaves the same behind; what time takes away keeps pace with it."""
    sizes = []
    for month in range(36):
        now = NOW + 30 * DAY * month
        for statement in _A_MONTH:
            await session.execute(sa.text(statement), {"at": now, "of": f"{month}"})
        await add(session, "rejection", "posted", now)
        await add(session, "sending", "listed", now)
        await failed_job(session, now)
        by = await system_context(session, now, Source.CLOCK, BillingSettings())
        while (await PRUNE.do(session, by)).is_left:
            pass
        counts = [await session.scalar(sa.text(f"select count(*) from {one}")) for one in _TIMED]
        sizes.append(dict(zip(_TIMED, counts, strict=True)))
    assert sizes[-1] == sizes[-13]
    assert max(sizes[-1].values()) < 24


_TIMED = (
    "messages",
    "procrastinate_jobs",
    "procrastinate_events",
    "sessions",
    "sign_in_links",
    "access_attempts",
    "kept_answers",
)

_A_MONTH = (
    "insert into sessions (user_id, token_hash, created_at, expires_at, last_seen_at)"
    " values (1, cast(:of as text)::bytea, :at, :at, :at)",
    "insert into sign_in_links (user_id, token_hash, created_at, expires_at)"
    " values (1, cast(:of as text)::bytea, :at, :at)",
    "insert into access_attempts (kind, address, at, succeeded) values ('sign_in', :of, :at, true)",
    "insert into kept_answers (user_id, key, request, created_at) values (1, :of, '', :at)",
)
