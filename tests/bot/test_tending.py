"""What comes about by itself, with nobody doing anything."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from bot.slack.client import SlackClient
from models.actions.absence import mark_away
from models.actions.approve import approve_bill
from models.context import Context, Source
from models.db.database import Database
from tests.bot.helpers import rows
from tests.harness.books import make_bills
from tests.harness.cast import People
from tests.harness.lock_order import watched_locks
from tests.harness.running import worker_only
from tests.harness.slack_people import NOW
from tests.harness.timings import TENDING_S
from tests.harness.waiting import until


@asynccontextmanager
async def tending(
    db: Database, gateway: SlackClient, now: Callable[[], datetime] = lambda: NOW
) -> AsyncIterator[None]:
    """A worker that looks for it, and never could wait for somebody who waits for it."""
    with watched_locks() as faults:
        async with worker_only(db, gateway, now=now, tend=TENDING_S):
            yield
    assert faults == []


async def test_absences_end_with_their_last_day(
    db: Database, people: People, gateway: SlackClient
) -> None:
    async with db.transaction() as session:
        act = Context(people.kim, NOW, Source.SLACK)
        await mark_away(session, act, date(2026, 11, 3), people.lee)
    moments = iter([NOW + timedelta(days=1)])

    def now() -> datetime:
        return next(moments, NOW + timedelta(days=2))

    async def kim_is_back() -> bool:
        (kim,) = await rows(db, "select * from users where id = :id", id=people.kim.id)
        return kim.away_until is None and kim.delegate_id is None

    async with tending(db, gateway, now):
        await until(kim_is_back)


async def test_figures_that_were_changed_behind_the_programs_back_make_a_new_version(
    db: Database, people: People, gateway: SlackClient
) -> None:
    (bill_id,) = await make_bills(db, people.ana)
    async with db.transaction() as session:
        await approve_bill(session, bill_id, 1, Context(people.kim, NOW, Source.SLACK))
        await session.execute(sa.text("update usages set api_usage = 1700"))

    async def asks_again() -> bool:
        (bill,) = await rows(db, "select * from bills")
        return (bill.status, bill.version, str(bill.overage_amount)) == ("pending", 3, "140.00")

    async with tending(db, gateway):
        await until(asks_again)
    actions = await rows(db, "select action, source from bill_actions order by id")
    assert [tuple(row) for row in actions][-1] == ("invalidate", "clock")
