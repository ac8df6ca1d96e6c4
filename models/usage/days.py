"""The days of a month's usage, where a source told them: their sum is the month's figure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.period import Period


@dataclass(frozen=True)
class UsageDay:
    """The calls of one day."""

    day: date
    calls: int


@dataclass(frozen=True)
class CountedDay:
    """A day, and how many of its calls came after the month's limit was reached."""

    day: date
    calls: int
    over_calls: int


Month = tuple[int, Period]
"""A customer, and a month of theirs."""

DaysOfMonths = Mapping[Month, tuple[UsageDay, ...]]


async def days_of(session: AsyncSession, customer_id: int, period: Period) -> tuple[UsageDay, ...]:
    """In their order, without those of which there is nothing; none where no source told days."""
    found = await days_of_each(session, [(customer_id, period)])
    return found.get((customer_id, period), ())


async def days_of_each(session: AsyncSession, months: Collection[Month]) -> DaysOfMonths:
    """The same of many, without those that have none."""
    asked = {
        "customer_ids": [customer_id for customer_id, _ in months],
        "first_days": [period.first_day for _, period in months],
    }
    found: dict[Month, list[UsageDay]] = {}
    for customer_id, day, calls in await session.execute(_DAYS, asked):
        found.setdefault((customer_id, Period.of(day)), []).append(UsageDay(day, calls))
    return {month: tuple(days) for month, days in found.items()}


_DAYS = sa.text("""
select d.customer_id, d.day, d.api_usage
from unnest(cast(:customer_ids as bigint[]), cast(:first_days as date[])) m (customer_id, first_day)
join usage_days d on d.customer_id = m.customer_id
    and d.day >= m.first_day and d.day < m.first_day + interval '1 month'
order by d.customer_id, d.day
""")


def counted_days(
    period: Period, days: Sequence[UsageDay], limit_calls: int
) -> tuple[CountedDay, ...]:
    """Every day of the month, in its order; none where no days are known."""
    if not days:
        return ()
    calls = {one.day: one.calls for one in days}
    counted, before = [], 0
    for number in range(1, period.last_day.day + 1):
        day = period.first_day.replace(day=number)
        used = calls.get(day, 0)
        counted.append(CountedDay(day, used, min(used, max(0, before + used - limit_calls))))
        before += used
    return tuple(counted)
