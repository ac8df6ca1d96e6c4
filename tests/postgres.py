"""One PostgreSQL for a whole test run, and a fresh migrated database for whoever asks."""

import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from models.db.embedded import EmbeddedPostgres
from models.db.migrate import migrate

TEMPLATE = "migrated"
EMPTY = "template0"
# What is lost in a power cut does not matter here.
CARELESS = ("fsync", "full_page_writes", "synchronous_commit")
MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 4 << 30


class TestPostgres:
    """The server of one test run, shared by its processes: whoever comes first starts it and
    migrates the template, whoever leaves last stops it and removes its files.

    Its folder is not pytest's own, which each new pytest closes to the user PostgreSQL runs as.
    """

    __test__ = False

    def __init__(self, run: str) -> None:
        self._folder = _quickest_place() / f"countersign-tests-{run}"
        self._numbers = itertools.count()
        with self._alone():
            self._server = EmbeddedPostgres(self._folder)
            self._admin = psycopg.connect(self._server.url(), autocommit=True)
            if not self._has(TEMPLATE):
                self._make_template()

    def create(self, template: str = TEMPLATE) -> str:
        """A new database like the template, by default a migrated one; returns its name."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self._admin.execute(f"create database {name} template {template} strategy file_copy")
        return name

    def url(self, name: str) -> str:
        return self._server.url(name)

    def drop(self, name: str) -> None:
        self._admin.execute(f"drop database {name} with (force)")

    def close(self) -> None:
        self._admin.close()
        with self._alone():
            self._server.stop()
            if not (self._folder / "postgres" / "postmaster.pid").exists():
                shutil.rmtree(self._folder)

    def _has(self, name: str) -> bool:
        query = "select exists (select from pg_database where datname = %s)"
        row = self._admin.execute(query, [name]).fetchone()
        return row == (True,)

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
