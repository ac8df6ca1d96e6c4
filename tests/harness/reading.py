"""How much of a table is read, whatever the clock says: what the server itself counts."""

from collections.abc import Awaitable, Callable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_READ = sa.text("""
select relname, seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables""")


async def rows_read(session: AsyncSession, do: Callable[[], Awaitable[object]]) -> dict[str, int]:
    """How many rows of each table it reads in this transaction."""
    before = dict(list(await session.execute(_READ)))
    await do()
    return {table: rows - before.get(table, 0) for table, rows in await session.execute(_READ)}
