"""For how long bills have been waiting for somebody."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from models.queries.bill_list import BillFilter, oldest_of, selection_of
from models.queries.totals import Total
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


async def ages_of_waiting(
    session: AsyncSession, wanted: BillFilter, now: datetime, most: int = MOST_AT_ONCE
) -> tuple[Age, ...]:
    """Of the bills that are meant, those that wait, by age, youngest first; none is told where
    there are more than `most` of them.
    """
    selection = await selection_of(session, wanted)
    selection = replace(selection, states=selection.states & WAITING)
    if not selection.states:
        return ()
    waiting = oldest_of(selection, None, most + 1)
    query = (
        sa.select(
            _age(waiting.c.created_at, now).label("age"),
            waiting.c.currency,
            sa.func.count().label("bills"),
            sa.func.sum(waiting.c.overage_amount).label("amount"),
        )
        .group_by(sa.literal_column("age"), waiting.c.currency)
        .order_by(waiting.c.currency)
    )
    of_age: dict[int, list[Any]] = defaultdict(list)
    for row in await session.execute(query):
        of_age[row.age].append(row)
    if sum(row.bills for rows in of_age.values() for row in rows) > most:
        return ()
    return tuple(_read(days, of_age[days]) for days in EDGES_DAYS)


def _age(created_at: ColumnElement[datetime], now: datetime) -> ColumnElement[int]:
    younger = ((created_at > now - timedelta(days=to), since) for since, to in _ENDS.items())
    return sa.case(*younger, else_=EDGES_DAYS[-1])


def _read(days: int, rows: Sequence[Any]) -> Age:
    totals = (Total(row.currency, row.bills, row.amount) for row in rows if row.amount is not None)
    return Age(days, _ENDS.get(days), sum(row.bills for row in rows), tuple(totals))
