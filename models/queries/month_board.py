"""A month's bills at a glance: what became of them, what is missing, how long things wait."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.month_totals import MonthTotal
from models.bills.states import HoldReason, State
from models.period import Period
from models.queries.ageing import Age, age_of, ages_of
from models.queries.bill_list import BillLine, bill_line
from models.queries.month_sums import corrections_of_void, standing_of, sums_of_month
from models.queries.totals import Total, totals_of
from models.queries.waiting import WAITING

BIGGEST = 5
NAMED_MISSING = 12
NAMED_HELD = 12
MOST_LOOKED_THROUGH = 50_000
"""Customers without usage are looked for among so many at most while somebody waits."""


@dataclass(frozen=True)
class StateCount:
    """The month's bills in one state; `totals` are of those with an amount, a currency each."""

    state: State
    bills: int
    totals: tuple[Total, ...] = ()


@dataclass(frozen=True)
class MissingUsage:
    """Customers in contract with no usage recorded, the first by name with their ids.

    `count` None: there are too many customers to look for them while somebody waits.
    `has_customers`: whether any is in contract at all.
    """

    count: int | None
    first: tuple[tuple[int, str], ...] = ()
    has_customers: bool = True


@dataclass(frozen=True)
class MonthBoard:
    """`generated`: all bills of the month; `standing`: what those come to that are neither rejected
    nor void, nor correct a void one; `without_amount` so many of these, which are held until they
    have a price. `held` counts by cause, and `longest_held` are the first of them. `ages` are of
    bills that wait for somebody.
    """

    period: Period
    generated: int
    standing: tuple[Total, ...]
    without_amount: int
    states: tuple[StateCount, ...]
    held: dict[HoldReason, int]
    longest_held: tuple[BillLine, ...]
    biggest: tuple[BillLine, ...]
    ages: tuple[Age, ...]
    missing: MissingUsage

    @property
    def waiting(self) -> int:
        return sum(one.bills for one in self.states if one.state in WAITING)

    @property
    def approved(self) -> int:
        return next(one.bills for one in self.states if one.state is State.APPROVED)


# The biggest of each currency, then the second of each, and so on: currencies are not compared.
_BIGGEST = sa.text("""
with ranked as (
    select b.*, codes.bills, row_number() over (
        partition by b.currency order by overage_amount desc, id) as place
    from unnest(cast(:codes as text[]), cast(:counts as int[])) codes (code, bills)
    cross join lateral (
        select * from bills
        where year = :year and month = :month and currency = code and kind = 'overage'
          and overage_amount > 0 and status not in ('rejected', 'void')
        order by overage_amount desc, id limit :most) b
), first as (select * from ranked order by place, bills desc, currency limit :most)
select f.*, c.name from first f join customers c on c.id = f.customer_id
order by bills desc, f.currency, place
""")

_LONGEST_HELD = sa.text("""
select b.*, c.name from bills b join customers c on c.id = b.customer_id
where b.year = :year and b.month = :month and b.status = 'held'
order by b.created_at, b.id limit :most
""")

# Statistics tell it of very many, and of fewer they are counted.
_ARE_MANY = sa.text("""
select case when (select reltuples from pg_class where oid = 'customers'::regclass) > 2 * :most
            then true else (select count(*) from (select from customers limit :most + 1) c) > :most
       end
""")

_MISSING = sa.text("""
select c.id, c.name, count(*) over () as customers
from customers c
cross join lateral contract_days(c.id, start_date, end_date, :first_day, :last_day) d
where d.days > 0 and c.merged_into_id is null
  and not exists (select from usages u
                  where u.year = :year and u.month = :month and u.customer_id = c.id)
order by lower(c.name), c.id limit :named
""")


_IN_CONTRACT = sa.text("""
select exists (
    select from customers c
    cross join lateral contract_days(c.id, start_date, end_date, :first_day, :last_day) d
    where d.days > 0 and c.merged_into_id is null)
""")


_HAS_USAGE = sa.text("select exists (select from usages where year = :year and month = :month)")


async def is_usage_awaited(session: AsyncSession, period: Period) -> bool:
    """Whether customers are in contract in the month, and no usage of it is recorded at all."""
    days = {"first_day": period.first_day, "last_day": period.last_day}
    if await session.scalar(_HAS_USAGE, {"year": period.year, "month": period.month}):
        return False
    return bool(await session.scalar(_IN_CONTRACT, days))


async def load_month(session: AsyncSession, period: Period, now: datetime) -> MonthBoard:
    """The month as it stands."""
    of_month = {"year": period.year, "month": period.month}
    rows = (await session.execute(_sums(period, now))).all()
    counted = [*standing_of(rows), *await corrections_of_void(session, period)]
    standing = totals_of(counted)
    codes = {"codes": [one.currency for one in standing], "counts": [one.bills for one in standing]}
    biggest = await session.execute(_BIGGEST, of_month | codes | {"most": BIGGEST})
    longest_held = await session.execute(_LONGEST_HELD, of_month | {"most": NAMED_HELD})
    return MonthBoard(
        period=period,
        generated=_bills(rows),
        standing=standing,
        without_amount=sum(int(row.bills - row.priced) for row in counted),
        states=tuple(_of_state(state, rows) for state in State),
        held=_held(rows),
        longest_held=tuple(bill_line(row, row.name) for row in longest_held),
        biggest=tuple(bill_line(row, row.name) for row in biggest),
        ages=ages_of([row for row in rows if row.status in WAITING]),
        missing=await _missing(session, period),
    )


def _sums(period: Period, now: datetime) -> sa.Select[Any]:
    of = MonthTotal
    age = age_of(of.made_at, now).label("age")
    return sums_of_month(period, of.status, of.hold_reason, of.currency, age)


def _bills(rows: Sequence[Any]) -> int:
    return sum(int(row.bills) for row in rows)


def _of_state(state: State, rows: Sequence[Any]) -> StateCount:
    own = [row for row in rows if row.status == state]
    return StateCount(state, _bills(own), totals_of(own))


def _held(rows: Iterable[Any]) -> dict[HoldReason, int]:
    counts: dict[HoldReason, int] = defaultdict(int)
    for row in rows:
        if row.hold_reason and row.bills:
            counts[HoldReason(row.hold_reason)] += int(row.bills)
    return dict(sorted(counts.items(), key=lambda one: -one[1]))


async def _missing(session: AsyncSession, period: Period) -> MissingUsage:
    if await session.scalar(_ARE_MANY, {"most": MOST_LOOKED_THROUGH}):
        return MissingUsage(None)
    return await missing_usage(session, period)


async def missing_usage(session: AsyncSession, period: Period) -> MissingUsage:
    """The same however many customers there are, where nobody waits."""
    of_month = {"year": period.year, "month": period.month}
    days = {"first_day": period.first_day, "last_day": period.last_day, "named": NAMED_MISSING}
    found = (await session.execute(_MISSING, of_month | days)).all()
    if not found:
        anybody = await session.scalar(_IN_CONTRACT, days)
        return MissingUsage(0, has_customers=bool(anybody))
    return MissingUsage(found[0].customers, tuple((row.id, row.name) for row in found))
