"""One PostgreSQL database, and the transactions that are opened on it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Hashable, Iterable
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.errors import QueryCanceled
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from models.db.liveness import check_before_use
from models.db.revision import is_migrated
from models.errors import DatabaseNotReady, NextStep, Step, TooSlow

# A person waits on the other end: give up before Slack does.
STATEMENT_S, LOCK_S = 2.0, 1.0
LONG_LOCK_S = 60.0

# A machine that is gone without a word is noticed within half a minute, on either side.
KEEPALIVE_S, KEEPALIVE_EVERY_S, KEEPALIVES = 10, 5, 3
NOTICED_WHEN_GONE = {
    "keepalives_idle": KEEPALIVE_S,
    "keepalives_interval": KEEPALIVE_EVERY_S,
    "keepalives_count": KEEPALIVES,
}
"""What a driver is told for it."""

Doing = Callable[[AsyncSession, Collection[Any]], Awaitable[None]]

PREPARE_NEVER = 2**31
"""No query is prepared by itself, however often it comes. Each is planned for its own values,
since a plan made for all of them once turned a page of bills from 0.07 into 422 ms; only where
`rows` asks for it are plans kept, and None would forbid that.
"""


class Database:
    """One PostgreSQL database, and the kinds of transaction that are opened on it."""

    def __init__(
        self,
        url: str,
        pool_size: int = 10,
        *,
        statement_s: float = STATEMENT_S,
        lock_s: float = LOCK_S,
        silent_s: float = 0,
        long_pool_size: int | None = None,
    ) -> None:
        """`url`: any libpq address in URL form, `postgresql://...`, sockets included.

        `long_pool_size`: of how many connections long transactions take theirs; None: of none, as
        it must be where tables grow.
        `statement_s` and `lock_s` are how long a short transaction waits for either. One that asks
        nothing for `silent_s` is ended, with its locks: whoever began it is frozen. 0: none is.
        """
        self.url = url
        self._short = _engine(
            url,
            pool_size,
            statement_timeout=statement_s,
            lock_timeout=lock_s,
            idle_in_transaction_session_timeout=silent_s,
        )
        self._long = _engine(
            url,
            long_pool_size,
            lock_timeout=LONG_LOCK_S,
            idle_in_transaction_session_timeout=silent_s,
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A short transaction on behalf of a waiting person, with limits for statements and locks.

        Commits when the block ends, rolls back when it raises.
        """
        async with _Session(self._short) as session:
            yield session
            await session.commit()

    @asynccontextmanager
    async def long_transaction(self, statement_s: float = 0) -> AsyncIterator[AsyncSession]:
        """A transaction for work on whole months.

        `statement_s` limits each statement, and what takes longer is refused; 0 does not.
        """
        async with _refusing_what_takes_too_long(), _Session(self._long) as session:
            if statement_s:
                await limit_statements(session, statement_s)
            yield session
            await session.commit()

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


async def limit_statements(session: AsyncSession, statement_s: float) -> None:
    """Let each statement of this transaction take so long from here on, and no longer."""
    await session.execute(sa.text(f"set local statement_timeout = {statement_s * 1000:.0f}"))


@asynccontextmanager
async def _refusing_what_takes_too_long() -> AsyncIterator[None]:
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, QueryCanceled):
            raise TooSlow from error
        raise


def _engine(url: str, pool_size: int | None, **limits_s: float) -> AsyncEngine:
    """Without a pool each transaction gets a connection of its own.

    Bulk work must: a connection keeps its plans for foreign keys and triggers, and those made
    while a table was nearly empty turned a chunk of 5 into one of 160 seconds.
    """
    pool: dict[str, Any] = {"poolclass": sa.NullPool}
    settings = {name: f"{limit_s * 1000:.0f}" for name, limit_s in limits_s.items()}
    settings |= {
        "timezone": "UTC",
        "tcp_keepalives_idle": f"{KEEPALIVE_S}",
        "tcp_keepalives_interval": f"{KEEPALIVE_EVERY_S}",
        "tcp_keepalives_count": f"{KEEPALIVES}",
    }
    driver: dict[str, Any] = {
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        **NOTICED_WHEN_GONE,
    }
    if pool_size is not None:
        pool = {"pool_size": pool_size, "max_overflow": 0, "pool_use_lifo": True}
        driver["prepare_threshold"] = PREPARE_NEVER
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        connect_args=driver,
        **pool,
    )
    if pool_size is not None:
        check_before_use(engine)
    return engine


class AtCommit(IntEnum):
    """What is left for the end of a transaction, in the order in which it is done."""

    ADD_MESSAGES = 1
    CHANGE_MESSAGES = 2
    ADD_JOBS = 3


class _Session(AsyncSession):
    """One that does, right before it commits, what was put off until then."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine, expire_on_commit=False)
        self.waiting: dict[tuple[AtCommit, Doing], dict[Hashable, None]] = {}
        self.driver: Any = None

    async def commit(self) -> None:
        await do_put_off(self)
        await super().commit()
        self.driver = None

    async def rollback(self) -> None:
        self.waiting.clear()
        await super().rollback()
        self.driver = None


async def put_off(
    session: AsyncSession, when: AtCommit, do: Doing, what: Iterable[Hashable]
) -> None:
    """Do `what`, right before the transaction commits, with all that it is to `do` by then and each
    of them once. It is forgotten where the transaction rolls back.

    Done at once within a savepoint, which can be rolled back alone, and in a session that was not
    opened here.
    """
    each = dict.fromkeys(what)
    if not each:
        return
    if not isinstance(session, _Session) or session.in_nested_transaction():
        await do(session, each)
    else:
        session.waiting.setdefault((when, do), {}).update(each)


async def do_put_off(session: AsyncSession) -> None:
    """Do now what was put off in this transaction, for whoever looks at it before the commit."""
    waiting = session.waiting if isinstance(session, _Session) else {}
    while waiting:
        when, do = min(waiting, key=lambda one: one[0])
        await do(session, waiting.pop((when, do)))


async def driver_connection(session: AsyncSession) -> Any:
    """The psycopg connection under a session, for COPY and for jobs that share its transaction."""
    known = session.driver if isinstance(session, _Session) else None
    if known is None:
        raw = await (await session.connection()).get_raw_connection()
        known = raw.driver_connection
        if isinstance(session, _Session):
            session.driver = known
    return known


@asynccontextmanager
async def on_driver(session: AsyncSession, statement: str) -> AsyncIterator[Any]:
    """The same for one `statement`, with what goes wrong raised as by the session itself."""
    connection = await driver_connection(session)
    try:
        yield connection
    except psycopg.Error as error:
        if connection.closed:
            await (await session.connection()).invalidate(error)
        raise DBAPIError.instance(
            statement,
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=connection.closed,
        ) from error


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
