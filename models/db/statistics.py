"""Statistics for the planner after many rows were written, so that the next query knows of them."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

BULK_ROWS = 1000


async def analyze(session: AsyncSession, written: int, tables: Sequence[str]) -> None:
    """Look at `tables`, with the columns named if there are any, once so many rows are written."""
    if written >= BULK_ROWS:
        await session.execute(sa.text(f"analyze {', '.join(tables)}"))


async def analyze_unknown(session: AsyncSession, tables: Sequence[str]) -> None:
    """Look at those of `tables` that nobody has looked at ever, as after a restore."""
    unknown = (await session.scalars(_UNKNOWN, {"tables": list(tables)})).all()
    if unknown:
        await session.execute(sa.text(f"analyze {', '.join(unknown)}"))


_UNKNOWN = sa.text("""
select relname from pg_class
where oid = any(cast(:tables as regclass[])) and reltuples < 0 order by relname
""")
