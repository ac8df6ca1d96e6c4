"""What customers used, month by month."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Calls, Id
from models.period import Period


class Usage(Base):
    """The calls a customer made in one month."""

    __tablename__ = "usages"

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("customers.id"))
    year: Mapped[int]
    month: Mapped[int]
    api_usage: Mapped[Calls]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


@dataclass(frozen=True)
class UsageMonth:
    """One month of a customer. `calls` None: nothing was recorded, which is not zero."""

    period: Period
    calls: int | None
    limit_calls: int

    @property
    def over_calls(self) -> int:
        return max(0, (self.calls or 0) - self.limit_calls)


_MONTHS = sa.text("""
    select m.year, m.month, u.api_usage, t.monthly_api_limit
    from unnest(cast(:years as int[]), cast(:months as int[])) as m (year, month)
    left join usages u
        on u.customer_id = :customer_id and u.year = m.year and u.month = m.month
    cross join lateral terms_in_force(:customer_id, make_date(m.year, m.month, 1)) t
    order by m.year, m.month
""")


async def months(
    session: AsyncSession, customer_id: int, first: Period, last: Period
) -> list[UsageMonth]:
    """Each month from `first` to `last`, both included, oldest first, gaps too."""
    periods = list(first.through(last))
    rows = await session.execute(
        _MONTHS,
        {
            "customer_id": customer_id,
            "years": [p.year for p in periods],
            "months": [p.month for p in periods],
        },
    )
    return [UsageMonth(Period(y, m), calls, limit) for y, m, calls, limit in rows]
