"""What Finance reads each week: what waits, is held, was rejected, lacks data, and was billed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.month_totals import MonthTotal
from models.bills.states import HoldReason, RejectReason, State
from models.period import Period
from models.queries.ageing import Age, age_of, ages_of
from models.queries.month_board import MissingUsage, missing_usage
from models.queries.months_billed import MonthsBilled, generated_among, months_billed
from models.queries.totals import Total, totals_of


@dataclass(frozen=True)
class WeeklyDigest:
    """As things stand, of all months: so many bills are `waiting` for approval, by age and with
    totals; so many are `held`, by cause, and rejected, by the reason given last.

    `missing`: in the last `month` that is over; `billed`: that and the one before; `is_generated`:
    whether that was generated.
    """

    month: Period
    waiting: int
    totals: tuple[Total, ...]
    ages: tuple[Age, ...]
    held: dict[HoldReason, int]
    rejected: dict[RejectReason, int]
    missing: MissingUsage
    billed: MonthsBilled
    is_generated: bool

    @property
    def is_clear(self) -> bool:
        """Whether nobody has to do anything."""
        return not (self.waiting or self.held or self.rejected or self.missing.count)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell at all."""
        return self.is_clear and not (self.billed.currencies or self.missing.has_customers)


async def load_weekly_digest(session: AsyncSession, month: Period, now: datetime) -> WeeklyDigest:
    """As things stand, bills being as old as they are `now`. For however many customers there are:
    nobody waits for it.
    """
    rows = (await session.execute(_sums(now))).all()
    pending = [row for row in rows if row.status == State.PENDING]
    return WeeklyDigest(
        month=month,
        waiting=sum(int(row.bills) for row in pending),
        totals=tuple(one for one in totals_of(pending) if one.bills),
        ages=ages_of(pending),
        held=_held(rows),
        rejected={RejectReason(row.code): row.bills for row in await session.execute(_REJECTED)},
        missing=await missing_usage(session, month),
        billed=await months_billed(session, month, months=2),
        is_generated=month in await generated_among(session, [month]),
    )


def _sums(now: datetime) -> sa.Select[Any]:
    of = MonthTotal
    age = age_of(of.made_at, now).label("age")
    sums = (sa.func.sum(getattr(of, name)).label(name) for name in ("bills", "priced", "amount"))
    return (
        sa.select(of.status, of.hold_reason, of.currency, age, *sums)
        .where(of.status.in_((State.PENDING, State.HELD)))
        .group_by(of.status, of.hold_reason, of.currency, sa.literal_column("4"))
    )


def _held(rows: Sequence[Any]) -> dict[HoldReason, int]:
    counts = Counter[HoldReason]()
    for row in rows:
        if row.status == State.HELD and row.bills:
            counts[HoldReason(row.hold_reason)] += int(row.bills)
    return dict(counts.most_common())


_REJECTED = sa.text("""
select last.code, count(*) as bills
from bills b
cross join lateral (
    select a.snapshot ->> 'reason_code' as code from bill_actions a
    where a.bill_id = b.id and a.action = 'reject' order by a.id desc limit 1) last
where b.status = 'rejected'
group by last.code order by bills desc, last.code
""")
