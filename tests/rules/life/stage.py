"""Where whole lives are played: an empty database for each, and a loop that is the player's own."""

import asyncio
from collections.abc import Coroutine
from typing import Any, LiteralString, TypeVar

import psycopg

from models.db.database import Database
from tests.postgres import TestPostgres
from tests.rules.life.ledger import Ledger, read

T = TypeVar("T")

TABLES = (
    *("sessions", "procrastinate_periodic_defers", "procrastinate_events", "procrastinate_jobs"),
    *("messages", "thread_replies", "approvals", "documents", "bill_chains", "bill_actions"),
    *("bills", "runs", "usage_changes", "usages", "customer_terms", "customers"),
    *("number_series", "users"),
)
IMPATIENT = "deadlock_timeout = '20ms'"
"""A deadlock would not be seen otherwise: what waits for a lock gives up before."""
_GUARDS = "select tgrelid::regclass::text, tgname from pg_trigger where tgenabled = 'A'"
_SEQUENCES = "select quote_ident(sequencename) from pg_sequences where schemaname = 'public'"


class Stage:
    """One database, emptied for each life, which is quicker than to make a new one."""

    def __init__(self, postgres: TestPostgres) -> None:
        self._postgres = postgres
        self._name = postgres.create()
        self._runner = asyncio.Runner()
        self._eye = psycopg.connect(postgres.url(self._name), autocommit=True)
        self._empty = _emptying(self._eye)
        self._eye.execute(f"alter database {self._name} set {IMPATIENT}")
        self.db = Database(postgres.url(self._name))

    def clear(self) -> None:
        """Everything as it was migrated. The owner of the tables can switch their guards off."""
        self._eye.execute(self._empty)

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(doing)

    def look(self) -> Ledger:
        """What is committed, seen from outside."""
        return read(self._eye)

    def close(self) -> None:
        self._eye.close()
        self.run(self.db.close())
        self._runner.close()
        self._postgres.drop(self._name)


def _emptying(connection: psycopg.Connection[Any]) -> LiteralString:
    guards = connection.execute(_GUARDS).fetchall()
    sequences = connection.execute(_SEQUENCES).fetchall()
    statements = [
        "set local session_replication_role = replica",
        *(f"alter table {table} disable trigger {guard}" for table, guard in guards),
        *(f"delete from {table}" for table in TABLES),
        *(f"alter table {table} enable always trigger {guard}" for table, guard in guards),
        *(f"select setval('{name}', 1, false)" for (name,) in sequences),
        "insert into users (name) values ('system')",
    ]
    return f"begin; {'; '.join(statements)}; commit"
