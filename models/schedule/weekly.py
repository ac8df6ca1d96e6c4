"""The week of Finance: one digest, on its first working morning."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Context
from models.outbox.notifications import notify_weekly_digest
from models.period import Period
from models.schedule.scheduled_work import done_for, is_first
from models.schedule.working_hours import WorkingHours

WEEKLY = "weekly_digest"


async def tell_of_week(session: AsyncSession, context: Context) -> int:
    """Promise Finance the digest of this week, once, in the company's working hours: on Monday
    morning, or as soon after as somebody can be told. Returns to how many.

    The week in which this is looked at for the first time has none.
    """
    local = context.now.astimezone(context.settings.zone)
    week = _week(local)
    known = await done_for(session, WEEKLY)
    if not known.keys() - {""}:
        await is_first(session, WEEKLY, week, context.now)
        return 0
    if week in known or not WorkingHours.of_company(context.settings).contains(local):
        return 0
    month = str(Period.last_closed(context.now, context.settings.zone))
    told = await notify_weekly_digest(session, week, month, context.now)
    if told:
        await is_first(session, WEEKLY, week, context.now)
    return told


def _week(local: datetime) -> str:
    """As in `2026-W45`, which begins on a Monday."""
    year, week, _ = local.isocalendar()
    return f"{year}-W{week:02}"
