"""Where whole lives are played: an empty database for each, and a loop that is the player's own."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import psycopg

from tests.harness.database import TestDatabase, TestPostgres
from tests.lives.ledger import Ledger, read, read_booked, read_dues, read_flagged

T = TypeVar("T")

IMPATIENT = "deadlock_timeout = '20ms'"
"""A deadlock would not be seen otherwise: what waits for a lock gives up before."""


class Stage:
    """One database, emptied for each life, which is quicker than to make a new one."""

    def __init__(self, postgres: TestPostgres) -> None:
        self._postgres = postgres
        self._runner = asyncio.Runner()
        name = postgres.create()
        with psycopg.connect(postgres.url(name), autocommit=True) as owner:
            owner.execute(f"alter database {name} set {IMPATIENT}")
        self._database = TestDatabase(name, postgres.url(name))
        self._eye = psycopg.connect(self._database.url, autocommit=True)
        self.db = self._database.db

    def clear(self) -> None:
        """Everything as it was migrated."""
        self._database.clear()

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(doing)

    def look(self) -> Ledger:
        """What is committed, seen from outside."""
        return read(self._eye)

    def look_for_jumps(self) -> set[int]:
        """The bills that are flagged."""
        return read_flagged(self._eye)

    def look_for_dues(self) -> dict[int, Any]:
        """What each bill comes to with its tax."""
        return read_dues(self._eye)

    def look_for_booked(self) -> list[tuple[int, bool, str]]:
        """What goes to the accounts."""
        return read_booked(self._eye)

    def close(self) -> None:
        self._eye.close()
        self.run(self.db.close())
        self._runner.close()
        self._database.close()
        self._postgres.drop(self._database.name)
