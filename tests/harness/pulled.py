"""Usage of a month as a source told it, day by day, without one that has to be asked."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Context, Source
from models.period import Period
from models.usage.pulls import PullOutcome, UsagePull
from models.usage.sources import set_source
from models.usage.usage import UsageOrigin, merge_usage

QUERY = (
    "select customer, calls, day from events"
    " where happened >= :month_start and happened < :month_end"
)


async def pull_days(
    session: AsyncSession,
    by: Context,
    customer_id: int,
    calls: Mapping[date, int],
    named: str = "events",
) -> UsagePull:
    """What the source of that name says of each day of one month."""
    source, _ = await set_source(session, named, "duckdb://", QUERY, by)
    period = Period.of(next(iter(calls)))
    starts_at, ends_at = period.edges(by.settings.zone)
    pull = UsagePull(
        source_id=source.id,
        year=period.year,
        month=period.month,
        query_hash=source.query_hash,
        starts_at=starts_at,
        ends_at=ends_at,
        engine="duckdb",
        rows=len(calls),
        total=Decimal(sum(calls.values())),
        counts={"added": 1},
        duration_ms=1,
        started_at=by.now,
        pulled_by=by.user.id,
        source=by.source,
        outcome=PullOutcome.APPLIED,
    )
    session.add(pull)
    await session.flush()
    days = """
        select cast(:customer_id as bigint) as customer_id, day, calls as api_usage
        from unnest(cast(:days as date[]), cast(:calls as bigint[])) t (day, calls)"""
    figures = f"""
        select customer_id, {period.year} as year, {period.month} as month,
               sum(api_usage)::bigint as api_usage
        from ({days}) d group by customer_id"""
    values = {"customer_id": customer_id, "days": [*calls], "calls": [*calls.values()]}
    origin = UsageOrigin(by.user.id, by.now, Source(by.source), pull_id=pull.id)
    await merge_usage(session, figures, origin, values, days=days)
    return pull
