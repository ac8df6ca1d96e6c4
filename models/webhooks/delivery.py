"""What a webhook is to be sent next, and what came of it.

Each function is one step of the caller's transaction. A webhook is served by one worker at a time,
so that what is due stays due until that worker says otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.outbox.jobs import defer_send_webhook, drop_answered_calls
from models.outbox.notifications import notify_webhook_off
from models.webhooks.payload import payloads_of
from models.webhooks.webhooks import (
    Attempt,
    DeliveryStatus,
    OffCause,
    Webhook,
    WebhookDelivery,
    WebhookSecret,
    WebhookState,
)

GONE = 410
FIRST_PAUSE = timedelta(seconds=5)
GROWTH = 3
LONGEST_PAUSE = timedelta(hours=4)
GIVEN_UP_AFTER = timedelta(days=1)
OFF_AFTER = timedelta(days=3)
LONGEST_REST = timedelta(minutes=10)
LOOK_AHEAD = 200
PRUNED_AFTER = timedelta(days=30)


@dataclass(frozen=True)
class Due:
    """Some deliveries to make at once, with the secrets to sign them with, the newest first."""

    address: str
    secrets: tuple[str, ...] = field(repr=False)
    deliveries: tuple[WebhookDelivery, ...]
    bodies: dict[int, str]


@dataclass(frozen=True)
class AttemptOutcome:
    """What came of one attempt: an answer's status and first bytes, or a `failure`.

    `retry_after_s`: how long the receiver asks to be left alone.
    """

    delivery_id: int
    at: datetime
    duration_ms: int
    status: int | None = None
    response: str | None = None
    failure: str | None = None
    retry_after_s: int = 0

    @property
    def is_taken(self) -> bool:
        return self.failure is None and self.status is not None and 200 <= self.status < 300


async def next_due(session: AsyncSession, webhook_id: int, now: datetime, most: int) -> Due | None:
    """What is due, of each bill its oldest event; None where there is nothing, or where nothing is
    sent to the webhook now.
    """
    await drop_answered_calls(session, webhook_id)
    webhook = await session.get(Webhook, webhook_id)
    if webhook is None or webhook.state != WebhookState.ACTIVE:
        return None
    if webhook.rests_until is not None and webhook.rests_until > now:
        return None
    values = {"webhook_id": webhook_id, "now": now}
    await session.execute(_WAIT_BEHIND, values | {"ahead": LOOK_AHEAD})
    due = sa.select(WebhookDelivery).from_statement(_DUE)
    found = (await session.scalars(due, values | {"most": most})).all()
    if not found:
        return None
    secrets = await session.scalars(
        sa.select(WebhookSecret.secret)
        .where(WebhookSecret.webhook_id == webhook_id)
        .where(sa.or_(WebhookSecret.expires_at.is_(None), WebhookSecret.expires_at > now))
        .order_by(WebhookSecret.id.desc())
    )
    return Due(webhook.address, tuple(secrets), tuple(found), await payloads_of(session, found))


_WAIT_BEHIND = sa.text("""
with behind as (
    select d.id, earlier.until
    from (
        select * from webhook_deliveries
        where webhook_id = :webhook_id and status = 'waiting' and next_attempt_at <= :now
        order by next_attempt_at, id limit :ahead) d
    cross join lateral (
        select max(e.next_attempt_at) as until from webhook_deliveries e
        where e.webhook_id = d.webhook_id and e.bill_id = d.bill_id and e.status = 'waiting'
          and e.id < d.id and e.next_attempt_at > :now) earlier
    where earlier.until is not null
)
update webhook_deliveries d set next_attempt_at = behind.until from behind where d.id = behind.id
""")
"""Of what is due first, whatever stands behind an earlier event of its bill waits for that one."""

_DUE = sa.text("""
select d.* from webhook_deliveries d
where d.webhook_id = :webhook_id and d.status = 'waiting' and d.next_attempt_at <= :now
  and not exists (
      select from webhook_deliveries e
      where e.webhook_id = d.webhook_id and e.bill_id = d.bill_id and e.status = 'waiting'
        and e.id < d.id)
order by d.next_attempt_at, d.id limit :most
""")


async def record_outcomes(
    session: AsyncSession,
    webhook_id: int,
    outcomes: Sequence[AttemptOutcome],
    now: datetime,
    crowd: int,
) -> OffCause | None:
    """Write down what came of deliveries, and what that says of their receiver; returns why nothing
    is sent there any more, where that is so from now on.

    What was not taken is tried again, ever later, for a day. A receiver that takes nothing of a
    `crowd` is left alone for as long as that has been going on, at most ten minutes; one that says
    it is gone, or has taken nothing for three days, is not sent anything any more. Of what was
    forgotten meanwhile nothing is written down.
    """
    locked = sa.select(Webhook).where(Webhook.id == webhook_id).with_for_update(key_share=True)
    query = locked.execution_options(populate_existing=True)
    webhook = (await session.scalars(query)).one_or_none()
    if webhook is None:
        return None
    sent = sa.select(WebhookDelivery).where(
        WebhookDelivery.id.in_([one.delivery_id for one in outcomes])
    )
    ordered = sent.order_by(WebhookDelivery.id).with_for_update(key_share=True)
    deliveries = {one.id: one for one in await session.scalars(ordered)}
    for outcome in outcomes:
        if outcome.delivery_id in deliveries:
            _record(session, deliveries[outcome.delivery_id], outcome, now)
    cause = _judge(webhook, outcomes, now, crowd)
    if webhook.state != WebhookState.ACTIVE:
        cause = None
    if cause is not None:
        webhook.state, webhook.off_cause = WebhookState.OFF, cause
        await session.flush()
        await notify_webhook_off(session, webhook.id, cause, now)
    await session.flush()
    return cause


def _record(
    session: AsyncSession, delivery: WebhookDelivery, outcome: AttemptOutcome, now: datetime
) -> None:
    session.add(
        Attempt(
            delivery_id=delivery.id,
            attempted_at=outcome.at,
            duration_ms=outcome.duration_ms,
            response_status=outcome.status,
            response=outcome.response,
            failure=outcome.failure,
        )
    )
    delivery.first_attempt_at = delivery.first_attempt_at or outcome.at
    delivery.attempts += 1
    if outcome.is_taken:
        delivery.status = DeliveryStatus.DELIVERED
        return
    end = delivery.first_attempt_at + GIVEN_UP_AFTER
    if now >= end or outcome.status == GONE:
        delivery.status = DeliveryStatus.FAILED
    else:
        asked = timedelta(seconds=outcome.retry_after_s)
        delivery.next_attempt_at = min(now + max(_pause(delivery, now), asked), end)


def _pause(delivery: WebhookDelivery, now: datetime) -> timedelta:
    """The next pause grows with the time spent on it so far, and is a little different for each."""
    assert delivery.first_attempt_at is not None
    spent = now - delivery.first_attempt_at
    jitter = 0.8 + delivery.id % 5 * 0.1
    return min(max(FIRST_PAUSE, spent * (GROWTH - 1)), LONGEST_PAUSE) * jitter


def _judge(
    webhook: Webhook, outcomes: Sequence[AttemptOutcome], now: datetime, crowd: int
) -> OffCause | None:
    """Note whether it is failing; returns why nothing is sent there any more, if so."""
    if any(one.is_taken for one in outcomes):
        webhook.failing_since = webhook.rests_until = None
    else:
        webhook.failing_since = webhook.failing_since or min(one.at for one in outcomes)
        failing = now - webhook.failing_since
        if len(outcomes) >= crowd:
            webhook.rests_until = now + min(max(failing, FIRST_PAUSE), LONGEST_REST)
        if failing >= OFF_AFTER:
            return OffCause.FAILING
    return OffCause.GONE if any(one.status == GONE for one in outcomes) else None


async def defer_due_webhooks(session: AsyncSession, now: datetime) -> None:
    """Send for a worker wherever something is due by now and no job is on its way."""
    for webhook_id in (await session.scalars(_NEGLECTED, {"now": now})).all():
        await defer_send_webhook(session, webhook_id)


_NEGLECTED = sa.text("""
select w.id from webhooks w
where w.state = 'active' and coalesce(w.rests_until, :now) <= :now
  and exists (
      select from webhook_deliveries d
      where d.webhook_id = w.id and d.status = 'waiting' and d.next_attempt_at <= :now)
  and not exists (
      select from procrastinate_jobs j
      where j.lock = 'webhook:' || w.id and j.status in ('todo', 'doing'))
order by w.id
""")


async def prune_webhooks(session: AsyncSession, now: datetime, most: int) -> int:
    """Forget deliveries of a month ago, and all of webhooks that were deleted, at most so many of
    each; returns how many there were. A webhook goes the time after its last deliveries, since it
    is locked before them.
    """
    values = {"before": now - PRUNED_AFTER, "most": most}
    await session.execute(_DROP_DELETED)
    pruned = len((await session.execute(_PRUNE_OLD, values)).all())
    pruned += len((await session.execute(_PRUNE_DELETED, values)).all())
    return pruned


_PRUNE_OLD = sa.text("""
delete from webhook_deliveries where id in (
    select id from (select id, created_at from webhook_deliveries order by id limit :most) oldest
    where created_at < :before)
returning id
""")
_PRUNE_DELETED = sa.text("""
delete from webhook_deliveries where id in (
    select d.id from webhooks w join webhook_deliveries d on d.webhook_id = w.id
    where w.state = 'deleted' limit :most)
returning id
""")
_DROP_DELETED = sa.text("""
delete from webhooks w where w.state = 'deleted'
  and not exists (select from webhook_deliveries d where d.webhook_id = w.id)
""")
