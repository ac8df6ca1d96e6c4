"""Asking a source for a month, as a job: a warehouse may take its time."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Context
from models.errors import WrongState
from models.outbox.jobs import PullCall, Task, defer_pull
from models.people.permissions import Permission
from models.people.who_can import require
from models.period import Period
from models.usage.sources import UsageSource, source_by_id

Underway = frozenset[tuple[int, Period]]


async def ask_source(
    session: AsyncSession,
    source_id: int,
    period: Period,
    context: Context,
    *,
    anyway: bool = False,
    is_check: bool = False,
) -> UsageSource:
    """Usage of the month is brought from there a moment later; `anyway`: also where that takes
    much away. `is_check`: only to say what would change.

    Refuses a source that is switched off, a month that has not begun, and what is asked already.
    """
    await require(session, context.user, Permission.KEEP_BOOKS)
    period.refuse_if_ahead(context.today)
    source = await source_by_id(session, source_id)
    if (source_id, period) in await pulls_underway(session):
        raise WrongState(
            f"{source.name} is being asked for {period.in_words} already; what comes of it is shown"
            " once it has answered."
        )
    asked = (source_id, str(period), context.user.id, context.source)
    await defer_pull(session, PullCall(*asked, anyway=anyway, is_check=is_check))
    return source


async def pulls_underway(session: AsyncSession) -> Underway:
    """The sources, and the months of each, that are asked right now, or as soon as may be."""
    found = await session.execute(_UNDERWAY, {"task": Task.PULL_USAGE})
    return frozenset((int(source_id), Period.parse(month)) for source_id, month in found)


_UNDERWAY = sa.text("""
select args ->> 'source_id', args ->> 'month' from procrastinate_jobs
where task_name = :task and status in ('todo', 'doing')
""")
