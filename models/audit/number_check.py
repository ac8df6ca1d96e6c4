"""The numbers of bills: whether each series is without gaps, and counted as far as it goes."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.audit.bill_check import Discrepancy
from models.bills.numbers import format_number

_READ = """
numbered as (
    select b.id, b.number, parts[1] is not null as is_credit, parts[2]::int as year,
           parts[3]::bigint as place,
           parts is not null and (parts[1] is not null) = (b.kind = 'credit')
           and parts[3] = lpad(parts[3]::bigint::text, 6, '0') as well_formed
    from bills b
    left join lateral regexp_match(b.number, '^(CN-)?([0-9]{4})-([0-9]{6,15})$') parts on true
    where b.number is not null)
"""

_GAPS = sa.text(f"""
with {_READ}, places as (
    select *, lag(place, 1, 0::bigint) over (partition by is_credit, year order by place) as before
    from numbered)
select id, number, well_formed, is_credit, year, before + 1 as first, place - 1 as last
from places
where not well_formed or place <> before + 1
order by is_credit, year, place
""")

_ENDS = sa.text(f"""
with {_READ}, ends as (
    select is_credit, year, max(place) as place from numbered where year is not null
    group by is_credit, year)
select is_credit, year, coalesce(e.place, 0) as place, coalesce(s.last, 0) as last
from ends e
full join (select kind = 'credit' as is_credit, year, last from number_series) s
    using (is_credit, year)
where e.place is distinct from s.last
order by is_credit, year
""")


async def wrong_numbers(session: AsyncSession) -> list[Discrepancy]:
    """Gaps within the series of every kind and year, numbers outside them, and lost ends.

    Of a gap, the bill with the first number after it is named.
    """
    gaps = await session.execute(_GAPS)
    ends = await session.execute(_ENDS)
    return [
        *(Discrepancy(row.id, None, _gap(row)) for row in gaps),
        *(Discrepancy(None, None, _end(row), "numbers") for row in ends),
    ]


def _gap(row: Any) -> str:
    if not row.well_formed:
        return f"its number {row.number} is not one of its kind"
    first, last = (format_number(row.is_credit, row.year, place) for place in (row.first, row.last))
    if row.last < row.first:
        return f"its number {row.number} was given twice"
    missing = f"{first} is" if row.first == row.last else f"{first} to {last} are"
    return f"{missing} missing before its number {row.number}"


def _end(row: Any) -> str:
    names = {True: "credit notes", False: "invoices"}
    return (
        f"the {names[row.is_credit]} of {row.year} are counted up to {row.last:,}, "
        f"but end with {row.place:,}"
    )
