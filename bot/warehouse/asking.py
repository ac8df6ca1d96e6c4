"""A source is asked: connected to in a thread of its own, and let go of whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from itertools import chain
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchModuleError

from bot.warehouse.engines import ENGINES, Engine, Limits, NarrowSum, is_too_old
from bot.warehouse.errors import WarehouseFailed, without_secrets
from bot.warehouse.secrets import NamedSettings
from models.context import Source
from models.imports.pulled_rows import Chunk, PulledRows
from models.usage.drivers import DRIVERS, not_installed
from models.usage.pulls import Asking
from models.usage.source_address import ENGINES as CALLED
from models.usage.source_address import filled, filled_address
from models.usage.source_query import query_for

T = TypeVar("T")


@asynccontextmanager
async def asked(asking: Asking) -> AsyncIterator[PulledRows]:
    """The rows that the source answers with, the first of which are there already.

    Whatever goes wrong is a WarehouseFailed, which repeats no secret.
    """
    with (
        TemporaryDirectory(prefix="countersign-warehouse-") as temp_folder,
        ThreadPoolExecutor(1, thread_name_prefix="warehouse") as executor,
    ):
        loop = asyncio.get_running_loop()
        question = _Question(asking, _limits(asking, temp_folder))
        try:
            columns, chunks = await loop.run_in_executor(executor, question.ask)
            yield PulledRows(columns, chunks, executor, question.version)
        except asyncio.CancelledError:
            question.interrupt()
            raise
        finally:
            await loop.run_in_executor(executor, question.close)


def _limits(asking: Asking, temp_folder: str) -> Limits:
    """The command line may read what its user may; others only in folders that are set."""
    context = asking.context
    folders = context.settings.warehouse_files
    if folders is None and context.source != Source.CLI:
        folders = ()
    return Limits(round(context.settings.pull_minutes * 60) or 1, temp_folder, folders)


def _hint(told: str) -> str:
    if "disabled by configuration" not in told:
        return ""
    return ". Name the folder in WAREHOUSE_FILES"


class _Question:
    """All of it in one thread: drivers are not to be asked from several."""

    def __init__(self, asking: Asking, limits: Limits) -> None:
        self._asking, self._limits = asking, limits
        self._setting = NamedSettings()
        self._scheme = asking.source.engine
        self._engine: sa.Engine | None = None
        self._connection: sa.Connection | None = None
        self._is_drained = self._is_stopped = False
        self.version: str | None = None

    def ask(self) -> tuple[list[str], Iterator[Chunk]]:
        return self._guarded(self._ask)

    def interrupt(self) -> None:
        """From another thread: let the engine stop, where its driver can tell it."""
        self._is_stopped = True
        driver: Any = self._connection and self._connection.connection.driver_connection
        for name in ("interrupt", "cancel"):
            if stop := getattr(driver, name, None):
                with suppress(Exception):
                    stop()
                return

    def close(self) -> None:
        """After an error, or before the last row, nothing is asked of the same connection again."""
        with suppress(Exception):
            if self._connection is not None:
                if not self._is_drained:
                    self._connection.invalidate()
                self._connection.close()
        with suppress(Exception):
            if self._engine is not None:
                self._engine.dispose()

    def _ask(self) -> tuple[list[str], Iterator[Chunk]]:
        source, how = self._asking.source, ENGINES[self._scheme]
        url = filled_address(source.url, self._setting)
        args = how.prepare(url, filled(source.connect_args, self._setting), self._limits)
        self._engine = self._made(how, url, args)
        self._connection = connection = self._engine.connect()
        for statement in how.session(url, self._limits):
            connection.exec_driver_sql(statement)
        self._refuse_own_tables(connection, how)
        if how.version:
            self.version = str(connection.exec_driver_sql(how.version).scalar_one())[:100]
        if self._is_stopped:
            raise WarehouseFailed("Nobody waits for the answer any more.")
        query = query_for(source.query, self._scheme, self._asking.edges, how.literal)
        columns, chunks = how.read(connection, query, self._limits)
        rest = self._each(iter(chunks))
        first = next(rest, None)
        return list(columns), chain([] if first is None else [first], rest)

    def _refuse_own_tables(self, connection: sa.Connection, how: Engine) -> None:
        own = self._asking.own_role
        if how.role and own and connection.exec_driver_sql(how.role).scalar_one() == own:
            raise WarehouseFailed(
                "The source is asked as the role that keeps Countersign’s own tables. Give it a"
                " role that may read what it needs, and nothing else."
            )

    def _made(self, how: Engine, url: sa.URL, args: dict[str, Any]) -> sa.Engine:
        called, driver = CALLED[self._scheme], DRIVERS[self._scheme]
        if self._scheme == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        try:
            engine = sa.create_engine(
                url, connect_args=args, poolclass=sa.NullPool, hide_parameters=True
            )
        except (ModuleNotFoundError, NoSuchModuleError):
            raise WarehouseFailed(not_installed(self._scheme)) from None
        module = type(engine.dialect).__module__
        if module.partition(".")[0] != driver.package:
            wrong = module.partition(".")[0].replace("_", "-")
            raise WarehouseFailed(
                f"{called} would be asked by {wrong}, which is not used here because it computes"
                f" wrongly. Uninstall {wrong}, and install countersign[{driver.extra}]."
            )
        if is_too_old(self._scheme):
            raise WarehouseFailed(
                f"The driver for {called} is too old. Install countersign[{driver.extra}]."
            )
        return engine

    def _each(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        while (chunk := self._guarded(lambda: next(chunks, None))) is not None:
            yield chunk
        self._is_drained = True

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except WarehouseFailed:
            raise
        except NarrowSum as error:
            raise WarehouseFailed(str(error)) from None
        except Exception as error:
            told = without_secrets(str(getattr(error, "orig", None) or error), self._setting.told)
            called = CALLED[self._scheme]
            raise WarehouseFailed(f"{called} did not answer: {told}{_hint(told)}") from None
