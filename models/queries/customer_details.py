"""Everything there is to know about one customer, for whoever draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.states import BillKind, HoldReason
from models.context import Source
from models.customers.customers import Customer, get_customer
from models.customers.edits import Changes, newest_edits
from models.customers.terms import Terms, terms_history
from models.named_people import PersonRef
from models.people.users import User, person_ref
from models.period import FIRST_YEAR, Period
from models.queries.bill_list import BillLine, bill_line
from models.usage.usage import UsageMonth, usage_months

BILLS_SHOWN = 36
EDITS_SHOWN = 20


@dataclass(frozen=True)
class FormerName:
    """A name that finds the customer still: it was renamed, or `was_another` merged into it."""

    name: str
    since: datetime
    was_another: bool


@dataclass(frozen=True)
class ToldEdit:
    """What somebody changed by hand: a column to (before, after), as texts; and why."""

    by: PersonRef
    at: datetime
    source: Source
    changes: Changes
    reason: str | None


@dataclass(frozen=True)
class BilledMonth:
    """One month of a customer: its usage, its price, and its bill if there is one."""

    usage: UsageMonth
    unit_cost: Decimal | None
    bill: BillLine | None


@dataclass(frozen=True)
class FlaggedBill:
    """A bill that somebody should look at: it is held for `hold_reason`, or `jumps`."""

    id: int
    period: Period
    kind: BillKind
    hold_reason: HoldReason | None
    jumps: bool


@dataclass(frozen=True)
class CustomerDetails:
    """One customer, ready to be drawn.

    `terms` oldest first, those still ahead among them; `former` contracts by their days; `missing`:
    closed months in contract without usage, of those in `months`; `is_billed`: whether the last
    closed month has its bill, be it void; `first_year`: of its usage; `bills`: the newest, with
    those of customers that were merged into it; `edits`: the newest.
    """

    customer: Customer
    csm: PersonRef | None
    sales: PersonRef | None
    merged_into: str | None
    terms: Sequence[Terms]
    former: Sequence[tuple[date | None, date]]
    names: Sequence[FormerName]
    edits: Sequence[ToldEdit]
    months: Sequence[BilledMonth]
    flagged: Sequence[FlaggedBill]
    missing: Sequence[Period]
    is_billed: bool
    first_year: int
    bills: Sequence[BillLine]

    @property
    def usage(self) -> list[UsageMonth]:
        return [month.usage for month in self.months]


async def load_customer(
    session: AsyncSession, customer_id: int, first: Period, last: Period, running: Period
) -> CustomerDetails:
    """The customer with its months from `first` to `last`; the `running` month is not over."""
    customer = await get_customer(session, customer_id)
    months = await _months(session, customer, first, last)
    of_bills = _id(customer_id) | {"most": BILLS_SHOWN}
    return CustomerDetails(
        customer=customer,
        csm=await _person(session, customer.csm_id),
        sales=await _person(session, customer.sales_id),
        merged_into=await _name(session, customer.merged_into_id),
        terms=await terms_history(session, customer_id),
        former=[(start, end) for start, end in await session.execute(_FORMER, _id(customer_id))],
        names=[FormerName(*row) for row in await session.execute(_NAMES, _id(customer_id))],
        edits=await _edits(session, customer_id),
        months=months,
        flagged=await _flagged(session, customer_id),
        missing=await _missing(session, customer, months, running),
        is_billed=await _is_billed(session, customer_id, running.plus(-1)),
        first_year=await _first_year(session, customer_id, running),
        bills=[bill_line(row, row.name) for row in await session.execute(_BILLS, of_bills)],
    )


async def _is_billed(session: AsyncSession, customer_id: int, period: Period) -> bool:
    of_month = _id(customer_id) | {"year": period.year, "month": period.month}
    return bool(await session.scalar(_IS_BILLED, of_month))


async def _first_year(session: AsyncSession, customer_id: int, running: Period) -> int:
    years = {"first_year": FIRST_YEAR, "last_year": running.year}
    return await session.scalar(_FIRST_YEAR, _id(customer_id) | years) or running.year


async def _edits(session: AsyncSession, customer_id: int) -> list[ToldEdit]:
    return [
        ToldEdit(person_ref(by), one.changed_at, Source(one.source), one.changes, one.reason)
        for one, by in await newest_edits(session, customer_id, EDITS_SHOWN)
    ]


def _id(customer_id: int) -> dict[str, Any]:
    return {"customer_id": customer_id}


async def _person(session: AsyncSession, user_id: int | None) -> PersonRef | None:
    return person_ref(await session.get_one(User, user_id)) if user_id else None


async def _name(session: AsyncSession, customer_id: int | None) -> str | None:
    return (await get_customer(session, customer_id)).name if customer_id else None


_FORMER = sa.text("""
select start_date, end_date from former_contracts
where customer_id = :customer_id and stands order by end_date
""")

_NAMES = sa.text("""
select n.name, n.created_at, named.id <> :customer_id
from customers named join customer_names n on n.customer_id = named.id
where (named.id = :customer_id or named.merged_into_id = :customer_id)
  and n.name <> (select name from customers where id = :customer_id)
order by n.created_at, n.id
""")

# The key of usages begins with the month, so each month is asked for by itself.
_FIRST_YEAR = sa.text("""
select y.year
from generate_series(cast(:first_year as int), cast(:last_year as int)) y (year)
cross join generate_series(1, 12) m (month)
join usages u on u.customer_id = :customer_id and u.year = y.year and u.month = m.month
order by y.year limit 1
""")

_IS_BILLED = sa.text("""
select exists (select from bills where customer_id = :customer_id and year = :year
               and month = :month and kind = 'overage')
""")

_BILLS = sa.text("""
select b.*, c.name from customers c join bills b on b.customer_id = c.id
where c.id = :customer_id or c.merged_into_id = :customer_id
order by b.year desc, b.month desc, b.id desc limit :most
""")

# Of several bills of a month that which stands, else the newest.
_MONTHS = sa.text("""
select m.year, m.month, t.overage_unit_cost, b.*
from unnest(cast(:years as int[]), cast(:months as int[])) as m (year, month)
cross join lateral month_terms(:customer_id, m.year, m.month) t
left join lateral (
    select b.id, b.version, b.status, b.hold_reason, b.overage_amount, b.currency, b.created_at,
           b.kind, b.number
    from bills b
    where b.customer_id = :customer_id and b.year = m.year and b.month = m.month
      and b.kind = 'overage'
    order by b.status = 'void', b.id desc limit 1) b on true
order by m.year, m.month
""")


async def _months(
    session: AsyncSession, customer: Customer, first: Period, last: Period
) -> list[BilledMonth]:
    used = await usage_months(session, customer.id, first, last)
    values = _id(customer.id) | {
        "years": [month.period.year for month in used],
        "months": [month.period.month for month in used],
    }
    rows = (await session.execute(_MONTHS, values)).all()
    return [
        BilledMonth(month, row.overage_unit_cost, bill_line(row, customer.name) if row.id else None)
        for month, row in zip(used, rows, strict=True)
    ]


_FLAGGED = sa.text("""
select b.id, b.year, b.month, b.kind, b.hold_reason, flag.jumps
from bills b cross join lateral jump_flag_of(b) flag
where b.customer_id = :customer_id and b.status in ('held', 'pending')
  and (b.hold_reason is not null or flag.jumps)
order by b.year, b.month, b.id
""")


async def _flagged(session: AsyncSession, customer_id: int) -> list[FlaggedBill]:
    return [
        FlaggedBill(
            row.id,
            Period(row.year, row.month),
            BillKind(row.kind),
            HoldReason(row.hold_reason) if row.hold_reason else None,
            row.jumps,
        )
        for row in await session.execute(_FLAGGED, _id(customer_id))
    ]


async def unpriced_months(session: AsyncSession, customer_id: int) -> list[Period]:
    """The months of bills that are held for want of a price, oldest first."""
    rows = await session.execute(_UNPRICED, _id(customer_id))
    return [Period(row.year, row.month) for row in rows]


_UNPRICED = sa.text("""
select distinct year, month from bills
where customer_id = :customer_id and status = 'held' and hold_reason = 'no_price'
order by year, month
""")


_IN_CONTRACT = sa.text("""
select m.year, m.month
from unnest(cast(:years as int[]), cast(:months as int[])) as m (year, month)
cross join lateral month_terms(:customer_id, m.year, m.month) t
join customers c on c.id = :customer_id
where t.active_days > 0 and c.merged_into_id is null
order by m.year, m.month
""")


async def _missing(
    session: AsyncSession, customer: Customer, months: Sequence[BilledMonth], running: Period
) -> list[Period]:
    """Before its first recorded month a customer without a beginning is not missed."""
    first = next((month.usage.period for month in months if month.usage.calls is not None), None)
    begins = Period.of(customer.start_date) if customer.start_date else first
    asked = [
        month.usage.period
        for month in months
        if month.usage.calls is None
        and month.usage.period < running
        and begins is not None
        and month.usage.period >= begins
    ]
    values = _id(customer.id) | {
        "years": [p.year for p in asked],
        "months": [p.month for p in asked],
    }
    return [Period(year, month) for year, month in await session.execute(_IN_CONTRACT, values)]
