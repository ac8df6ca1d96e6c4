"""What months come to: whether the sums that are kept are those of their bills."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.audit.bill_check import Discrepancy
from models.queries.scope import Scope

WRONG = "the sums kept of {}-{:02} are not those of its bills"


async def wrong_totals(session: AsyncSession, scope: Scope) -> list[Discrepancy]:
    """Of a month, or of all of them."""
    of_month = "" if scope.period is None else "where year = :year and month = :month"
    found = await session.execute(sa.text(_WRONG.format(of_month=of_month)), scope.values)
    return [Discrepancy(None, None, WRONG.format(*row), "months") for row in found]


_WRONG = """
select distinct year, month
from (
    select year, month, status, hold_reason, currency, made_at, bills, priced, amount
    from totals_of_bills {of_month}
    union all
    select year, month, status, hold_reason, currency, made_at, -bills, -priced, -amount
    from month_totals {of_month}) parts
group by year, month, status, hold_reason, currency, made_at
having sum(bills) <> 0 or sum(priced) <> 0 or sum(amount) <> 0
order by year, month
"""
