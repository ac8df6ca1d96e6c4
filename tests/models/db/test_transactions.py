"""What a transaction writes at its end, and what its statements by key are and are not."""

import time
from io import BytesIO
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.errors import AdminShutdown, QueryCanceled
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from models.bills.bill import get_bill
from models.db.database import Database
from models.db.locks import busy_after_waiting
from models.db.rows import rows
from models.errors import Busy, TooSlow
from models.imports.files import import_people
from models.outbox.jobs import defer_post, defer_redraw_cards
from models.people.users import User, add_user
from tests.harness.cast import People
from tests.harness.scene import act, bill_for
from tests.harness.slack_people import NOW

JOBS = "select task_name as task, lock, args, priority from procrastinate_jobs order by id"
PREPARED = "select count(*) as n from pg_prepared_statements"


async def jobs(session: AsyncSession) -> list[Any]:
    return [row.lock for row in await session.execute(sa.text(JOBS))]


async def written(db: Database) -> list[Any]:
    async with db.transaction() as session:
        return await jobs(session)


async def test_the_jobs_of_a_transaction_are_written_with_its_commit_each_once(
    db: Database,
) -> None:
    async with db.transaction() as session:
        await defer_redraw_cards(session, 7)
        await defer_post(session, "user:1", 30)
        assert await jobs(session) == []
        await defer_redraw_cards(session, 7)
        await defer_post(session, "user:1")
    async with db.transaction() as session:
        found = [tuple(row) for row in await session.execute(sa.text(JOBS))]
    assert found == [
        ("redraw", "bill:7", {"bill_id": 7}, 0),
        ("post", "recipient:user:1", {"recipient": "user:1"}, -1),
        ("post", "recipient:user:1", {"recipient": "user:1"}, 0),
    ]


async def test_those_of_one_that_rolls_back_are_gone(db: Database) -> None:
    with pytest.raises(LookupError):
        async with db.long_transaction() as session:
            await defer_redraw_cards(session, 1)
            raise LookupError
    async with db.long_transaction() as session:
        await defer_redraw_cards(session, 2)
        await session.rollback()
    assert await written(db) == []


async def test_a_savepoint_takes_only_its_own_with_it(db: Database) -> None:
    async with db.transaction() as session:
        await defer_redraw_cards(session, 1)
        async with session.begin_nested() as attempt:
            await defer_redraw_cards(session, 2)
            await attempt.rollback()
        async with session.begin_nested():
            await defer_redraw_cards(session, 3)
    assert await written(db) == ["bill:3", "bill:1"]


async def test_none_is_lost_where_the_commit_is_written_out_or_the_session_is_anothers(
    db: Database, database_url: str
) -> None:
    async with db.long_transaction() as session:
        await defer_redraw_cards(session, 1)
        await session.commit()
    engine = create_async_engine(sa.make_url(database_url).set(drivername="postgresql+psycopg"))
    async with AsyncSession(engine) as session:
        await defer_redraw_cards(session, 2)
        assert await jobs(session) == ["bill:1", "bill:2"]
        await session.commit()
    await engine.dispose()
    assert await written(db) == ["bill:1", "bill:2"]


async def test_what_the_session_has_to_write_comes_first(db: Database) -> None:
    async with db.transaction() as session:
        session.add(User(name="Zoe"))
        (row,) = await rows(session, "select name from users where name = %s", ("Zoe",))
        assert row == {"name": "Zoe"}
        assert await rows(session, "update users set role = null where name = %s", ("Zoe",)) == []


async def test_only_statements_by_key_keep_their_plans(database_url: str) -> None:
    db = Database(database_url)
    async with db.transaction() as session:
        for _ in range(20):
            await session.execute(sa.select(User).where(User.id == 1))
        assert await session.scalar(sa.text(PREPARED)) == 0
        await rows(session, "select 1 as one")
        assert await session.scalar(sa.text(PREPARED)) == 1
    await db.close()


async def test_a_bill_that_stays_locked_is_busy(
    db: Database, people: People, database_url: str
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(session, act(people.ana))
    with psycopg.connect(database_url) as other:
        other.execute("select from bills for update")
        async with db.transaction() as session:
            await session.execute(sa.text("set local lock_timeout = 100"))
            with pytest.raises(Busy):
                await get_bill(session, bill.id, lock=True)


async def test_what_goes_wrong_is_raised_as_by_the_session(db: Database) -> None:
    with pytest.raises(OperationalError) as slow:
        async with db.transaction() as session:
            await session.execute(sa.text("set statement_timeout = 50"))
            await rows(session, "select pg_sleep(5)")
    assert isinstance(slow.value.orig, QueryCanceled)
    with pytest.raises(TooSlow), busy_after_waiting():
        raise slow.value
    with pytest.raises(DBAPIError) as killed:
        async with db.transaction() as session:
            await rows(session, "select pg_terminate_backend(pg_backend_pid())")
    assert isinstance(killed.value.orig, AdminShutdown)
    assert killed.value.connection_invalidated
    async with db.transaction() as session:
        await add_user(session, "Zoe", None)


class SlowFile(BytesIO):
    """A file each piece of which takes longer to come than a statement may."""

    def read1(self, size: int | None = -1) -> bytes:
        time.sleep(0.3)
        return super().read1(size)


async def test_an_import_that_takes_too_long_is_refused_as_too_slow(
    db: Database, people: People
) -> None:
    """Also where it is cut off within COPY, which is the driver's own."""
    file = SlowFile(b"name,role,slack_user_id,email\nZoe,CSM,UZOE,\n")
    with pytest.raises(TooSlow):
        async with db.long_transaction(0.1) as session:
            await import_people(session, file, people.ana, NOW)


async def test_a_transaction_that_falls_silent_is_ended_with_its_locks(db: Database) -> None:
    """A machine that froze in the middle of one keeps nobody else waiting."""
    frozen = Database(db.url, silent_s=0.3)
    lock = sa.text("lock table bills in access exclusive mode")
    try:
        with pytest.raises(DBAPIError):
            async with frozen.transaction() as session:
                await session.execute(lock)
                async with db.transaction() as other:
                    await other.execute(lock)
                await session.execute(lock)
    finally:
        await frozen.close()
