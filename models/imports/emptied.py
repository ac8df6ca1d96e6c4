"""What the rows of a file empty that was filled, so that whoever imports it can look twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.imports.csv_columns import Column

NAMED = 3


@dataclass(frozen=True)
class Emptied:
    """A column that held something for so many customers; `names` are the first few of them."""

    column: str
    customers: int
    names: tuple[str, ...]


async def emptied_of_customers(
    session: AsyncSession, columns: Sequence[Column], asked_from: str
) -> tuple[Emptied, ...]:
    """By column, of a staged file that is not merged yet; `asked_from` is kept nowhere."""
    lost = {
        column.name: f"s.{column.name} is null and c.{column.target} is distinct from "
        f"r.{column.target}"
        for column in columns
        if not column.needed and column.target != asked_from
    }
    if not lost:
        return ()
    each = ", ".join(
        f"({place}, '{name}', {sql})" for place, (name, sql) in enumerate(lost.items())
    )
    found = await session.execute(
        sa.text(f"""
            select e.name, count(*), (array_agg(c.name order by r.line))[1:{NAMED}]
            from ready r join staged s using (line) join customers c on c.id = r.customer_id
            cross join lateral (values {each}) e (place, name, is_lost)
            where ({" or ".join(f"({sql})" for sql in lost.values())}) and e.is_lost
            group by e.place, e.name order by e.place
        """)
    )
    return tuple(Emptied(name, count, tuple(names)) for name, count, names in found)
