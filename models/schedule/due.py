"""What time brings about: how often it is asked whether something is due, and who knows."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.absence import end_absences, end_lost_delegations
from models.batches.upkeep import upkeep_step
from models.context import Context
from models.outbox.private_answers import forget_expired_answers
from models.outbox.pruning import prune_outbox
from models.people.expiry import delete_expired
from models.schedule.month_end import MONTH_END, end_months
from models.schedule.pulls import PULLS, promise_pulls
from models.schedule.reminders import escalate, remind
from models.schedule.scheduled_work import claim, keep_position, kinds_due, mark_done, position
from models.schedule.weekly import WEEKLY, tell_of_week
from models.usage.alerts import customers_with_usage, raise_alerts
from models.webhooks.delivery import prune_webhooks


@dataclass(frozen=True)
class Outcome:
    """What was done, counted by what; `is_left`: there is more to do, in another transaction."""

    counts: Mapping[str, int] = field(default_factory=dict)
    is_left: bool = False


@dataclass(frozen=True)
class Scheduled:
    """`do` asks what is due by the context's `now`, and does it, as `system`; at most `every` so
    often. It is one step of a transaction, and never done by two programs at once.
    """

    kind: str
    every: timedelta
    do: Callable[[AsyncSession, Context], Awaitable[Outcome]]


async def due(session: AsyncSession, context: Context) -> list[Scheduled]:
    """What to try now."""
    every = {one.kind: one.every for one in SCHEDULED}
    kinds = await kinds_due(session, every, context.now)
    return [one for one in SCHEDULED if one.kind in kinds]


async def do_if_due(session: AsyncSession, one: Scheduled, context: Context) -> Outcome:
    """Do it in this transaction, unless somebody else has or is at it."""
    if not await claim(session, one.kind, one.every, context.now):
        return Outcome()
    outcome = await one.do(session, context)
    await mark_done(session, one.kind, None if outcome.is_left else context.now)
    return outcome


async def _end_months(session: AsyncSession, context: Context) -> Outcome:
    return Outcome({"months": await end_months(session, context)})


async def _tell_of_week(session: AsyncSession, context: Context) -> Outcome:
    return Outcome({"told": await tell_of_week(session, context)})


PRUNED_AT_ONCE = 5_000


async def _end_absences(session: AsyncSession, context: Context) -> Outcome:
    returned = await end_absences(session, context)
    lost = await end_lost_delegations(session, context)
    return Outcome({"returned": returned, "delegates_lost": lost})


async def _prune(session: AsyncSession, context: Context) -> Outcome:
    expired = await delete_expired(session, context.now)
    await forget_expired_answers(session, context.now)
    pruned = await prune_webhooks(session, context.now, PRUNED_AT_ONCE)
    told = await prune_outbox(session, context.now, PRUNED_AT_ONCE)
    counts = {"expired": expired, "webhook_deliveries": pruned, "told": told}
    return Outcome(counts, is_left=pruned + told > 0)


UPKEEP = "upkeep"


async def _keep_up(session: AsyncSession, context: Context) -> Outcome:
    """Terms come into force, and bills whose figures are not those of usage and terms any more,
    whoever changed them, are settled: a few customers at each step.
    """
    step = await upkeep_step(session, context, await position(session, UPKEEP))
    await keep_position(session, UPKEEP, step.upto or 0)
    counts = {"new_terms": step.shown, **step.settled.counts}
    return Outcome(counts, is_left=step.upto is not None)


async def _promise_pulls(session: AsyncSession, context: Context) -> Outcome:
    return Outcome({"pulls": await promise_pulls(session, context)})


USAGE_ALERTS = "usage_alerts"
LOOKED_AT_ONCE = 2_000


async def _look_at_usage(session: AsyncSession, context: Context) -> Outcome:
    """What large files have brought, and what no figure brings about: another limit, say."""
    after = await position(session, USAGE_ALERTS)
    customers = await customers_with_usage(session, context, after, LOOKED_AT_ONCE)
    raised = await raise_alerts(session, context, customers)
    is_left = len(customers) == LOOKED_AT_ONCE
    await keep_position(session, USAGE_ALERTS, customers[-1] if is_left else 0)
    return Outcome({"usage_alerts": raised}, is_left=is_left)


async def _remind(session: AsyncSession, context: Context) -> Outcome:
    bills, is_left = await remind(session, context)
    return Outcome({"reminded": bills}, is_left)


async def _escalate(session: AsyncSession, context: Context) -> Outcome:
    bills, is_left = await escalate(session, context)
    return Outcome({"escalated": bills}, is_left)


SCHEDULED = (
    Scheduled(PULLS, timedelta(minutes=1), _promise_pulls),
    Scheduled(MONTH_END, timedelta(minutes=1), _end_months),
    Scheduled(WEEKLY, timedelta(minutes=5), _tell_of_week),
    Scheduled("absences", timedelta(minutes=5), _end_absences),
    Scheduled("reminders", timedelta(minutes=15), _remind),
    Scheduled("escalations", timedelta(minutes=15), _escalate),
    Scheduled("prune", timedelta(minutes=5), _prune),
    Scheduled(UPKEEP, timedelta(minutes=5), _keep_up),
    Scheduled(USAGE_ALERTS, timedelta(hours=1), _look_at_usage),
)
"""In the order in which they are tried; each in a transaction of its own."""
