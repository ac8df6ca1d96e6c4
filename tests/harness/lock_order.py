"""Watches in which order transactions take their locks, by the statements that they send."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from psycopg import AsyncConnection, AsyncCursor
from psycopg.pq.abc import PGresult

from models.db.locks import LOCK_ORDER

PLACE = {table: place for place, tables in enumerate(LOCK_ORDER) for table in tables}
BILLS = PLACE["bills"]
LOCKED_BEFORE = {"scheduled_work", "bill_runs", "bills"}
"""What is written of these is locked first, by a statement of its own."""
CLAIMED = {"kept_answers"}
"""A row of these is inserted, which waits for whoever inserts the same, and then its owner's."""

_CHANGES = re.compile(r"(?:lock table|delete from|(?<!key )(?<!for )(?<!do )update) (\w+)")
_ADDS = re.compile(r"insert into (\w+)")
_LOCKS = re.compile(r"for (?:no key update|update|share|key share)\b")
_CALLS = re.compile(r"\blocked_bill\(|\blocking => true\b")
"""Functions of ours that lock a bill, and what it corrects before it."""
_READS = re.compile(r"(?:from|join) (\w+)")


@dataclass
class _Taken:
    """What a transaction holds: up to which place, and which bills."""

    place: int = 0
    by: str = ""
    bills: set[int] = field(default_factory=set)


@contextmanager
def watched_locks() -> Iterator[list[str]]:
    """What was locked too late is told in the list, until the block ends."""
    faults: list[str] = []
    taken: WeakKeyDictionary[AsyncConnection, _Taken] = WeakKeyDictionary()
    execute = AsyncCursor.execute

    async def watching(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
        done = await execute(cursor, query, *args, **options)
        if isinstance(query, str) and not cursor.connection.autocommit:
            _look(faults, taken.setdefault(cursor.connection, _Taken()), query, cursor.pgresult)
        return done

    def ending(end: Any) -> Any:
        async def ended(connection: AsyncConnection) -> None:
            taken.pop(connection, None)
            await end(connection)

        return ended

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AsyncCursor, "execute", watching)
        patch.setattr(AsyncConnection, "commit", ending(AsyncConnection.commit))
        patch.setattr(AsyncConnection, "rollback", ending(AsyncConnection.rollback))
        yield faults


def _look(faults: list[str], taken: _Taken, statement: str, result: PGresult | None) -> None:
    places = _places(statement)
    if not places:
        return
    shown = " ".join(statement.split())[:300]
    if places[0] == BILLS and result is not None:
        columns = {b"id", b"adjusts_id"} if _CALLS.search(statement) else {b"id"}
        new = sorted(_ids(result, columns) - taken.bills)
        if new and taken.bills and new[0] < max(taken.bills):
            faults.append(f"bill {new[0]} is locked after {max(taken.bills)}: {shown}")
        taken.bills.update(new)
        if not new or taken.place == BILLS + 1:
            return  # one that is held by this transaction, or was made by it
    if places[0] < taken.place:
        faults.append(f"too late: {shown}\n  after: {taken.by}")
    if places[-1] >= taken.place:
        taken.place, taken.by = places[-1], shown


@cache
def _places(statement: str) -> tuple[int, ...]:
    """The places of what a statement locks, the first one first."""
    words = " ".join(statement.lower().split())
    added = set(_ADDS.findall(words))
    tables = set(_CHANGES.findall(words)) - LOCKED_BEFORE - CLAIMED | (added & CLAIMED)
    if "bills" not in added:  # what is new, and all that comes with it, is nobody else's yet
        tables |= {table for table in added if PLACE.get(table, 0) > BILLS}
    if _LOCKS.search(words):
        tables |= set([table for table in _READS.findall(words) if table in PLACE][:1])
    if _CALLS.search(words):
        tables.add("bills")
    return tuple(sorted({PLACE[table] for table in tables if table in PLACE}))


def _ids(result: PGresult, columns: set[bytes]) -> set[int]:
    found = [column for column in range(result.nfields) if result.fname(column) in columns]
    values = [result.get_value(row, column) for row in range(result.ntuples) for column in found]
    return {int(value) for value in values if value}
