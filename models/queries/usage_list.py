"""Recorded usage, for programs; a page at a time, by customer and month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.customers.customers import Customer
from models.people.users import User
from models.period import Period
from models.usage.origins import FigureOrigin, read_origin, with_origin
from models.usage.sources import UsageSource
from models.usage.usage import Usage

CURSOR = r"^[1-9]\d{0,17}-2[01]\d\d-(0[1-9]|1[0-2])$"


@dataclass(frozen=True)
class RecordedUsage:
    id: int
    customer_id: int
    customer: str
    period: Period
    calls: int
    created_at: datetime
    updated_at: datetime
    origin: FigureOrigin | None

    @property
    def cursor(self) -> str:
        return f"{self.customer_id}-{self.period}"


async def recorded_usage(
    session: AsyncSession,
    customer_id: int | None,
    first: Period | None,
    last: Period | None,
    after: str | None,
    limit: int,
) -> Sequence[RecordedUsage]:
    """Of one customer or all, in the months `first` to `last`, behind the one with that cursor."""
    month = sa.tuple_(Usage.year, Usage.month)
    query = (
        with_origin(sa.select(Usage, Customer.name, User, UsageSource.name, UsageSource.id))
        .join(Customer, Customer.id == Usage.customer_id)
        .order_by(Usage.customer_id, Usage.year, Usage.month)
        .limit(limit)
    )
    if customer_id is not None:
        query = query.where(Usage.customer_id == customer_id)
    if first is not None:
        query = query.where(month >= (first.year, first.month))
    if last is not None:
        query = query.where(month <= (last.year, last.month))
    if after is not None:
        place = sa.tuple_(Usage.customer_id, Usage.year, Usage.month)
        query = query.where(place > tuple(int(part) for part in after.split("-")))
    return [
        RecordedUsage(
            usage.id,
            usage.customer_id,
            name,
            Period(usage.year, usage.month),
            usage.api_usage,
            usage.created_at,
            usage.updated_at,
            read_origin(usage, by, *pulled_from),
        )
        for usage, name, by, *pulled_from in await session.execute(query)
    ]
