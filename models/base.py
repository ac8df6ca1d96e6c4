"""The database: where it is, how a transaction is opened, what every mapped class shares."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import alembic.command
import alembic.config
import sqlalchemy as sa
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, mapped_column

MIGRATIONS = Path(__file__).parent.parent / "migrations"

# A person waits on the other end: give up before Slack does, and plan each query for its own
# values, since a plan made for all values once turned a page of bills from 0.07 into 422 ms.
BRIEF = "-c statement_timeout=2000 -c lock_timeout=1000 -c plan_cache_mode=force_custom_plan"

Id = Annotated[int, mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)]
MOST_CALLS = 2**63 - 1
Calls = Annotated[int, mapped_column(sa.BigInteger)]
When = Annotated[datetime, mapped_column(sa.DateTime(timezone=True))]

# For signatures on the floors above, which know nothing of SQLAlchemy.
Session = AsyncSession


class Base(DeclarativeBase):
    """Tables as migrated; a test holds these classes equal to the migrations."""

    type_annotation_map = {str: sa.Text, datetime: sa.DateTime(timezone=True)}  # noqa: RUF012


class Database:
    """One PostgreSQL database, and the two kinds of transaction that are opened on it."""

    def __init__(self, url: str, pool_size: int = 10) -> None:
        """`url`: any libpq address in URL form, `postgresql://...`, sockets included."""
        self.url = url
        self._brief = _engine(url, pool_size, BRIEF)
        self._long = _engine(url, None, "-c lock_timeout=60000")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A short transaction on behalf of a waiting person: 2 s a statement, 1 s a lock.

        Commits when the block ends, rolls back when it raises.
        """
        async with _sessions(self._brief)() as session, session.begin():
            yield session

    @asynccontextmanager
    async def long_transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction for work on whole months: no limit on a statement."""
        async with _sessions(self._long)() as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A long transaction that sees the database as of one moment, and cannot change it."""
        async with self.long_transaction() as session:
            await session.execute(
                sa.text("set transaction isolation level repeatable read, read only")
            )
            yield session

    async def close(self) -> None:
        await self._brief.dispose()
        await self._long.dispose()


def _engine(url: str, pool_size: int | None, options: str) -> AsyncEngine:
    """Without a pool each transaction gets a connection of its own.

    Bulk work must: a connection keeps its plans for foreign keys and triggers, and those made
    while a table was nearly empty turned a chunk of 5 into one of 160 seconds.
    """
    pool: dict[str, Any] = {"poolclass": sa.NullPool}
    if pool_size is not None:
        pool = {"pool_size": pool_size, "max_overflow": 0, "pool_pre_ping": True}
    return create_async_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        connect_args={"options": f"{options} -c timezone=UTC"},
        **pool,
    )


def _sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)


async def driver_connection(session: AsyncSession) -> Any:
    """The psycopg connection under a session, for COPY and for jobs that share its transaction."""
    raw = await (await session.connection()).get_raw_connection()
    return raw.driver_connection


def migrate(url: str) -> list[str]:
    """Bring the schema to the newest revision; returns the revisions applied, oldest first.

    Safe to run from several machines at once: the second waits for the first.
    """
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = sa.create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    applied: list[str] = []
    with engine.connect() as connection:
        connection.exec_driver_sql("select pg_advisory_lock(hashtext('countersign migrate'))")
        connection.commit()
        config.attributes["connection"] = connection
        config.attributes["applied"] = applied
        alembic.command.upgrade(config, "head")
        connection.commit()
        connection.exec_driver_sql("select pg_advisory_unlock_all()")
        connection.commit()
    engine.dispose()
    return applied
