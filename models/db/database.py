"""One PostgreSQL database, and the transactions that are opened on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from models.db.migrate import is_migrated
from models.errors import DatabaseNotReady, NextStep, Step

# A person waits on the other end: give up before Slack does.
STATEMENT_S, LOCK_S = 2.0, 1.0

# Plan each query for its own values: a plan made for all values once turned a page of bills from
# 0.07 into 422 ms.
SHORT = "-c plan_cache_mode=force_custom_plan"


class Database:
    """One PostgreSQL database, and the two kinds of transaction that are opened on it."""

    def __init__(
        self,
        url: str,
        pool_size: int = 10,
        *,
        statement_s: float = STATEMENT_S,
        lock_s: float = LOCK_S,
    ) -> None:
        """`url`: any libpq address in URL form, `postgresql://...`, sockets included.

        `statement_s` and `lock_s` are how long a short transaction waits for either.
        """
        self.url = url
        limits = (
            f"-c statement_timeout={statement_s * 1000:.0f} -c lock_timeout={lock_s * 1000:.0f}"
        )
        self._short = _engine(url, pool_size, f"{limits} {SHORT}")
        self._long = _engine(url, None, "-c lock_timeout=60000")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A short transaction on behalf of a waiting person, with limits for statements and locks.

        Commits when the block ends, rolls back when it raises.
        """
        async with _sessions(self._short)() as session, session.begin():
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
        await self._short.dispose()
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


async def check_reachable(db: Database) -> None:
    """Refuse, in one line, a database that does not answer."""
    try:
        async with db.transaction() as session:
            await session.execute(sa.text("select 1"))
    except DBAPIError as error:
        # libpq names server, database and user here, never the password.
        cause = str(error.orig).partition("\n")[0]
        raise DatabaseNotReady(
            f"The database does not answer: {cause}. Check DATABASE_URL, and that the server runs."
        ) from None


async def check_ready(db: Database) -> None:
    """Refuse a database that does not answer, or whose tables are not those expected here."""
    await check_reachable(db)
    async with db.transaction() as session:
        if not await is_migrated(session):
            raise DatabaseNotReady("The database is not migrated.", [NextStep(Step.MIGRATE)])
