"""Bills written by hand in any state, with their number, for what looks at nothing but that."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.people.users import system_user
from models.period import Period

_BILL = sa.text("""
with bill as (
    insert into bills (customer_id, year, month, kind, api_usage, monthly_api_limit,
        overage_units, overage_amount, currency, status, number, created_at, updated_at)
    select id, :year, :month, :kind, 2000, 1000, 1000, 2, currency, :status, :number, :now, :now
    from customers where id = :customer_id
    returning id
)
insert into bill_actions
    (bill_id, bill_version, stakeholder_id, action, source, created_at, updated_at)
select id, 1, :user_id, 'generate', 'cli', :now, :now from bill
""")


async def write_bill(
    session: AsyncSession,
    customer_id: int,
    period: Period,
    number: str | None,
    status: str = "sent",
    kind: str = "overage",
) -> None:
    """One version, one action; the record tells nothing of how the bill came to be so."""
    values = {
        "customer_id": customer_id,
        "year": period.year,
        "month": period.month,
        "kind": kind,
        "status": status,
        "number": number,
        "user_id": (await system_user(session)).id,
        "now": datetime(2026, 11, 2, 9, tzinfo=UTC),
    }
    await session.execute(_BILL, values)
