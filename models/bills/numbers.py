"""Numbers of bills: their series, and how they are written."""

import itertools
from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.bill import Bill
from models.bills.states import BillKind
from models.context import Context

SERIES = {BillKind.CREDIT: "credit"}
FORMS = {"invoice": "{year}-{last:06}", "credit": "CN-{year}-{last:06}"}


async def take_numbers(session: AsyncSession, bills: Sequence[Bill], context: Context) -> list[str]:
    """The next of their series, in this order; a series' row stays locked until this is committed
    or gone. A bill that has a number keeps it.
    """
    return await _numbers(session, bills, context, _TAKE)


async def likely_numbers(
    session: AsyncSession, bills: Sequence[Bill], context: Context
) -> list[str]:
    """Those that `take_numbers` will give, unless somebody else is given one of them first."""
    return await _numbers(session, bills, context, _LAST)


async def _numbers(
    session: AsyncSession, bills: Sequence[Bill], context: Context, query: sa.TextClause
) -> list[str]:
    year = context.today.year
    wanted = Counter(_series(bill) for bill in bills if bill.number is None)
    places = {}
    for series, bills_of_it in sorted(wanted.items()):
        values = {"kind": series, "year": year, "bills": bills_of_it}
        before = await session.scalar(query, values) or 0
        places[series] = itertools.count(before + 1)
    return [
        bill.number or FORMS[_series(bill)].format(year=year, last=next(places[_series(bill)]))
        for bill in bills
    ]


def _series(bill: Bill) -> str:
    return SERIES.get(BillKind(bill.kind), "invoice")


_LAST = sa.text("""
select max(last) from number_series where kind = :kind and year = :year and :bills > 0
""")

_TAKE = sa.text("""
insert into number_series as s (kind, year, last) values (:kind, :year, :bills)
on conflict (kind, year) do update set last = s.last + excluded.last
returning last - :bills
""")


def format_number(is_credit: bool, year: int, place: int) -> str:
    """As in "2026-000123", of a credit note "CN-2026-000007"."""
    return f"{'CN-' if is_credit else ''}{year}-{place:06}"
