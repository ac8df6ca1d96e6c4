"""When sources are asked for usage by themselves."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Context
from models.outbox.jobs import PullCall, defer_pull
from models.period import Period
from models.schedule.moments import moment_of
from models.schedule.scheduled_work import forget_before, is_first
from models.usage.pulls import PullOutcome, UsagePull, last_pulls_of_months, tried_sources
from models.usage.sources import UsageSource

PULLS = "pulls"
DAILY_DAYS = 7
"""A month that is over is asked for on each of so many days, since events come late, and then once
in as many."""

KNOWN_FOR = timedelta(days=60)


async def promise_pulls(session: AsyncSession, context: Context) -> int:
    """Each source is asked for the running month once a day; for a month that is over as soon as it
    is, and again while late usage is looked for. One that failed is asked again within the hour.
    Returns how many pulls that are.

    A month that was over before the source was added is somebody's own matter, and so is the first
    one that is taken in at all: what a new query answers is to be looked at before.
    """
    await forget_before(session, PULLS, context.now - KNOWN_FOR)
    last = await last_pulls_of_months(session)
    promised = 0
    for source in await tried_sources(session):
        for period, occasion in _due(source, last, context):
            if await is_first(session, PULLS, f"{source.id}:{period}:{occasion}", context.now):
                call = PullCall(source.id, str(period), context.user.id, context.source)
                await defer_pull(session, call)
                promised += 1
    return promised


def _due(
    source: UsageSource, last: Mapping[tuple[int, Period], UsagePull], context: Context
) -> Iterator[tuple[Period, str]]:
    """Months, and for each the occasion, for which it is asked for once."""
    settings, today = context.settings, context.today
    local = context.now.astimezone(settings.zone)
    is_time = moment_of(today, settings.pull_hour, settings.zone) <= context.now
    current = Period.of(today)
    for ago in range(max(1, settings.lookback_months) + 1):
        period = current.plus(-ago)
        if end_of(period, context) <= source.created_at:
            return
        days_over = (today - period.plus(1).first_day).days
        if 0 <= days_over < DAILY_DAYS:
            yield period, "over"
        if is_time and (days_over < DAILY_DAYS or days_over % DAILY_DAYS == 0):
            yield period, str(today)
        pull = last.get((source.id, period))
        if pull is not None and pull.outcome == PullOutcome.FAILED and pull.source == "clock":
            yield period, f"after a failure, {local:%Y-%m-%d %H}"


def end_of(period: Period, context: Context) -> datetime:
    """The first moment after the month, in the company's zone."""
    return period.edges(context.settings.zone)[1]


async def is_pull_awaited(session: AsyncSession, period: Period, context: Context) -> bool:
    """Whether a source that is asked for this month has not told all of it yet."""
    over_at = end_of(period, context)
    last = await last_pulls_of_months(session)
    return any(
        source.created_at < over_at and not _tells_all(last.get((source.id, period)), over_at)
        for source in await tried_sources(session)
    )


def _tells_all(pull: UsagePull | None, over_at: datetime) -> bool:
    return (
        pull is not None
        and pull.outcome in (PullOutcome.APPLIED, PullOutcome.UNCHANGED)
        and pull.started_at >= over_at
    )
