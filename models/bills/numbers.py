"""Numbers of bills: their series, and how they are written."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.bill import Bill
from models.bills.states import BillKind
from models.context import Context

SERIES = {BillKind.CREDIT: "credit"}
FORMS = {"invoice": "{year}-{last:06}", "credit": "CN-{year}-{last:06}"}


async def take_number(session: AsyncSession, bill: Bill, context: Context) -> str:
    """The next of its series; the series' row stays locked until this is committed or gone."""
    return await _number(session, bill, context, _TAKE)


async def likely_number(session: AsyncSession, bill: Bill, context: Context) -> str:
    """The one that `take_number` will give, unless somebody else is given it first."""
    return await _number(session, bill, context, _NEXT)


async def _number(session: AsyncSession, bill: Bill, context: Context, query: sa.TextClause) -> str:
    kind = SERIES.get(BillKind(bill.kind), "invoice")
    values = {"kind": kind, "year": context.today.year}
    last = await session.scalar(query, values)
    return FORMS[kind].format(year=context.today.year, last=last)


_NEXT = sa.text("""
select coalesce(max(last), 0) + 1 from number_series where kind = :kind and year = :year
""")

_TAKE = sa.text("""
insert into number_series as s (kind, year, last) values (:kind, :year, 1)
on conflict (kind, year) do update set last = s.last + 1
returning last
""")


def format_number(is_credit: bool, year: int, place: int) -> str:
    """As in "2026-000123", of a credit note "CN-2026-000007"."""
    return f"{'CN-' if is_credit else ''}{year}-{place:06}"
