"""Pooled connections that the server has ended are replaced; those that stand are asked nothing."""

import asyncio
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from models.db.database import Database
from models.outbox.jobs import job_queue

OTHERS = """select pg_terminate_backend(pid, 5000) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()"""


def end_connections(url: str) -> None:
    with psycopg.connect(url) as connection:
        assert connection.execute(OTHERS).fetchall()


async def one(db: Database) -> int | None:
    async with db.transaction() as session:
        return await session.scalar(sa.text("select 1"))


async def test_a_transaction_is_opened_though_every_connection_was_ended(
    db: Database, database_url: str
) -> None:
    assert await asyncio.gather(*(one(db) for _ in range(3))) == [1, 1, 1]
    end_connections(database_url)
    assert await asyncio.gather(*(one(db) for _ in range(3))) == [1, 1, 1]


async def test_the_job_queue_goes_on_though_its_connections_were_ended(database_url: str) -> None:
    async with job_queue(database_url, 2).open_async() as jobs:
        assert await jobs.check_connection_async()
        end_connections(database_url)
        assert await jobs.check_connection_async()


async def test_a_connection_that_stands_is_asked_nothing(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await one(db) == 1
    sent, execute = list[str](), psycopg.AsyncCursor.execute

    async def noting(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(query)
        return await execute(self, query, *arguments, **options)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", noting)
    assert await one(db) == 1
    assert sent == ["select 1"]
