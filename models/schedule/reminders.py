"""Reminders: whoever is asked for an approval, ever later; and then Finance hears of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.bill import lock_bills
from models.bills.history import append_actions
from models.bills.states import Verb
from models.context import Context
from models.outbox.cards import RECIPIENTS, defer_redraw_cards_of_bills
from models.outbox.messages import MessageKind, add_messages_at
from models.outbox.notifications import notify_escalated
from models.schedule.working_hours import WorkingHours

REMIND_AFTER = (1, 2, 4, 8)
"""So many working days after they were asked, or reminded last, somebody is; in the end every 8."""

ESCALATE_AFTER, UNATTENDED_AFTER = 10, 1
"""So many working days after it began to wait, Finance hears of a bill, once; or so many where whom
it waits for is away, and nobody decides in their place.
"""

AT_ONCE = 1_000
"""So many bills are reminded of in one transaction, or all of one person's."""


class AskedFor(NamedTuple):
    """A bill that waits for somebody, and how often they were reminded: `last` so, or asked."""

    bill_id: int
    recipient: str
    zone: str | None
    times: int
    last: datetime

    def is_due(self, hours: WorkingHours, now: datetime) -> bool:
        wait = REMIND_AFTER[min(self.times, len(REMIND_AFTER) - 1)]
        return hours.contains(now) and hours.days_between(self.last, now) >= wait


_BEGAN = """
(select max(a.created_at) from bill_actions a
 where a.bill_id = b.id
   and a.action in ('generate', 'reissue', 'release', 'revise', 'invalidate', 'undo', 'reassign'))
"""
"""When the bill `b` began to wait for whom it waits for."""

# Whoever is away is not reminded, but their delegate is.
_WAITING = sa.text(f"""
with wanted as (
    select b.id as bill_id, s.role,
           case when u.away_until >= :today and d.slack_user_id is not null
                then d.id else s.user_id end as user_id,
           null::bigint as delegate_id, null::text as slack_channel_id
    from bills b
    cross join lateral approval_rules_of_bill(b.id, b.customer_id) r
    cross join lateral approver_slots(r, b.overage_amount, b.currency) s
    left join approvals given on given.bill_id = b.id and given.slot = s.slot
    left join users u on u.id = s.user_id
    left join users d on d.id = s.delegate_id
    where b.status = 'pending' and given.action_id is null
      and (u.away_until is null or u.away_until < :today or d.slack_user_id is not null)
      and (cast(:bill_ids as bigint[]) is null or b.id = any(:bill_ids))
),
{RECIPIENTS}
select distinct b.id as bill_id, w.recipient, u.slack_zone as zone, told.times,
       coalesce(told.last, began.at) as last
from recipients w
join bills b on b.id = w.bill_id
left join users u on 'user:' || u.id = w.recipient
cross join lateral (select {_BEGAN} as at) began
cross join lateral (
    select count(*) as times, max(a.created_at) as last from bill_actions a
    where a.bill_id = b.id and a.action = 'remind' and a.created_at >= began.at
      and a.snapshot -> 'reminded' ? w.recipient) told
where coalesce(told.last, began.at) <= :now
    - make_interval(days => (cast(:remind_after as int[]))[least(told.times, 3)::int + 1] - 1)
order by last, b.id, w.recipient
""")


async def remind(session: AsyncSession, context: Context) -> tuple[int, bool]:
    """Remind whoever has been asked, or reminded, long enough ago and works at this moment: each of
    all that waits for them, in one message. Returns of how many bills, and whether more are due.

    What somebody else decides at this moment is looked at again under its lock.
    """
    due = _due(await _waiting(session, context), context)
    chosen = list(_first_people(due))
    if not chosen:
        return 0, False
    ids = {"ids": sorted({one.bill_id for one in chosen})}
    locked = await lock_bills(session, _STILL_PENDING, ids)
    again = {(one.bill_id, one.recipient) for one in await _waiting(session, context, locked)}
    told = [one for one in chosen if (one.bill_id, one.recipient) in again]
    await _remind_of(session, context, told)
    return len({one.bill_id for one in told}), len(chosen) < len(due)


_STILL_PENDING = "select id from bills where id = any(:ids) and status = 'pending'"


async def _waiting(
    session: AsyncSession, context: Context, bill_ids: Sequence[int] | None = None
) -> list[AskedFor]:
    values = {
        "today": context.today,
        "now": context.now,
        "channel": context.settings.approvals_channel,
        "remind_after": list(REMIND_AFTER),
        "bill_ids": None if bill_ids is None else list(bill_ids),
    }
    return [AskedFor(*row) for row in await session.execute(_WAITING, values)]


def _due(waiting: Iterable[AskedFor], context: Context) -> list[AskedFor]:
    settings = context.settings
    hours: dict[str | None, WorkingHours] = {}
    found = []
    for one in waiting:
        if one.zone not in hours:
            zone = _zone(one.zone) or settings.zone
            hours[one.zone] = WorkingHours(zone, settings.days_off)
        if one.is_due(hours[one.zone], context.now):
            found.append(one)
    return found


def _zone(name: str | None) -> ZoneInfo | None:
    """What Slack says where somebody is; None where that is no zone that is known here."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _first_people(due: Sequence[AskedFor]) -> Iterable[AskedFor]:
    """All of the first few, whoever has waited longest before."""
    by_recipient = _by_recipient(due)
    count = 0
    for theirs in by_recipient.values():
        if count and count + len(theirs) > AT_ONCE:
            return
        count += len(theirs)
        yield from theirs


def _by_recipient(some: Iterable[AskedFor]) -> Mapping[str, list[AskedFor]]:
    found: defaultdict[str, list[AskedFor]] = defaultdict(list)
    for one in some:
        found[one.recipient].append(one)
    return found


async def _remind_of(session: AsyncSession, context: Context, told: Sequence[AskedFor]) -> None:
    reminded: defaultdict[int, list[str]] = defaultdict(list)
    for one in told:
        reminded[one.bill_id].append(one.recipient)
    of_each = {bill_id: {"reminded": sorted(who)} for bill_id, who in reminded.items()}
    await _append(session, context, Verb.REMIND, of_each)
    for recipient, theirs in sorted(_by_recipient(told).items()):
        facts = {"waiting": [one.bill_id for one in theirs]}
        key = f"reminder:{context.now.isoformat()}"
        await add_messages_at(session, MessageKind.REMINDER, key, [recipient], facts)


_APPEND = sa.text(f"""
with told as (
    select b.id, b.version, :action as action, t.snapshot
    from jsonb_to_recordset(cast(:told as jsonb)) t (id bigint, snapshot jsonb)
    join bills b on b.id = t.id
    order by b.id
)
{append_actions("told")}
""").bindparams(sa.bindparam("told", type_=sa.JSON))


async def _append(
    session: AsyncSession, context: Context, verb: Verb, of_each: Mapping[int, dict[str, Any]]
) -> None:
    """An action of `system` on each of these bills, which are locked."""
    if not of_each:
        return
    rows = [{"id": bill_id, "snapshot": snapshot} for bill_id, snapshot in of_each.items()]
    values = {"user_id": context.user.id, "source": context.source, "now": context.now}
    await session.execute(_APPEND, {"action": verb, "told": rows, **values})
    await defer_redraw_cards_of_bills(session, list(of_each))


_OVERDUE = sa.text(f"""
with alone as (
    select u.id from users u
    left join users d on d.id = u.delegate_id and d.active
        and (d.away_until is null or d.away_until < :today)
    where u.away_until >= :today and d.slack_user_id is null
),
theirs as (
    select b.id from bills b join customers c on c.id = b.customer_id
    where b.status = 'pending' and (
        c.csm_id in (select id from alone) or c.sales_id in (select id from alone)
        or b.id in (select bill_id from reassignments where user_id in (select id from alone)))
),
unattended as (
    select t.id from theirs t join approvers a on a.bill_id = t.id
    where a.given_action_id is null and a.user_id in (select id from alone)
)
select b.id, began.at, b.id in (select id from unattended) as is_unattended
from bills b cross join lateral (select {_BEGAN} as at) began
where b.status = 'pending'
  and (began.at <= :before or b.id in (select id from unattended) and began.at <= :now)
  and (cast(:bill_ids as bigint[]) is null or b.id = any(:bill_ids))
  and not exists (
      select from bill_actions a
      where a.bill_id = b.id and a.action = 'escalate' and a.created_at >= began.at)
order by began.at, b.id
limit :most
""")


async def escalate(session: AsyncSession, context: Context) -> tuple[int, bool]:
    """Finance hears, in one message, of bills that have waited too long, or that wait for somebody
    who is away, each once; returns of how many, and whether there are more.
    """
    hours = WorkingHours.of_company(context.settings)
    if not hours.contains(context.now):
        return 0, False
    found = await _overdue(session, hours, context)
    ids = {"ids": sorted(found)}
    locked = await lock_bills(session, _STILL_PENDING, ids) if found else []
    told = await _overdue(session, hours, context, locked) if locked else {}
    of_each = {bill_id: {"since": since.isoformat()} for bill_id, since in told.items()}
    await _append(session, context, Verb.ESCALATE, of_each)
    if told:
        await notify_escalated(session, list(told), context.now)
    return len(told), len(found) == AT_ONCE


async def _overdue(
    session: AsyncSession,
    hours: WorkingHours,
    context: Context,
    bill_ids: Sequence[int] | None = None,
) -> dict[int, datetime]:
    """The longest first."""
    values = {
        "before": context.now - timedelta(days=ESCALATE_AFTER - 1),
        "now": context.now,
        "today": context.today,
        "bill_ids": None if bill_ids is None else list(bill_ids),
        "most": AT_ONCE,
    }
    return {
        bill_id: since
        for bill_id, since, is_unattended in await session.execute(_OVERDUE, values)
        if hours.days_between(since, context.now)
        >= (UNATTENDED_AFTER if is_unattended else ESCALATE_AFTER)
    }
