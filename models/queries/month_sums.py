"""What a month's bills come to, by the sums that are kept of them: however many there are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from models.bills.bill import Bill
from models.bills.month_totals import MonthTotal
from models.bills.states import State
from models.period import Period
from models.queries.totals import Total, totals_of

NOT_STANDING = (State.REJECTED, State.VOID)


def sums_of_month(period: Period, *by: Any) -> sa.Select[Any]:
    """So many `bills`, `priced` of them, and their `amount`, for each of what is told `by`."""
    of = MonthTotal
    sums = (sa.func.sum(getattr(of, name)).label(name) for name in ("bills", "priced", "amount"))
    return (
        sa.select(*by, *sums)
        .where(of.year == period.year, of.month == period.month)
        .group_by(*(sa.literal_column(str(at)) for at in range(1, len(by) + 1)))
    )


@dataclass(frozen=True)
class MonthSum:
    """All of a month's bills in some states. `totals` are of those that stand, where that is asked
    of several states; `left_out` do not.
    """

    bills: int
    totals: tuple[Total, ...]
    left_out: int


async def sum_of_month(
    session: AsyncSession, period: Period, states: Collection[State]
) -> MonthSum:
    of = MonthTotal
    rows = (await session.execute(sums_of_month(period, of.status, of.currency))).all()
    meant: Sequence[Any] = [row for row in rows if row.status in states and row.bills]
    standing = meant
    if len(states) > 1:
        standing = [row for row in meant if row.status not in NOT_STANDING]
        standing += (await session.execute(_corrections_of_void(period, states))).all()
    bills = sum(int(row.bills) for row in meant)
    totals = tuple(one for one in totals_of(standing) if one.bills)
    return MonthSum(bills, totals, bills - sum(int(row.bills) for row in standing))


def _corrections_of_void(
    period: Period, states: Collection[State]
) -> sa.Select[str, int, int, Decimal | None]:
    """To be taken off: with the void bill that they correct they are nothing together."""
    corrected = aliased(Bill)
    return (
        sa.select(
            Bill.currency,
            (-sa.func.count()).label("bills"),
            (-sa.func.count(Bill.overage_amount)).label("priced"),
            (-sa.func.sum(Bill.overage_amount)).label("amount"),
        )
        .join(corrected, corrected.id == Bill.adjusts_id)
        .where(corrected.status == State.VOID)
        .where(corrected.year == period.year, corrected.month == period.month)
        .where(Bill.status.in_(set(states).difference(NOT_STANDING)))
        .group_by(Bill.currency)
    )
