"""Locks that are waited for, as long as the transaction allows and no longer."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import Busy


@contextmanager
def busy_after_waiting() -> Iterator[None]:
    """Refuse as Busy what waited for a lock in vain."""
    try:
        yield
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise Busy from None
        raise


async def lock_for_import(session: AsyncSession, table: str) -> None:
    """From here to the end of the transaction nobody else writes to the table."""
    with busy_after_waiting():
        await session.execute(sa.text(f"lock table {table} in share row exclusive mode"))


async def lock_for_write(session: AsyncSession, table: str) -> None:
    """Wait for an import into the table that is under way, before anything of it is read or locked.

    Whoever locked a row of it first, and wrote to it then, would wait for an import that waits
    for that very row.
    """
    with busy_after_waiting():
        await session.execute(sa.text(f"lock table {table} in row exclusive mode"))
