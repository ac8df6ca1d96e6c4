"""What a month's bills come to, by the sums that are kept of them: however many there are."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.month_totals import MonthTotal
from models.bills.states import State
from models.period import Period
from models.queries.totals import Total, totals_of

NOT_STANDING = (State.REJECTED, State.VOID)


def sums_of_month(period: Period | None, *by: Any) -> sa.Select[Any]:
    """So many `bills`, `priced` of them, and their `amount`, for each of what is told `by`; of all
    months without a `period`.
    """
    of = MonthTotal
    sums = (sa.func.sum(getattr(of, name)).label(name) for name in ("bills", "priced", "amount"))
    of_month = () if period is None else (of.year == period.year, of.month == period.month)
    return (
        sa.select(*by, *sums)
        .where(*of_month)
        .group_by(*(sa.literal_column(str(at)) for at in range(1, len(by) + 1)))
    )


@dataclass(frozen=True)
class MonthSum:
    """All bills of a month, or of all, in some states. `totals` are of those that stand, where that
    is asked of several states; `left_out` do not.
    """

    bills: int
    totals: tuple[Total, ...]
    left_out: int


async def sum_of_month(
    session: AsyncSession, period: Period | None, states: Collection[State]
) -> MonthSum:
    of = MonthTotal
    rows = (await session.execute(sums_of_month(period, of.status, of.currency))).all()
    meant: Sequence[Any] = [row for row in rows if row.status in states and row.bills]
    standing = meant
    if len(states) > 1:
        standing = [*standing_of(meant), *await corrections_of_void(session, period, states)]
    bills = sum(int(row.bills) for row in meant)
    return MonthSum(bills, totals_of(standing), bills - sum(int(row.bills) for row in standing))


def standing_of(rows: Iterable[Any]) -> list[Any]:
    """Those of the sums by `status` that count in what a month comes to, with what
    `corrections_of_void` takes off them.
    """
    return [row for row in rows if row.status not in NOT_STANDING]


async def corrections_of_void(
    session: AsyncSession, period: Period | None, states: Collection[State] = tuple(State)
) -> Sequence[Any]:
    """What is to be taken off a month's sums, as less than nothing of each currency."""
    year, month = (period.year, period.month) if period else (None, None)
    asked = {"year": year, "month": month, "states": [*states]}
    return (await session.execute(_CORRECTIONS_OF_VOID, asked)).all()


_CORRECTIONS_OF_VOID = sa.text("""
select currency, -count(*) as bills, -count(overage_amount) as priced,
       -sum(overage_amount) as amount
from corrections_of_void
where (cast(:year as int) is null or year = :year and month = :month)
  and status = any(:states)
group by currency
""")
