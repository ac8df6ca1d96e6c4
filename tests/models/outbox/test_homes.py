"""Homes are drawn anew one after another, however often something changes meanwhile."""

import pytest
import sqlalchemy as sa

from models.db.database import Database
from models.outbox import homes
from models.outbox.homes import HomePlace, look_at, refresh_all_homes
from tests.harness.cast import People


async def test_whose_home_was_just_drawn_comes_behind_all_others(
    db: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three look at theirs; one a minute is drawn. Nobody who waits is promised a second one."""
    monkeypatch.setattr(homes, "A_MINUTE", 1)
    async with db.transaction() as session:
        for one in (people.kim, people.lee, people.sam):
            await look_at(session, one.id, HomePlace())
    assert await _refreshed(db) == [0, 60, 120]
    assert await _refreshed(db) == [0, 60, 120]
    async with db.transaction() as session:
        await session.execute(sa.text(_FIRST_IS_DONE))
    assert await _refreshed(db) == [60, 120, 180]


async def _refreshed(db: Database) -> list[int]:
    """In how many seconds each Home is drawn by then, to the nearest ten."""
    async with db.transaction() as session:
        await refresh_all_homes(session)
    async with db.transaction() as session:
        query = "select extract(epoch from scheduled_at - now()) from procrastinate_jobs"
        waits = (await session.scalars(sa.text(f"{query} order by scheduled_at"))).all()
    return [round(float(wait) / 10) * 10 for wait in waits]


_FIRST_IS_DONE = """
delete from procrastinate_jobs where id = (
    select id from procrastinate_jobs order by scheduled_at limit 1)
"""
