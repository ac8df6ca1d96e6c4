"""One PostgreSQL for a whole test run, and a migrated, empty database for whoever asks.

Making a database costs twenty times what emptying one does, and an engine that has met a statement
before does not compile it again: so both are used by one test after another. A connection, too,
knows its tables only once it has worked with them, and keeps its plans.
"""

import copy
import fcntl
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, LiteralString, TypeVar, cast

import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg._preparing import PrepareManager

from models.db.database import Database
from models.db.embedded import EmbeddedPostgres
from models.db.migrate import migrate
from tests.harness.job_pools import close_pools
from tests.harness.timings import BRIEF_S

T = TypeVar("T")

TEMPLATE = "migrated"
EMPTY = "template0"
# What is lost in a power cut does not matter here, nor what is left over from the last test.
CARELESS = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")
MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 4 << 30
MOST_USES = 1000
"""Tables that have grown are cleaned up, catalogs are not."""
QUIET_S = 2.0
MOST_PLANS = 400
MOST_CONNECTIONS = 250
BRIEFLY = "-c lock_timeout=2s"
REPLICA = f"{BRIEFLY} -c session_replication_role=replica"
"""On a connection of its own: to begin with it and to leave it throws away a connection's plans."""

_TABLES = """select relname from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname"""
_GUARDS = """select distinct pg_get_functiondef(tgfoid), format(
        'create or replace function %%s returns trigger language plpgsql as '
        '$$ begin return coalesce(new, old); end $$', tgfoid::regprocedure)
    from pg_trigger join pg_class c on c.oid = tgrelid
    where tgenabled = 'A' and relname = any(coalesce(%s::text[], array[relname]))"""
_SEQUENCES = """select quote_ident(sequencename), coalesce(last_value, 1), last_value is not null
    from pg_sequences where schemaname = 'public'"""
_SHAPE = """
select sum(fact) from (
    select hash_record_extended(row(tgrelid, tgname, tgenabled), 0) as fact from pg_trigger
    union all select hash_record_extended(row(oid, prosrc), 0) from pg_proc
        where oid >= 16384 and pronamespace = 'public'::regnamespace
    union all select hash_record_extended(
            row(attrelid, attname, atttypid, attnotnull, attgenerated), 0)
        from pg_attribute join pg_class c on c.oid = attrelid
        where attrelid >= 16384 and c.oid >= 16384 and relkind in ('r', 'v')
            and relnamespace = 'public'::regnamespace and attnum > 0
    union all select hash_record_extended(row(oid, relname), 0) from pg_class
        where oid >= 16384 and relnamespace = 'public'::regnamespace
    union all select hash_record_extended(row(oid, conname), 0) from pg_constraint
        where oid >= 16384 and connamespace = 'public'::regnamespace) as facts
"""
"""What is ours has the numbers from 16384 on, by which its rows are found without reading all."""
_GROWN = """select relname from pg_class where relkind = 'r'
    and relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 65536"""
_BUSY = """select count(*) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'"""


@contextmanager
def unguarded(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Until the block ends no trigger does anything: what the owner of the tables can do."""
    with connection.transaction():
        connection.execute("set local session_replication_role = replica")
        with _harmless_guards(connection):
            yield


@contextmanager
def _harmless_guards(
    connection: psycopg.Connection[Any], tables: list[str] | None = None
) -> Iterator[None]:
    """Guards that always fire, of these tables or else of all, have their functions replaced until
    the block ends: to disable them would throw away all plans that others keep for their tables.
    """
    guards = connection.execute(_GUARDS, [tables]).fetchall()
    connection.execute("; ".join(harmless for _, harmless in guards))
    yield
    connection.execute("; ".join(guard for guard, _ in guards))


class _KeptOverRollbacks(PrepareManager):
    """Statements that stay prepared where a transaction is rolled back, as is every second here."""

    def clear(self) -> bool:
        return False


def keep_plans(db: Database) -> None:
    """Let each connection plan a statement once, for all values. The product mostly plans anew for
    each, which with so few rows takes ten times as long as to execute it.
    """

    def prepare(connection: Any, _: object) -> None:
        driver = connection.driver_connection
        driver._prepared = _KeptOverRollbacks()
        driver.prepare_threshold = 0
        driver.prepared_max = MOST_PLANS
        connection.cursor().execute("set plan_cache_mode = force_generic_plan")
        connection.commit()

    for engine in (db._short, db._long):
        sa.event.listen(engine.sync_engine, "connect", prepare)


@dataclass(frozen=True)
class Contents:
    """The rows of all tables that have any, a digest of them, and where the sequences stand."""

    rows: dict[str, bytes]
    digests: dict[str, Decimal]
    sequences: LiteralString


def _digests_of(tables: list[str]) -> sql.Composed:
    """Asks for a digest of the rows of each table that has any."""
    one = sql.SQL("select {}, sum(hashtextextended(t::text, 0)) from {} t having count(*) > 0")
    each = (one.format(sql.Literal(table), sql.Identifier(table)) for table in tables)
    return sql.SQL(" union all ").join(each)


@dataclass(frozen=True)
class Seed:
    answer: Any
    contents: Contents


_seeds: dict[str, Seed] = {}


class TestDatabase:
    """A migrated database that can be made empty again."""

    __test__ = False

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url
        self.db = Database(url, statement_s=BRIEF_S, lock_s=BRIEF_S, long_pool_size=10)
        keep_plans(self.db)
        self.uses = 0
        self._owner = psycopg.connect(url, autocommit=True, options=BRIEFLY)
        self._replica = psycopg.connect(url, autocommit=True, options=REPLICA)
        self._digests_query = _digests_of([table for (table,) in self._owner.execute(_TABLES)])
        self._shape = self._look(_SHAPE)
        self._migrated = self._contents()

    def clear(self) -> None:
        """Everything as it was migrated. The owner of the tables can switch their guards off.

        What is deleted leaves room behind, through which whoever comes next would read their way.
        """
        there = self._digests()
        self._put(self._migrated, there, emptied=there.keys() - self._migrated.rows.keys())
        for (table,) in self._owner.execute(_GROWN).fetchall():
            self._owner.execute(sql.SQL("vacuum {}").format(sql.Identifier(table)))

    async def seeded(self, name: str, seed: Callable[[], Awaitable[T]]) -> T:
        """What `seed` answers, with what it does to the database.

        That is done once in a process; afterwards the rows it left are put back, which takes a
        tenth of the time. So the same name is always the same seed, on the same ground.
        """
        if name not in _seeds:
            answer = await seed()
            _seeds[name] = Seed(answer, self._contents())
        else:
            self._put(_seeds[name].contents, self._digests())
        return cast("T", copy.copy(_seeds[name].answer))

    def can_be_used_again(self) -> bool:
        """Whether nobody works in it any more, and its tables and guards are as migrated."""
        return self._is_quiet() and self._look(_SHAPE) == self._shape

    def close(self) -> None:
        self._owner.close()
        self._replica.close()

    def _put(
        self, contents: Contents, there: dict[str, Decimal], emptied: Iterable[str] = ()
    ) -> None:
        changed = [t for t, digest in contents.digests.items() if there.get(t) != digest]
        old = [*emptied, *(table for table in changed if table in there)]
        with self._replica.transaction(), _harmless_guards(self._replica, [*old, *changed]):
            self._replica.execute("; ".join(f'delete from "{table}"' for table in old))
            for table in changed:
                into = sql.SQL("copy {} from stdin").format(sql.Identifier(table))
                with self._replica.cursor() as cursor, cursor.copy(into) as copying:
                    copying.write(contents.rows[table])
        self._owner.execute(contents.sequences)

    def _contents(self) -> Contents:
        digests = self._digests()
        stand = self._owner.execute(_SEQUENCES).fetchall()
        set_back = ", ".join(f"setval('{name}', {last}, {on})" for name, last, on in stand)
        return Contents({t: self._rows(t) for t in digests}, digests, f"select {set_back}")

    def _digests(self) -> dict[str, Decimal]:
        return dict(self._owner.execute(self._digests_query, prepare=True).fetchall())

    def _rows(self, table: str) -> bytes:
        out = sql.SQL("copy {} to stdout").format(sql.Identifier(table))
        with self._owner.cursor() as cursor, cursor.copy(out) as copying:
            return b"".join(copying)

    def _is_quiet(self) -> bool:
        until = time.monotonic() + QUIET_S
        while self._look(_BUSY):
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def _look(self, query: LiteralString) -> Any:
        row = self._owner.execute(query).fetchone()
        assert row is not None
        return row[0]


class TestPostgres:
    """The server of one test run, shared by its processes: whoever comes first starts it and
    migrates the template, whoever leaves last stops it and removes its files.

    Its folder is not pytest's own, which each new pytest closes to the user PostgreSQL runs as.
    """

    __test__ = False

    def __init__(self, run: str) -> None:
        self._folder = _quickest_place() / f"countersign-tests-{run}"
        self._numbers = itertools.count()
        self._idle: list[TestDatabase] = []
        with self._alone():
            self._server = EmbeddedPostgres(self._folder)
            self._admin = psycopg.connect(self._server.url(), autocommit=True)
            if not self._has(TEMPLATE):
                self._let_in_all_bots()
                self._make_template()

    def lend(self) -> TestDatabase:
        """A database that is as migrated; to be given back."""
        if self._idle:
            return self._idle.pop()
        name = self.create()
        return TestDatabase(name, self.url(name))

    async def take_back(self, database: TestDatabase) -> None:
        """Empty it for the next, or drop it where that is not certain to be enough."""
        database.uses += 1
        try:
            if database.uses < MOST_USES and database.can_be_used_again():
                database.clear()
                self._idle.append(database)
                return
        except psycopg.Error:
            pass  # whoever used it may have cut all connections
        await self._discard(database)

    def create(self, template: str = TEMPLATE) -> str:
        """A new database like the template, by default a migrated one; returns its name."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self._admin.execute(f"create database {name} template {template} strategy file_copy")
        return name

    def url(self, name: str) -> str:
        return self._server.url(name)

    def drop(self, name: str) -> None:
        self._admin.execute(f"drop database {name} with (force)")

    def cut(self, name: str) -> None:
        """End everybody's connections, as a server does that is stopped, and take no new ones.

        First of those that wait for others, lest they go on for a moment.
        """
        self._admin.execute(f"alter database {name} allow_connections false")
        self._admin.execute(
            "select pg_terminate_backend(pid) from (select pid from pg_stat_activity "
            "where datname = %s order by wait_event_type = 'Lock' desc nulls last) one",
            [name],
        )

    def mend(self, name: str) -> None:
        """Take connections again."""
        self._admin.execute(f"alter database {name} allow_connections true")

    async def close(self) -> None:
        for database in self._idle:
            await self._discard(database)
        self._admin.close()
        with self._alone():
            self._server.stop()
            if not (self._folder / "postgres" / "postmaster.pid").exists():
                shutil.rmtree(self._folder)

    async def _discard(self, database: TestDatabase) -> None:
        await database.db.close()
        await close_pools(database.url)
        database.close()
        self.drop(database.name)

    def _has(self, name: str) -> bool:
        query = "select exists (select from pg_database where datname = %s)"
        row = self._admin.execute(query, [name]).fetchone()
        return row == (True,)

    def _let_in_all_bots(self) -> None:
        """Several tests at once may have several bots each, with some twenty connections a bot."""
        self._admin.execute(f"alter system set max_connections = {MOST_CONNECTIONS}")
        self._admin.close()
        self._server.stop()
        self._server = EmbeddedPostgres(self._folder)
        self._admin = psycopg.connect(self._server.url(), autocommit=True)

    def _make_template(self) -> None:
        for setting in CARELESS:
            self._admin.execute(f"alter system set {setting} = off")
        self._admin.execute("select pg_reload_conf()")
        self._admin.execute("drop database if exists unfinished")
        self._admin.execute("create database unfinished")
        migrate(self._server.url("unfinished"))
        self._admin.execute(f"alter database unfinished rename to {TEMPLATE}")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._folder.with_name(f"countersign-tests-{os.getuid()}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _quickest_place() -> Path:
    """In memory where there is room: on a disk, making a database takes up to ten times as long."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES:
        return MEMORY
    return Path(tempfile.gettempdir())
