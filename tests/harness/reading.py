"""How much of a table is read, whatever the clock says: what the server itself counts."""

from collections.abc import Awaitable, Callable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_READ = sa.text("""
select relname, seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables""")


# Of a few thousand short rows all are read more quickly than some are found by an index. Where rows
# are dear a plan is chosen as for a large table; one that was kept is not made anew for that. And
# each is made for its own values, as in the product, not for all of them, as in a test's database.
_AS_IF_LARGE = (
    sa.text("discard plans"),
    sa.text("set local cpu_tuple_cost = 1"),
    sa.text("set local plan_cache_mode = force_custom_plan"),
)


async def rows_read(session: AsyncSession, do: Callable[[], Awaitable[object]]) -> dict[str, int]:
    """How many rows of each table it reads in this transaction, were they as large as they get."""
    for statement in _AS_IF_LARGE:
        await session.execute(statement)
    before = dict(list(await session.execute(_READ)))
    await do()
    return {table: rows - before.get(table, 0) for table, rows in await session.execute(_READ)}
