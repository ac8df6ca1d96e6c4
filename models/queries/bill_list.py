"""Everything there is to know about bills, gathered for whoever draws them."""

import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from models.bills.approvers import APPROVERS
from models.bills.bill import Bill, bill_of_month, get_bill
from models.bills.states import BillKind, HoldReason, State
from models.customers.customers import Customer
from models.customers.search import find_customer
from models.errors import Invalid
from models.people.permissions import Role
from models.people.users import User
from models.period import Period
from models.queries.totals import Total


@dataclass(frozen=True)
class BillLine:
    """One bill as a line of a list."""

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


@dataclass(frozen=True)
class Page:
    """A page of a list: `totals` and `count` are of the whole list; `after` continues it."""

    lines: tuple[BillLine, ...]
    count: int
    totals: tuple[Total, ...]
    after: str | None = None


PAGE_BILLS = 20
_OPEN = Bill.status.in_([State.HELD, State.PENDING])
_RANK = sa.case((_OPEN, 0), else_=1)


async def bills_waiting_for(
    session: AsyncSession, user: User, after: str | None = None, limit: int = PAGE_BILLS
) -> Page:
    """What waits for this person: an approval of theirs, for Finance a release.

    For a manager, whose word nothing waits for: all that waits for anybody.
    """
    return await _page(session, [is_waiting_for(user)], after, limit)


async def find_bills(
    session: AsyncSession,
    *,
    status: State | None = None,
    mine_of: User | None = None,
    customer_id: int | None = None,
    period: Period | None = None,
    after: str | None = None,
    limit: int = PAGE_BILLS,
) -> Page:
    """The bills that fit every filter given. `after` continues a page."""
    filters: list[ColumnElement[bool]] = []
    if status is not None:
        filters.append(Bill.status == status)
    if mine_of is not None:
        filters.append(is_waiting_for(mine_of))
    if customer_id is not None:
        filters.append(Bill.customer_id == customer_id)
    if period is not None:
        filters += [Bill.year == period.year, Bill.month == period.month]
    return await _page(session, filters, after, limit)


async def open_bills_of_customer(session: AsyncSession, customer_id: int) -> tuple[BillLine, ...]:
    """A customer's bills that wait for somebody."""
    page = await _page(session, [_OPEN, Bill.customer_id == customer_id], None, PAGE_BILLS)
    return page.lines


async def find_bill(session: AsyncSession, text: str) -> int:
    """The bill meant by `#12`, `12` or `customer YYYY-MM`."""
    typed = text.strip()
    number = re.fullmatch(r"#?(\d{1,18})", typed, re.ASCII)
    if number is not None:
        return (await get_bill(session, int(number[1]))).id
    name, _, month = typed.rpartition(" ")
    if not name.strip():
        raise Invalid(f"“{typed}” names no bill. Write #12, or a customer and a month.")
    period = Period.parse(month)
    customer = await find_customer(session, name)
    return (await bill_of_month(session, customer.id, period)).id


def is_waiting_for(user: User) -> ColumnElement[bool]:
    """Bills that this person is asked to do something about."""
    if not user.active:
        return sa.false()
    if user.role == Role.FINANCE:
        return Bill.status == State.HELD
    if user.role == Role.MANAGER:
        return _OPEN
    own = sa.and_(
        APPROVERS.c.role == user.role,
        sa.or_(APPROVERS.c.user_id.is_(None), APPROVERS.c.user_id == user.id),
    )
    theirs = sa.exists().where(
        APPROVERS.c.bill_id == Bill.id,
        APPROVERS.c.given_action_id.is_(None),
        sa.or_(own, APPROVERS.c.delegate_id == user.id),
    )
    return sa.and_(Bill.status == State.PENDING, theirs)


async def _page(
    session: AsyncSession, filters: list[ColumnElement[bool]], after: str | None, limit: int
) -> Page:
    joined = sa.join(Bill, Customer, Customer.id == Bill.customer_id)
    sums = (
        sa.select(Bill.currency, sa.func.count(), sa.func.sum(Bill.overage_amount))
        .select_from(joined)
        .where(*filters)
        .group_by(Bill.currency)
        .order_by(Bill.currency)
    )
    totals = [(currency, count, total) for currency, count, total in await session.execute(sums)]
    rows = (
        sa.select(Bill, Customer.name, _RANK)
        .select_from(joined)
        .where(*filters, *_beyond(after))
        .order_by(_RANK, Bill.created_at, Bill.id)
        .limit(limit + 1)
    )
    found = (await session.execute(rows)).all()
    return Page(
        lines=tuple(bill_line(bill, name) for bill, name, _ in found[:limit]),
        count=sum(count for _, count, _ in totals),
        totals=tuple(Total(code, n, total) for code, n, total in totals if total is not None),
        after=_cursor(found[limit - 1]) if len(found) > limit else None,
    )


def bill_line(bill: Bill, customer: str) -> BillLine:
    return BillLine(
        id=bill.id,
        version=bill.version,
        customer=customer,
        period=bill.period,
        status=State(bill.status),
        hold_reason=HoldReason(bill.hold_reason) if bill.hold_reason else None,
        amount=bill.overage_amount,
        currency=bill.currency,
        created_at=bill.created_at,
        kind=BillKind(bill.kind),
        number=bill.number,
    )


def _cursor(row: Any) -> str:
    bill, _, rank = row
    place = json.dumps([rank, bill.created_at.isoformat(), bill.id])
    return base64.urlsafe_b64encode(place.encode()).decode()


def _beyond(after: str | None) -> list[ColumnElement[bool]]:
    if after is None:
        return []
    try:
        rank, created_at, bill_id = json.loads(base64.urlsafe_b64decode(after))
        place = (int(rank), datetime.fromisoformat(created_at).astimezone(UTC), int(bill_id))
    except (ValueError, TypeError, OverflowError) as error:
        raise Invalid("That page is not here any more. Ask for the list again.") from error
    return [sa.tuple_(_RANK, Bill.created_at, Bill.id) > sa.tuple_(*map(sa.literal, place))]
