"""What a month's bills come to, kept beside them: in parts, which are added up by whoever reads."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base


class MonthTotal(Base):
    """A part of what a month's bills come to in one state, of one cause and in one currency.

    A part can be less than nothing; their sum is not. `priced` of the bills have an amount.
    `made_at`: when they were made, where they wait for somebody.
    """

    __tablename__ = "month_totals"

    year: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    status: Mapped[str]
    hold_reason: Mapped[str | None]
    currency: Mapped[str]
    made_at: Mapped[datetime | None]
    bills: Mapped[int] = mapped_column(sa.BigInteger)
    priced: Mapped[int] = mapped_column(sa.BigInteger)
    amount: Mapped[Decimal]


SPARE_PARTS = 50
"""So many parts of a month may be more than it takes."""


async def fold_month_totals(session: AsyncSession, spare: int = SPARE_PARTS) -> int:
    """Put the parts of months together that have many to spare; how many parts that were."""
    return int(await session.scalar(_FOLD, {"spare": spare}) or 0)


# Whoever reads meanwhile sees the parts or their sum, and whoever adds some waits for nobody.
_FOLD = sa.text("""
with worn as (
    select year, month
    from (select year, month, count(*) as parts, sum(bills) <> 0 as is_any from month_totals
          group by year, month, status, hold_reason, currency, made_at) sums
    group by year, month having sum(parts) - count(*) filter (where is_any) > :spare
), gone as (
    delete from month_totals t using worn w where t.year = w.year and t.month = w.month
    returning t.*
), folded as (
    insert into month_totals
        (year, month, status, hold_reason, currency, made_at, bills, priced, amount)
    select year, month, status, hold_reason, currency, made_at,
           sum(bills), sum(priced), sum(amount)
    from gone group by year, month, status, hold_reason, currency, made_at
    having sum(bills) <> 0
)
select count(*) from gone
""")
