"""What months were billed, side by side: a currency each, and none added to another."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.period import FIRST_YEAR, Period

MONTHS = 12


@dataclass(frozen=True)
class CurrencyMonths:
    """What each month was billed in one currency, in the order of the months; None where none of
    its bills has been generated.
    """

    currency: str
    amounts: tuple[Decimal | None, ...]


@dataclass(frozen=True)
class MonthsBilled:
    """So many months in a row, oldest first, as they stand: without what is rejected or void, and
    what corrects a void bill.

    The currency of the most bills comes first.
    """

    periods: tuple[Period, ...]
    currencies: tuple[CurrencyMonths, ...] = ()


async def months_billed(session: AsyncSession, last: Period, months: int = MONTHS) -> MonthsBilled:
    """The months up to `last`; fewer where the first of all is among them."""
    known = (last.year - FIRST_YEAR) * 12 + last.month
    periods = tuple(last.plus(-ago) for ago in reversed(range(min(months, known))))
    values = _of(periods)
    amounts: dict[str, dict[Period, Decimal]] = defaultdict(dict)
    for row in await session.execute(_AMOUNTS, values):
        amounts[row.currency][Period(row.year, row.month)] = row.amount
    generated = await generated_among(session, periods)
    without = {one: Decimal(0) if one in generated else None for one in periods}
    return MonthsBilled(
        periods,
        tuple(
            CurrencyMonths(code, tuple((without | of_month)[one] for one in periods))
            for code, of_month in amounts.items()
        ),
    )


async def generated_among(session: AsyncSession, periods: Sequence[Period]) -> set[Period]:
    """Those of these months that were generated, also where that made no bill."""
    return {Period(*row) for row in await session.execute(_GENERATED, _of(periods))}


def _of(periods: Sequence[Period]) -> dict[str, Any]:
    return {"years": [one.year for one in periods], "months": [one.month for one in periods]}


_GENERATED = sa.text("""
select m.year, m.month
from unnest(cast(:years as int[]), cast(:months as int[])) m (year, month)
where exists (select from month_totals t
              where t.year = m.year and t.month = m.month and t.bills > 0)
   or exists (select from bill_runs r
              where r.year = m.year and r.month = m.month
                and r.customer_id is null and r.finished_at is not null)
""")


_AMOUNTS = sa.text("""
with meant as (
    select * from unnest(cast(:years as int[]), cast(:months as int[])) m (year, month)
), parts as (
    select year, month, currency, priced, amount
    from meant join month_totals using (year, month) where status not in ('rejected', 'void')
    union all
    select year, month, currency, -1, -overage_amount
    from meant join corrections_of_void using (year, month) where overage_amount is not null
)
select currency, year, month, sum(amount) as amount,
       sum(sum(priced)) over (partition by currency) as bills
from parts
group by currency, year, month having sum(priced) > 0
order by bills desc, currency
""")
