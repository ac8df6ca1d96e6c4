"""What months were billed, side by side: a currency each, and none added to another."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.period import FIRST_YEAR, Period

MONTHS = 12
MOST_ADDED_UP = 200_000
"""So many bills are added up at most while somebody waits."""


@dataclass(frozen=True)
class CurrencyMonths:
    """What each month was billed in one currency, in the order of the months."""

    currency: str
    amounts: tuple[Decimal, ...]


@dataclass(frozen=True)
class MonthsBilled:
    """So many months in a row, oldest first, as they stand: without what is rejected or void.

    The currency of the most bills comes first. `is_added_up` False: there are too many bills.
    """

    periods: tuple[Period, ...]
    currencies: tuple[CurrencyMonths, ...] = ()
    is_added_up: bool = True


async def months_billed(session: AsyncSession, last: Period, months: int = MONTHS) -> MonthsBilled:
    """The months up to `last`; fewer where the first of all is among them."""
    known = (last.year - FIRST_YEAR) * 12 + last.month
    periods = tuple(last.plus(-ago) for ago in reversed(range(min(months, known))))
    values = {"years": [one.year for one in periods], "months": [one.month for one in periods]}
    found = await session.scalar(_COUNTED, values | {"limit": MOST_ADDED_UP + 1}) or 0
    if found > MOST_ADDED_UP:
        return MonthsBilled(periods, is_added_up=False)
    amounts: dict[str, dict[Period, Decimal]] = defaultdict(dict)
    for row in await session.execute(_AMOUNTS, values):
        amounts[row.currency][Period(row.year, row.month)] = row.amount
    return MonthsBilled(
        periods,
        tuple(
            CurrencyMonths(code, tuple(of_month.get(one, Decimal(0)) for one in periods))
            for code, of_month in amounts.items()
        ),
    )


_OF_MONTHS = """
unnest(cast(:years as int[]), cast(:months as int[])) m (year, month)
join bills b on b.year = m.year and b.month = m.month"""

_COUNTED = sa.text(f"select count(*) from (select from {_OF_MONTHS} limit :limit) found")

_AMOUNTS = sa.text(f"""
select b.currency, b.year, b.month, sum(b.overage_amount) as amount,
       sum(count(*)) over (partition by b.currency) as bills
from {_OF_MONTHS}
where b.overage_amount is not null and b.status not in ('rejected', 'void')
group by b.currency, b.year, b.month
order by bills desc, b.currency
""")
