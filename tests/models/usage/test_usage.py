"""One month's figure, written down by hand."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from models.context import Context, Source
from models.customers.customers import Customer
from models.db.columns import MOST_CALLS
from models.db.database import Database
from models.db.locks import lock_for_import
from models.errors import Busy, Invalid, NotAllowed, NotFound
from models.people.users import User
from models.period import Period
from models.settings import BillingSettings
from models.usage.usage import record_usage
from tests.harness.cast import People
from tests.harness.files import NOW, load_rows, rows_of

OCTOBER = Period(2026, 10)
FIGURES = "select year, month, api_usage, updated_at from usages order by 1, 2"
CHANGES = (
    "select old_api_usage, new_api_usage, changed_by, changed_at, reason, source"
    " from usage_changes order by id"
)


def act(user: User, now: datetime = NOW, zone: str = "UTC") -> Context:
    return Context(user, now, Source.SLACK, BillingSettings(zone=ZoneInfo(zone)))


async def add_acme(db: Database) -> int:
    async with db.transaction() as session:
        acme = Customer(name="Acme", monthly_api_limit=1000)
        session.add(acme)
        await session.flush()
        return acme.id


async def record(db: Database, *args: Any) -> bool:
    async with db.transaction() as session:
        return await record_usage(session, *args)


async def test_a_figure_is_added_changed_and_kept_with_who_when_why_and_whence(
    db: Database, people: People
) -> None:
    acme, by = await add_acme(db), act(people.ana)
    assert await record(db, acme, OCTOBER, 1500, by)
    assert not await record(db, acme, OCTOBER, 1500, act(people.ana, NOW.replace(hour=10)), "Again")
    assert await rows_of(db, FIGURES) == [(2026, 10, 1500, NOW)]
    assert await rows_of(db, CHANGES) == []
    assert await record(db, acme, OCTOBER, MOST_CALLS, by, " Meter was late ")
    assert await record(db, acme, OCTOBER, 0, act(people.system), "  ")
    assert await record(db, acme, Period(2026, 11), 1, by)
    assert await rows_of(db, FIGURES) == [(2026, 10, 0, NOW), (2026, 11, 1, NOW)]
    assert await rows_of(db, CHANGES) == [
        (1500, MOST_CALLS, people.ana.id, NOW, "Meter was late", "slack"),
        (MOST_CALLS, 0, people.system.id, NOW, None, "slack"),
    ]
    # A file takes up where the hand left off.
    await load_rows(db, people.ana, "usage", "Acme,2026,10,7")
    assert (await rows_of(db, CHANGES))[2][:2] == (0, 7)


REFUSED = [
    ((OCTOBER, -1), "api_usage", "from 0 to"),
    ((OCTOBER, MOST_CALLS + 1), "api_usage", "from 0 to 9,223,372,036,854,775,807"),
    ((Period(2026, 12), 1), "period", "December 2026 has not begun"),
]


async def test_what_cannot_be_is_refused_and_writes_nothing(db: Database, people: People) -> None:
    acme = await add_acme(db)
    for (period, calls), field, words in REFUSED:
        with pytest.raises(Invalid, match=words) as refused:
            await record(db, acme, period, calls, act(people.ana))
        assert refused.value.field == field
    with pytest.raises(Invalid, match="at most"):
        await record(db, acme, OCTOBER, 1, act(people.ana), "x" * 3001)
    with pytest.raises(NotFound):
        await record(db, acme + 1, OCTOBER, 1, act(people.ana))
    for user in (people.kim, people.sam, people.max):
        with pytest.raises(NotAllowed):
            await record(db, acme, OCTOBER, 1, act(user))
    assert await rows_of(db, FIGURES) == []


async def test_a_month_begins_where_the_company_is(db: Database, people: People) -> None:
    acme, november = await add_acme(db), Period(2026, 11)
    late = datetime(2026, 10, 31, 20, tzinfo=UTC)
    with pytest.raises(Invalid, match="has not begun"):
        await record(db, acme, november, 1, act(people.ana, late, "America/New_York"))
    assert await record(db, acme, november, 1, act(people.ana, late, "Asia/Tokyo"))


async def test_of_many_at_once_each_leaves_its_mark(db: Database, people: People) -> None:
    acme, by = await add_acme(db), act(people.ana)
    figures = [100, 200, 300, 400, 500]
    assert all(await asyncio.gather(*(record(db, acme, OCTOBER, calls, by) for calls in figures)))
    changes = await rows_of(db, CHANGES)
    [(*_, last, _)] = await rows_of(db, FIGURES)
    chain = [changes[0][0], *(new for _, new, *_ in changes)]
    assert [old for old, *_ in changes] == chain[:-1]
    assert sorted(chain) == figures
    assert chain[-1] == last
    same = await asyncio.gather(*(record(db, acme, OCTOBER, 7, by) for _ in figures))
    assert sorted(same) == [False, False, False, False, True]


async def test_an_import_under_way_is_waited_for(db: Database, people: People) -> None:
    acme = await add_acme(db)
    async with db.transaction() as importing:
        await lock_for_import(importing, "usages")
        async with db.transaction() as session:
            await session.execute(sa.text("set local lock_timeout = '50ms'"))
            with pytest.raises(Busy):
                await record_usage(session, acme, OCTOBER, 1, act(people.ana))
            await session.rollback()
