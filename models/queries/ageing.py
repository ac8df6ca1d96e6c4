"""For how long bills have been waiting for somebody."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.elements import ColumnElement

from models.bills.month_totals import MonthTotal
from models.bills.states import State
from models.period import Period
from models.queries.bill_list import BillFilter, selection_of
from models.queries.month_sums import sums_of_month
from models.queries.oldest_bills import some_of
from models.queries.totals import Total, totals_of
from models.queries.waiting import WAITING
from models.settings import MOST_AT_ONCE

EDGES_DAYS = (0, 3, 7, 14)
_ENDS = dict(pairwise(EDGES_DAYS))


@dataclass(frozen=True)
class Age:
    """Bills that were made at least `from_days` and less than `to_days` ago; None: however long."""

    from_days: int
    to_days: int | None
    bills: int
    totals: tuple[Total, ...]


@dataclass(frozen=True)
class AllWaiting:
    """All that waits for somebody, by age. `month`: that of all of it, None of several."""

    ages: tuple[Age, ...]
    month: Period | None


async def all_waiting(session: AsyncSession, now: datetime) -> AllWaiting:
    """From the sums that are kept of months, however many bills there are."""
    of, age = MonthTotal, age_of(MonthTotal.made_at, now).label("age")
    sums = (sa.func.sum(getattr(of, name)).label(name) for name in ("bills", "priced", "amount"))
    query = (
        sa.select(of.year, of.month, of.currency, age, *sums)
        .where(of.status.in_(WAITING))
        .group_by(of.year, of.month, of.currency, sa.literal_column("age"))
    )
    rows = [row for row in await session.execute(query) if row.bills]
    months = {Period(row.year, row.month) for row in rows}
    return AllWaiting(ages_of(rows), months.pop() if len(months) == 1 else None)


async def ages_of_waiting(
    session: AsyncSession, wanted: BillFilter, now: datetime, most: int = MOST_AT_ONCE
) -> tuple[Age, ...]:
    """Of the bills that are meant, those that wait, by age, youngest first; none is told where
    there are more than `most` of them and they are not of a whole month.
    """
    selection = await selection_of(session, wanted)
    selection = replace(selection, states=selection.states & WAITING)
    if not selection.states:
        return ()
    waiting = some_of(selection, most + 1)
    query = sa.select(
        age_of(waiting.c.created_at, now).label("age"),
        waiting.c.currency,
        sa.func.count().label("bills"),
        sa.func.count(waiting.c.overage_amount).label("priced"),
        sa.func.sum(waiting.c.overage_amount).label("amount"),
    ).group_by(sa.literal_column("age"), waiting.c.currency)
    rows = (await session.execute(query)).all()
    if sum(row.bills for row in rows) <= most:
        return ages_of(rows)
    month = wanted.whole_month
    return await _ages_in_month(session, month, selection.states, now) if month else ()


async def _ages_in_month(
    session: AsyncSession, month: Period, states: Collection[State], now: datetime
) -> tuple[Age, ...]:
    age = age_of(MonthTotal.made_at, now).label("age")
    sums = sums_of_month(month, age, MonthTotal.status, MonthTotal.currency)
    rows = (await session.execute(sums)).all()
    return ages_of([row for row in rows if row.status in states])


def age_of(
    created_at: ColumnElement[datetime] | Mapped[datetime | None], now: datetime
) -> ColumnElement[int]:
    """The least days of the age that a bill has."""
    younger = ((created_at > now - timedelta(days=to), since) for since, to in _ENDS.items())
    return sa.case(*younger, else_=EDGES_DAYS[-1])


def ages_of(rows: Sequence[Any]) -> tuple[Age, ...]:
    """What rows come to that tell the `age` of so many `bills`."""
    return tuple(_age(days, [row for row in rows if row.age == days]) for days in EDGES_DAYS)


def _age(days: int, rows: Sequence[Any]) -> Age:
    return Age(days, _ENDS.get(days), sum(int(row.bills) for row in rows), totals_of(rows))
