"""Everything there is to know about bills, gathered for whoever draws them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from models.bills.bill import Bill
from models.bills.states import UNSETTLED, BillKind, HoldReason, State
from models.customers.customers import Customer, with_merged
from models.errors import Invalid
from models.people.users import User
from models.period import FIRST_YEAR, Period
from models.queries.month_sums import sum_of_month
from models.queries.oldest_bills import Cursor, oldest_of, some_of
from models.queries.totals import Total
from models.queries.waiting import WAITING, Selection, waiting_for
from models.settings import MOST_AT_ONCE


@dataclass(frozen=True)
class BillLine:
    """One bill as a line of a list. `with_tax`, what the customer owes: where bills go out."""

    id: int
    version: int
    customer: str
    period: Period
    status: State
    hold_reason: HoldReason | None
    amount: Decimal | None
    currency: str
    created_at: datetime
    kind: BillKind = BillKind.OVERAGE
    number: str | None = None
    with_tax: Decimal | None = None


@dataclass(frozen=True)
class Page:
    """A page of a list: `totals` and `count` are of the whole list; `after` continues it.

    Of a list that is not `is_counted` there are more bills than `count`, and no totals. In a list
    of several states the totals are of bills that stand; `left_out` of them do not.
    """

    lines: tuple[BillLine, ...]
    count: int
    totals: tuple[Total, ...]
    after: str | None = None
    is_counted: bool = True
    left_out: int = 0


PAGE_BILLS = 20


async def bills_waiting_for(
    session: AsyncSession, user: User, after: str | None = None, limit: int = PAGE_BILLS
) -> Page:
    """What waits for this person: an approval of theirs, for Finance a release.

    For a manager, whose word nothing waits for: all that waits for anybody.
    """
    selection = await waiting_for(session, user)
    page = await _page(session, selection, after, limit)
    return await _counted(session, page, selection)


@dataclass(frozen=True)
class BillFilter:
    """Which bills are meant: those that fit all that is given. `mine_of`: that wait for them;
    `csm_id`: whose customers theirs are today. A `year` or a `month` can be meant alone.
    """

    status: State | None = None
    mine_of: User | None = None
    customer_id: int | None = None
    csm_id: int | None = None
    period: Period | None = None
    year: int | None = None
    month: int | None = None

    @property
    def whole_month(self) -> Period | None:
        """The month whose bills are meant, all of them or all in one state."""
        is_part = self.mine_of or self.customer_id is not None or self.csm_id is not None
        if self.period is None and self.year is not None and self.month is not None:
            return None if is_part else Period(self.year, self.month)
        return None if is_part else self.period


async def find_bills(
    session: AsyncSession,
    wanted: BillFilter,
    *,
    after: str | None = None,
    limit: int = PAGE_BILLS,
    most: int = MOST_AT_ONCE,
) -> Page:
    """The bills that are meant. `after` continues a page; up to `most` of a state are counted, and
    of a whole month all.
    """
    selection = await selection_of(session, wanted)
    page = await _page(session, selection, after, limit, most)
    month = wanted.whole_month
    return await _counted(session, page, selection, month)


async def _counted(
    session: AsyncSession, page: Page, selection: Selection, month: Period | None = None
) -> Page:
    """A page of too many bills to be counted, with the sums that are kept of months, where these
    are all of a `month`, or all there are.
    """
    is_part = selection.where or selection.asks or selection.months
    if page.is_counted or ((is_part or selection.customers is not None) and month is None):
        return page
    kept = await sum_of_month(session, month, selection.states)
    return replace(
        page, count=kept.bills, totals=kept.totals, left_out=kept.left_out, is_counted=True
    )


@dataclass(frozen=True)
class ListedBill:
    """A bill of a list, and what its customer is called."""

    bill: Bill
    customer: str


@dataclass(frozen=True)
class UncountedPage:
    """A part of a list that is not counted; `after` continues it."""

    bills: tuple[ListedBill, ...]
    after: str | None


async def list_bills(
    session: AsyncSession, wanted: BillFilter, *, after: str | None, limit: int
) -> UncountedPage:
    """The bills that are meant, in the order of `find_bills`, without what they come to."""
    selection = await selection_of(session, wanted)
    if not selection.states:
        return UncountedPage((), None)
    found = await _found(session, selection, after, limit)
    bills = tuple(ListedBill(bill, customer) for bill, customer, _ in found[:limit])
    return UncountedPage(bills, _cursor(found[limit - 1]) if len(found) > limit else None)


async def selection_of(session: AsyncSession, wanted: BillFilter) -> Selection:
    """The same as conditions, for other questions about these bills."""
    mine_of = wanted.mine_of
    selection = await waiting_for(session, mine_of) if mine_of else Selection(frozenset(State))
    filters = list(selection.where)
    if wanted.customer_id is not None:
        filters.append(await _of_customer(session, wanted.customer_id))
    customers = None
    if wanted.csm_id is not None:
        theirs = sa.select(Customer.id).where(Customer.csm_id == wanted.csm_id)
        if selection.asks:
            filters.append(Bill.customer_id.in_(theirs))
        else:
            customers = theirs
    period = wanted.period
    year, month = (period.year, period.month) if period else (wanted.year, wanted.month)
    months: tuple[Period, ...] = ()
    if customers is not None or (year is not None and month is not None):
        asked = {Bill.year: year, Bill.month: month}
        filters += [column == value for column, value in asked.items() if value is not None]
    elif year is not None:
        months = tuple(Period(year, one) for one in range(1, 13))
    elif month is not None:
        months = tuple(Period(one, month) for one in await _years(session))
    states = selection.states & ({wanted.status} if wanted.status else selection.states)
    return replace(
        selection, states=states, where=tuple(filters), months=months, customers=customers
    )


async def _years(session: AsyncSession) -> range:
    """From that of the first month billed to that of the last; at least one."""
    ends = sa.select(sa.func.min(Bill.year), sa.func.max(Bill.year))
    first, last = (await session.execute(ends)).one()
    return range(first, last + 1) if first else range(FIRST_YEAR, FIRST_YEAR + 1)


async def open_bills_of_customer(session: AsyncSession, customer_id: int) -> tuple[BillLine, ...]:
    """A customer's bills that are not settled, those that wait for somebody first."""
    theirs = Selection(UNSETTLED, (await _of_customer(session, customer_id),))
    return (await _page(session, theirs, None, PAGE_BILLS)).lines


async def _of_customer(session: AsyncSession, customer_id: int) -> ColumnElement[bool]:
    """Bills of a customer and of those that were merged into it."""
    return Bill.customer_id.in_((await session.scalars(with_merged(customer_id))).all())


async def _page(
    session: AsyncSession,
    selection: Selection,
    after: str | None,
    limit: int,
    most: int = MOST_AT_ONCE,
) -> Page:
    """Bills of each state are read in their order, by key, and never more than are looked for."""
    if not selection.states:
        return Page((), 0, ())
    whole = some_of(selection, most + 1)
    counted = whole.c.stands if len(selection.states) > 1 else sa.true()
    sums = (
        sa.select(
            whole.c.currency,
            sa.func.count().filter(counted).label("bills"),
            sa.func.sum(whole.c.overage_amount).filter(counted).label("amount"),
            sa.func.count().label("found"),
        )
        .group_by(whole.c.currency)
        .order_by(whole.c.currency)
    )
    totals = (await session.execute(sums)).all()
    count = sum(total.found for total in totals)
    found = await _found(session, selection, after, limit)
    is_counted = count <= most
    return Page(
        lines=tuple(bill_line(bill, name) for bill, name, _ in found[:limit]),
        count=min(count, most),
        totals=tuple(
            Total(total.currency, total.bills, total.amount)
            for total in totals
            if is_counted and total.amount is not None
        ),
        after=_cursor(found[limit - 1]) if len(found) > limit else None,
        is_counted=is_counted,
        left_out=count - sum(total.bills for total in totals) if is_counted else 0,
    )


async def _found(
    session: AsyncSession, selection: Selection, after: str | None, limit: int
) -> Sequence[Any]:
    """The bills of a page, and one more where there is one."""
    found: list[Any] = []
    for states in (selection.states & WAITING, selection.states - WAITING):
        if states and len(found) <= limit:
            of_rank = replace(selection, states=states)
            found += await _found_in(session, of_rank, after, limit - len(found))
    return found


async def _found_in(
    session: AsyncSession, selection: Selection, after: str | None, limit: int
) -> Sequence[Any]:
    first = oldest_of(selection, _place(after), limit + 1)
    query = (
        sa.select(Bill, Customer.name, first.c.rank)
        .join(first, first.c.id == Bill.id)
        .join(Customer, Customer.id == Bill.customer_id)
        .order_by(first.c.rank, Bill.created_at, Bill.id)
        .limit(limit + 1)
    )
    return (await session.execute(query)).all()


def bill_line(row: Any, customer: str, with_tax: Decimal | None = None) -> BillLine:
    """A bill, or a row of SQL with its columns, as a line of a list."""
    return BillLine(
        id=row.id,
        version=row.version,
        customer=customer,
        period=Period(row.year, row.month),
        status=State(row.status),
        hold_reason=HoldReason(row.hold_reason) if row.hold_reason else None,
        amount=row.overage_amount,
        currency=row.currency,
        created_at=row.created_at,
        kind=BillKind(row.kind),
        number=row.number,
        with_tax=with_tax,
    )


CURSOR = r"^[01]-\d{1,16}-\d{1,18}$"
"""Behind which bill a page begins, as it travels: whatever reads like this is one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _cursor(row: Any) -> str:
    bill, _, rank = row
    return f"{rank}-{(bill.created_at - _EPOCH) // _MICROSECOND}-{bill.id}"


def _place(after: str | None) -> Cursor | None:
    if after is None:
        return None
    if re.fullmatch(CURSOR, after, re.ASCII) is None:
        raise Invalid("That page is not here any more. Ask for the list again.", "cursor")
    rank, created_at, bill_id = map(int, after.split("-"))
    return Cursor(rank, _EPOCH + created_at * _MICROSECOND, bill_id)
