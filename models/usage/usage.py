"""What customers used, month by month, and every change of a recorded figure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.context import Context, Source
from models.customers.customers import Customer, lock_customer
from models.db.columns import MOST_CALLS, Base, Calls, Id
from models.db.locks import lock_for_write
from models.errors import Invalid
from models.people.permissions import Permission
from models.people.users import User
from models.people.who_can import require
from models.period import Period
from models.text import bounded_text
from models.usage.pulls import UsagePull


class Usage(Base):
    """The calls a customer made in one month, and where the figure as it stands came from.

    Without `recorded_from` it was recorded before that was kept.
    """

    __tablename__ = "usages"

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(Customer.id))
    year: Mapped[int]
    month: Mapped[int]
    api_usage: Mapped[Calls]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    recorded_by: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    recorded_at: Mapped[datetime | None]
    recorded_from: Mapped[str | None]
    recorded_reason: Mapped[str | None]
    recorded_file: Mapped[str | None]
    pull_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey(UsagePull.id))
    recorded_calls: Mapped[int | None] = mapped_column(sa.BigInteger)


@dataclass(frozen=True)
class UsageOrigin:
    """Where figures come from: who recorded them and when, from where, and why; out of which file,
    or by which pull of a source.
    """

    user_id: int
    at: datetime
    source: Source
    reason: str | None = None
    file_name: str | None = None
    pull_id: int | None = None


@dataclass(frozen=True)
class Merged:
    """How many figures were added and changed."""

    added: int
    changed: int


async def record_usage(
    session: AsyncSession,
    customer_id: int,
    period: Period,
    calls: int,
    context: Context,
    reason: str | None = None,
) -> bool:
    """Write down what a customer used in a month; whether that was not on record as it is.

    A figure that changes leaves a row of `usage_changes`, with `reason`; the same again writes
    nothing. Refuses fewer calls than none, more than the database can count, a month that has not
    begun, and an unknown customer.
    """
    await require(session, context.user, Permission.KEEP_BOOKS)
    _refuse_impossible(period, calls, context)
    why = (reason or "").strip()
    values = {
        "customer_id": customer_id,
        "year": period.year,
        "month": period.month,
        "calls": calls,
    }
    told = bounded_text(why, REASON_CHARS, "A reason", "reason") if why else None
    origin = UsageOrigin(context.user.id, context.now, context.source, told)
    await lock_customer(session, customer_id)
    await lock_for_write(session, Usage.__tablename__)
    merged = await merge_usage(session, _ONE, origin, values)
    return bool(merged.added or merged.changed)


REASON_CHARS = 3_000


def _refuse_impossible(period: Period, calls: int, context: Context) -> None:
    if not 0 <= calls <= MOST_CALLS:
        raise Invalid(
            f"Usage is a whole number of calls from 0 to {MOST_CALLS:,}.", field="api_usage"
        )
    if period > Period.of(context.today):
        raise Invalid(f"{period.in_words} has not begun yet; nothing was recorded.", field="period")


_ONE = """
select cast(:customer_id as bigint) as customer_id, cast(:year as integer) as year,
       cast(:month as integer) as month, cast(:calls as bigint) as api_usage"""

_MERGE = """
with different as materialized (
    select r.*, u.id as usage_id, u.api_usage as before
    from ({figures}) r left join usages u using (customer_id, year, month)
    where u.id is null or u.api_usage <> r.api_usage
), changed as (
    update usages u
    set api_usage = d.api_usage, updated_at = :at, recorded_by = :user_id, recorded_at = :at,
        recorded_from = :source, recorded_reason = :reason, recorded_file = :file_name,
        pull_id = :pull_id, recorded_calls = d.api_usage
    from different d where u.id = d.usage_id
), recorded as (
    insert into usage_changes
        (usage_id, old_api_usage, new_api_usage, changed_by, changed_at, reason, source,
         file_name, pull_id)
    select usage_id, before, api_usage, :user_id, :at, :reason, :source, :file_name, :pull_id
    from different where usage_id is not null
), added as (
    insert into usages (customer_id, year, month, api_usage, created_at, updated_at,
        recorded_by, recorded_at, recorded_from, recorded_reason, recorded_file, pull_id,
        recorded_calls)
    select customer_id, year, month, api_usage, :at, :at,
        :user_id, :at, :source, :reason, :file_name, :pull_id, api_usage
    from different where usage_id is null order by year, month, customer_id
){days}
select count(*) filter (where usage_id is null), count(usage_id) from different
"""

# With each figure in one statement: only whole are they held against it.
_DAYS = """, told as materialized ({days}
), month as (
    select min(day) - (extract(day from min(day))::integer - 1) as first from told
), gone as (
    delete from usage_days d using month m
    where d.day >= m.first and d.day < m.first + interval '1 month'
      and d.customer_id in (select customer_id from told)
      and not exists (select from told t where t.customer_id = d.customer_id and t.day = d.day)
), other as (
    update usage_days d set api_usage = t.api_usage from told t
    where d.customer_id = t.customer_id and d.day = t.day and d.api_usage <> t.api_usage
), further as (
    insert into usage_days (customer_id, day, api_usage)
    select customer_id, day, api_usage from told t
    where not exists (
        select from usage_days d where d.customer_id = t.customer_id and d.day = t.day)
    order by customer_id, day
)"""


async def merge_usage(
    session: AsyncSession,
    figures: str,
    origin: UsageOrigin,
    values: Mapping[str, Any] | None = None,
    *,
    days: str | None = None,
) -> Merged:
    """Add or change figures, and keep each old one.

    `figures` is a query for `customer_id`, `year`, `month` and `api_usage`; `days` is one for
    `customer_id`, `day` and `api_usage` of one month, all the days of a customer or none, in the
    place of those that are there. A figure that changes without its days loses them. `values` are
    those of both. Whoever calls keeps others from writing the same figures until the transaction
    ends.
    """
    statement = _MERGE.format(figures=figures, days=_DAYS.format(days=days) if days else "")
    merged = await session.execute(sa.text(statement), {**(values or {}), **vars(origin)})
    return Merged(*merged.one())


async def has_usage(session: AsyncSession, customer_id: int, period: Period) -> bool:
    """Whether anything is recorded for this customer itself in the month."""
    recorded = sa.exists().where(
        Usage.customer_id == customer_id, Usage.year == period.year, Usage.month == period.month
    )
    return bool(await session.scalar(sa.select(recorded)))


@dataclass(frozen=True)
class UsageMonth:
    """One month of a customer. `calls` None: nothing was recorded, which is not zero.

    The limit is that of the month, prorated; its bill is in `currency`. `in_contract`: on some day
    at least.
    """

    period: Period
    calls: int | None
    limit_calls: int
    currency: str
    in_contract: bool = True

    @property
    def is_missing(self) -> bool:
        """Whether calls are to be expected that nobody has recorded."""
        return self.calls is None and self.in_contract

    @property
    def is_outside(self) -> bool:
        """Whether there is neither a contract nor a call."""
        return self.calls is None and not self.in_contract

    @property
    def over_calls(self) -> int:
        return max(0, (self.calls or 0) - self.limit_calls)


_MONTHS = sa.text("""
    select m.customer_id, m.year, m.month, u.api_usage, t.monthly_api_limit, t.currency,
           coalesce(t.active_days > 0, true)
    from unnest(cast(:customer_ids as bigint[]), cast(:years as int[]), cast(:months as int[]))
        as m (customer_id, year, month)
    left join usages u
        on u.customer_id = m.customer_id and u.year = m.year and u.month = m.month
    cross join lateral month_terms(m.customer_id, m.year, m.month) t
    order by m.customer_id, m.year, m.month
""")


async def usage_months(
    session: AsyncSession, customer_id: int, first: Period, last: Period
) -> list[UsageMonth]:
    """Each month from `first` to `last`, both included, oldest first, gaps too."""
    asked = {customer_id: list(first.through(last))}
    return (await usage_months_of_each(session, asked))[customer_id]


async def usage_months_of_each(
    session: AsyncSession, asked: Mapping[int, Collection[Period]]
) -> dict[int, list[UsageMonth]]:
    """The months that are asked of each customer, by customer, the oldest first, gaps too."""
    pairs = [(customer_id, month) for customer_id, months in asked.items() for month in months]
    values = {
        "customer_ids": [customer_id for customer_id, _ in pairs],
        "years": [month.year for _, month in pairs],
        "months": [month.month for _, month in pairs],
    }
    found: dict[int, list[UsageMonth]] = {customer_id: [] for customer_id in asked}
    for customer_id, year, month, *told in await session.execute(_MONTHS, values):
        found[customer_id].append(UsageMonth(Period(year, month), *told))
    return found
