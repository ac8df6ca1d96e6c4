"""Statements by key on the driver itself, for whoever waits: their plans are kept.

What they read or write is told to the session, so that it knows the objects as they are.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import instance_dict, set_committed_value
from sqlalchemy.orm.util import identity_key

from models.db.columns import Base
from models.db.database import on_driver


async def rows(
    session: AsyncSession, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()
) -> list[dict[str, Any]]:
    """What a statement answers, in the session's transaction and after all that it has to write.

    `sql` has psycopg's own placeholders, and finds its rows by key: it is planned for all values
    at once. What goes wrong is raised as by the session itself.
    """
    if session.new or session.dirty or session.deleted:
        await session.flush()
    async with on_driver(session, sql) as connection:
        cursor = connection.cursor(row_factory=dict_row)
        await cursor.execute(sql, values, prepare=True)
        found: list[dict[str, Any]] = await cursor.fetchall() if cursor.pgresult.nfields else []
    return found


Mapped = TypeVar("Mapped", bound=Base)


def keep(session: AsyncSession, kind: type[Mapped], row: Mapping[str, Any]) -> Mapped:
    """The object of a row that has all its columns, as if the session had loaded it now."""
    known = session.sync_session.identity_map.get(identity_key(kind, row["id"]))
    if known is None:
        return keep_new(session, made(kind, row))
    set_values(known, row)
    return known


def made(kind: type[Mapped], row: Mapping[str, Any]) -> Mapped:
    """An object of these values that no session knows: to be looked at."""
    one = cast(Mapped, sa.inspect(kind).class_manager.new_instance())
    instance_dict(one).update(row)
    return one


def keep_new(session: AsyncSession, one: Mapped) -> Mapped:
    """An object that was just written to the database, known to the session from now on."""
    make_transient_to_detached(one)
    session.add(one)
    return one


def set_values(one: Base, values: Mapping[str, Any]) -> None:
    """What the database holds of an object by now, which the session does not write again."""
    for name, value in values.items():
        set_committed_value(one, name, value)
