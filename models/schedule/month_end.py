"""The end of a month: when it is, and what is done then, once a month."""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from models.batches.bill_run import start_bill_run
from models.context import Context
from models.outbox.notifications import month_end_key, notify_bill_run, notify_month_end
from models.people.permissions import Role
from models.people.users import users_with_role
from models.period import Period
from models.queries.month_board import is_usage_awaited
from models.schedule.moments import moment_of
from models.schedule.pulls import is_pull_awaited
from models.schedule.scheduled_work import done_for, forget, is_first, mark_done
from models.settings import MonthEnd

MONTH_END = "month_end"
SINCE, SEEN_ON = "switched on", "seen on"
SURELY_OFF = timedelta(hours=1)
"""Workers that are given other settings one after the other disagree for less than this."""


def month_end_at(period: Period, rule: MonthEnd, zone: ZoneInfo) -> datetime:
    """When the month is billed: never before it is over in the zone."""
    following = period.plus(1)
    days = monthrange(following.year, following.month)[1]
    return moment_of(following.first_day.replace(day=min(rule.day, days)), rule.hour, zone)


async def end_months(session: AsyncSession, context: Context) -> int:
    """Each month that has ended since this was switched on is generated, or shown to Finance, who
    do it by a click; returns how many. What was missed is made up for.

    One without any usage is told of once, and looked at again each day at that hour.
    """
    rule, known = context.settings.month_end, await done_for(session, MONTH_END)
    if rule is None:
        await _note_off(session, known, context.now)
        return 0
    since = await _note_on(session, known, context.now)
    due = [one for one in _months_due(since, context, rule) if str(one) not in known]
    looked_at = {period: known.get(_without_usage(period)) for period in due}
    wanted = [period for period in due if _is_looked_at(looked_at[period], context, rule)]
    return sum([await _end(session, context, rule, period) for period in wanted])


async def _note_on(session: AsyncSession, known: Mapping[str, datetime], now: datetime) -> datetime:
    """Since when it is switched on."""
    await mark_done(session, MONTH_END, now, SEEN_ON)
    await is_first(session, MONTH_END, SINCE, now)
    return known.get(SINCE, now)


async def _note_off(session: AsyncSession, known: Mapping[str, datetime], now: datetime) -> None:
    """What ends from now on does so while it is off, unless another worker has it on still."""
    if SINCE in known and known.get(SEEN_ON, now) < now - SURELY_OFF:
        await forget(session, MONTH_END, SINCE, SEEN_ON)


def _months_due(since: datetime, context: Context, rule: MonthEnd) -> Iterator[Period]:
    zone = context.settings.zone
    for period in Period.current(since, zone).through(Period.last_closed(context.now, zone)):
        if month_end_at(period, rule, zone) <= context.now:
            yield period


def _without_usage(period: Period) -> str:
    return f"{period} without usage"


def _is_looked_at(looked_at: datetime | None, context: Context, rule: MonthEnd) -> bool:
    """Whether it has been that hour since a month was found to be without usage."""
    if looked_at is None:
        return True
    days = (context.today, context.today - timedelta(days=1))
    hours = (moment_of(day, rule.hour, context.settings.zone) for day in days)
    return any(looked_at < hour <= context.now for hour in hours)


async def _end(session: AsyncSession, context: Context, rule: MonthEnd, period: Period) -> bool:
    """Whether it is done with; else it is looked at again."""
    month, factor = str(period), context.settings.jump_factor
    if await is_pull_awaited(session, period, context):
        return False  # whoever is to know why hears of the pull itself
    if await is_usage_awaited(session, period):
        await mark_done(session, MONTH_END, context.now, _without_usage(period))
        await notify_month_end(session, month, factor, is_awaited=True)
        return False
    if rule.automatic:
        await _generate(session, context, period)
    elif not await notify_month_end(session, month, factor):
        return False  # nobody is there to be told yet
    return await is_first(session, MONTH_END, month, context.now)


async def _generate(session: AsyncSession, context: Context, period: Period) -> None:
    key = month_end_key(str(period))
    run_id = await start_bill_run(session, period, context, context.settings.zone, None, key)
    finance = await users_with_role(session, Role.FINANCE)
    await notify_bill_run(session, run_id, *finance)
