"""Customers of a file with signs that no font of documents has: a warning, since it can wait."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.customers.signs import WRITTEN, unwritable

NAMED = 3


@dataclass(frozen=True)
class Unwritten:
    """So many customers; `names` are the first few of them."""

    customers: int
    names: tuple[str, ...]


async def unwritten_customers(session: AsyncSession, targets: Collection[str]) -> Unwritten | None:
    """Of a staged file; None where each can be written. Who is known keeps the name they have."""
    given = [f"r.{name}" for name in WRITTEN if name in targets and name != "name"]
    columns = ", ".join(("coalesce(c.name, r.name)", *given))
    found = await session.execute(
        sa.text(f"""
        select r.name, array[{columns}] as written
        from ready r left join customers c on c.id = r.customer_id
            cross join concat({columns}) as all_of_it
        where octet_length(all_of_it) <> length(all_of_it) order by line""")
    )
    names = [row.name for row in found if any(map(unwritable, row.written))]
    return Unwritten(len(names), tuple(names[:NAMED])) if names else None
