"""What customers used, month by month, and every change of a recorded figure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.context import Context
from models.customers.customers import Customer, lock_customer
from models.db.columns import MOST_CALLS, Base, Calls, Id
from models.db.locks import lock_for_write
from models.errors import Invalid
from models.people.permissions import Permission
from models.people.who_can import require
from models.period import Period
from models.text import bounded_text


class Usage(Base):
    """The calls a customer made in one month."""

    __tablename__ = "usages"

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(Customer.id))
    year: Mapped[int]
    month: Mapped[int]
    api_usage: Mapped[Calls]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


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
        "user_id": context.user.id,
        "now": context.now,
        "source": context.source,
        "reason": bounded_text(why, REASON_CHARS, "A reason", "reason") if why else None,
    }
    await lock_customer(session, customer_id)
    await lock_for_write(session, Usage.__tablename__)
    added, changed = await merge_usage(session, _ONE, **values)
    return bool(added or changed)


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
    update usages u set api_usage = d.api_usage, updated_at = :now
    from different d where u.id = d.usage_id
), recorded as (
    insert into usage_changes
        (usage_id, old_api_usage, new_api_usage, changed_by, changed_at, reason, source)
    select usage_id, before, api_usage, :user_id, :now, :reason, :source
    from different where usage_id is not null
), added as (
    insert into usages (customer_id, year, month, api_usage, created_at, updated_at)
    select customer_id, year, month, api_usage, :now, :now
    from different where usage_id is null order by year, month, customer_id
)
select count(*) filter (where usage_id is null), count(usage_id) from different
"""


async def merge_usage(session: AsyncSession, figures: str, **values: Any) -> tuple[int, int]:
    """Add or change figures, and keep each old one; returns how many were added and changed.

    `figures` is a query for `customer_id`, `year`, `month` and `api_usage`; `values` are its own,
    and `user_id`, `now`, `source` and `reason` of the changes. Whoever calls keeps others from
    writing the same figures until the transaction ends.
    """
    merged = await session.execute(sa.text(_MERGE.format(figures=figures)), values)
    added, changed = merged.one()
    return added, changed


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
