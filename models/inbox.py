"""Lists of bills: what awaits whom, and what somebody asked to see. Oldest waiting first."""

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from models import bills, customers
from models.approvals import DESKS, StandingApproval
from models.bills import Bill, BillKind, HoldReason, State
from models.customers import Customer
from models.dossier import Line, Page, Total
from models.people import Role, User
from models.period import Period
from models.refusals import Invalid

PAGE = 20
_OPEN = Bill.status.in_([State.HELD, State.PENDING])
_RANK = sa.case((_OPEN, 0), else_=1)


async def waiting_for(
    session: AsyncSession, user: User, after: str | None = None, limit: int = PAGE
) -> Page:
    """What waits for this person: an approval of theirs, for Finance a release.

    For a manager, whose word nothing waits for: all that waits for anybody.
    """
    return await _page(session, [awaits(user)], after, limit)


async def list_bills(
    session: AsyncSession,
    *,
    status: State | None = None,
    mine_of: User | None = None,
    customer_id: int | None = None,
    period: Period | None = None,
    after: str | None = None,
    limit: int = PAGE,
) -> Page:
    """The bills that fit every filter given. `after` continues a page."""
    filters: list[ColumnElement[bool]] = []
    if status is not None:
        filters.append(Bill.status == status)
    if mine_of is not None:
        filters.append(awaits(mine_of))
    if customer_id is not None:
        filters.append(Bill.customer_id == customer_id)
    if period is not None:
        filters += [Bill.year == period.year, Bill.month == period.month]
    return await _page(session, filters, after, limit)


async def open_of_customer(session: AsyncSession, customer_id: int) -> tuple[Line, ...]:
    """A customer's bills that wait for somebody."""
    page = await _page(session, [_OPEN, Bill.customer_id == customer_id], None, PAGE)
    return page.lines


async def find_ref(session: AsyncSession, text: str) -> int:
    """The bill meant by `#12`, `12` or `customer YYYY-MM`."""
    typed = text.strip()
    number = re.fullmatch(r"#?(\d{1,18})", typed, re.ASCII)
    if number is not None:
        return (await bills.get(session, int(number[1]))).id
    name, _, month = typed.rpartition(" ")
    if not name.strip():
        raise Invalid(f"“{typed}” names no bill. Write `#12`, or a customer and a month.")
    period = Period.parse(month)
    customer = await customers.find(session, name)
    return (await bills.of_month(session, customer.id, period)).id


def awaits(user: User) -> ColumnElement[bool]:
    """Bills that this person is asked to do something about."""
    if not user.active:
        return sa.false()
    if user.role == Role.FINANCE:
        return Bill.status == State.HELD
    if user.role == Role.MANAGER:
        return _OPEN
    theirs = sa.or_(*(_their_part(part, user) for part in _PARTS))
    return sa.and_(Bill.status == State.PENDING, theirs)


class _Part(NamedTuple):
    """A requirement, the role that meets it, who is named for it, their stand-in, and whether
    bills land there.
    """

    name: str
    role: Role
    named: ColumnElement[int]
    stand_in: ColumnElement[int]
    asked: ColumnElement[bool]


_PARTS = (
    _Part("csm", Role.CSM, DESKS.c.csm_id, DESKS.c.csm_stand_in_id, DESKS.c.asks_csm),
    _Part("sales", Role.SALES, DESKS.c.sales_id, DESKS.c.sales_stand_in_id, DESKS.c.asks_sales),
)


def _their_part(part: _Part, user: User) -> ColumnElement[bool]:
    """Bills whose `part` is missing still, and lands on this person's desk or on one they mind."""
    nobodys = part.named.is_(None) if user.role == part.role else sa.false()
    own = part.named == user.id if user.role == part.role else sa.false()
    asked = sa.exists().where(
        DESKS.c.bill_id == Bill.id,
        part.asked,
        sa.or_(nobodys, own, part.stand_in == user.id),
    )
    given = sa.exists().where(
        StandingApproval.bill_id == Bill.id, StandingApproval.part == part.name
    )
    return sa.and_(asked, ~given)


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
        lines=tuple(line_of(bill, name) for bill, name, _ in found[:limit]),
        count=sum(count for _, count, _ in totals),
        totals=tuple(Total(code, n, total) for code, n, total in totals if total is not None),
        after=_cursor(found[limit - 1]) if len(found) > limit else None,
    )


def line_of(bill: Bill, customer: str) -> Line:
    return Line(
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
