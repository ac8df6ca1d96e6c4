"""The oldest of the bills that are meant, read in their order and no more than are looked for."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement

from models.bills.bill import Bill
from models.bills.states import State
from models.period import Period
from models.queries.waiting import WAITING, Selection

_CORRECTED = aliased(Bill)
_STANDS = sa.and_(
    Bill.status.not_in([State.REJECTED, State.VOID]),
    ~sa.exists().where(_CORRECTED.id == Bill.adjusts_id, _CORRECTED.status == State.VOID),
)
"""What a void bill came to and what corrects it are nothing together, so neither is counted."""


class Cursor(NamedTuple):
    """Behind which bill a page begins."""

    rank: int
    created_at: datetime
    bill_id: int


def _rank(state: State) -> int:
    """What waits for somebody comes first."""
    return 0 if state in WAITING else 1


def some_of(selection: Selection, most: int) -> sa.Subquery:
    """So many of the bills at least, in no order, or all there are: enough to count them."""
    if selection.customers is None:
        return oldest_of(selection, None, most)
    theirs = selection.customers.subquery()
    of_one = (
        sa.select(*_TOLD, _STANDS.label("stands"))
        .where(Bill.customer_id == theirs.c.id, Bill.status.in_(selection.states))
        .where(*selection.where)
        .limit(most)
        .lateral()
    )
    return sa.select(of_one).select_from(theirs.join(of_one, sa.true())).limit(most).subquery()


def oldest_of(selection: Selection, beyond: Cursor | None, most: int) -> sa.Subquery:
    """Of each state the oldest bills, at most so many, with its rank."""
    states = sorted(selection.states)
    return sa.union_all(*(_oldest_in(selection, one, beyond, most) for one in states)).subquery()


_TOLD = (Bill.id, Bill.created_at, Bill.currency, Bill.overage_amount)
Oldest = sa.Select[int, datetime, str, Decimal | None, bool, int]


def _oldest_in(selection: Selection, state: State, beyond: Cursor | None, most: int) -> Oldest:
    rank = _rank(state)
    ordered = (
        sa.select(*_TOLD, _STANDS.label("stands"), sa.literal(rank).label("rank"))
        .where(Bill.status == state.value, *selection.where, *_behind(beyond, rank))
        .order_by(Bill.created_at, Bill.id)
    )
    if selection.months:
        ordered = _month_by_month(ordered, selection.months, None if selection.asks else most)
    if selection.customers is not None:
        ordered = _customer_by_customer(ordered, selection.customers, most)
    if selection.asks is None:
        return ordered.limit(most)
    # Behind an offset they are sorted first, and then asked one after the other.
    candidates = ordered.offset(0).subquery()
    asked = sa.select(candidates).where(selection.asks(candidates.c.id))
    return asked.order_by(candidates.c.created_at, candidates.c.id).limit(most)


def _month_by_month(ordered: Oldest, months: Sequence[Period], most: int | None) -> Oldest:
    """Bills of these months: the oldest of each, which an index has in their order, and of those
    the oldest again.
    """
    columns = (sa.column("year", sa.Integer), sa.column("month", sa.Integer))
    one = sa.values(*columns, name="one").data([(each.year, each.month) for each in months])
    of_one = ordered.where(Bill.year == one.c.year, Bill.month == one.c.month).limit(most).lateral()
    oldest: Oldest = sa.select(of_one).select_from(one.join(of_one, sa.true()))
    return oldest.order_by(of_one.c.created_at, of_one.c.id)


def _customer_by_customer(ordered: Oldest, customers: sa.Select[int], most: int) -> Oldest:
    """Bills of these customers. The oldest one of each, which an index has in their order, tells
    whose the oldest of all can be: no others are read.
    """
    theirs = customers.subquery()
    places = ordered.with_only_columns(Bill.created_at, Bill.id)
    first = places.where(Bill.customer_id == theirs.c.id).limit(1).lateral()
    foremost = (
        sa.select(theirs.c.id)
        .select_from(theirs.join(first, sa.true()))
        .order_by(first.c.created_at, first.c.id)
        .limit(most)
        .subquery()
    )
    of_one = ordered.where(Bill.customer_id == foremost.c.id).limit(most).lateral()
    oldest: Oldest = sa.select(of_one).select_from(foremost.join(of_one, sa.true()))
    return oldest.order_by(of_one.c.created_at, of_one.c.id)


def _behind(place: Cursor | None, rank: int) -> list[ColumnElement[bool]]:
    if place is None or rank > place.rank:
        return []
    if rank < place.rank:
        return [sa.false()]
    then = sa.tuple_(sa.literal(place.created_at), sa.literal(place.bill_id))
    return [sa.tuple_(Bill.created_at, Bill.id) > then]
