"""What Finance does with webhooks: add, change, pause, delete, test, and send again."""

import base64
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Context
from models.errors import Faults, Invalid, NotFound, WrongState
from models.outbox.jobs import defer_send_webhook
from models.people.permissions import Permission
from models.people.who_can import require
from models.webhooks.addresses import read_address
from models.webhooks.events import TEST, Event
from models.webhooks.webhooks import (
    DeliveryStatus,
    Webhook,
    WebhookDelivery,
    WebhookSecret,
    WebhookState,
)

MOST_WEBHOOKS = 20
MOST_SECRETS = 5
MOST_AGAIN = 10_000
SECRET_BYTES = 32
OVERLAP = timedelta(days=1)


async def add_webhook(
    session: AsyncSession, context: Context, address: str, events: Collection[str]
) -> tuple[Webhook, str]:
    """Tell `address` of these events from now on; returns the secret as well, which is never told
    again. Refuses whoever may not, an address that may not be sent to, and one webhook too many.
    """
    await require(session, context.user, Permission.KEEP_WEBHOOKS)
    webhook = Webhook(
        state=WebhookState.ACTIVE,
        created_by_id=context.user.id,
        created_at=context.now,
    )
    _fill(webhook, context, address, events)
    await session.execute(sa.text("select pg_advisory_xact_lock(hashtext('webhooks'))"))
    kept = sa.select(sa.func.count()).where(Webhook.state != WebhookState.DELETED)
    if (await session.scalar(kept) or 0) >= MOST_WEBHOOKS:
        raise WrongState(f"There are {MOST_WEBHOOKS} webhooks already; delete one first.")
    session.add(webhook)
    await session.flush()
    return webhook, await _add_secret(session, webhook, context.now)


def _fill(
    webhook: Webhook, context: Context, address: str | None, events: Collection[str] | None
) -> None:
    """With what is given; all that cannot be kept of it is refused together."""
    faults = Faults()
    if address is not None:
        with faults.noted():
            webhook.address = read_address(address, context.settings.webhook_hosts)
    if events is not None:
        with faults.noted():
            webhook.events = _read_events(events)
    faults.refuse()


def _read_events(events: Collection[str]) -> list[str]:
    """In their own order, each once."""
    unknown = set(events) - set(Event)
    if unknown:
        raise Invalid(f"There is no event {sorted(unknown)[0]}.", "events")
    if not events:
        raise Invalid("Choose at least one event.", "events")
    return [event for event in Event if event in events]


async def _add_secret(session: AsyncSession, webhook: Webhook, now: datetime) -> str:
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    session.add(WebhookSecret(webhook_id=webhook.id, secret=secret, created_at=now))
    await session.flush()
    return secret


async def webhook_to_keep(session: AsyncSession, context: Context, webhook_id: int) -> Webhook:
    """The webhook, locked. Refuses whoever may not, and what there is not or not any more."""
    await require(session, context.user, Permission.KEEP_WEBHOOKS)
    locked = sa.select(Webhook).where(Webhook.id == webhook_id).with_for_update(key_share=True)
    query = locked.execution_options(populate_existing=True)
    found = (await session.scalars(query)).one_or_none()
    if found is None or found.state == WebhookState.DELETED:
        raise NotFound("There is no such webhook.")
    return found


async def change_webhook(
    session: AsyncSession,
    context: Context,
    webhook_id: int,
    *,
    address: str | None = None,
    events: Collection[str] | None = None,
    paused: bool | None = None,
) -> Webhook:
    """Change what is given. What happened while it was paused or off goes out when it goes on."""
    webhook = await webhook_to_keep(session, context, webhook_id)
    _fill(webhook, context, address, events)
    if paused:
        webhook.state = WebhookState.PAUSED
    elif paused is False:
        webhook.state = WebhookState.ACTIVE
        webhook.off_cause = None
    if paused is False or address is not None:
        webhook.failing_since = webhook.rests_until = None
        await defer_send_webhook(session, webhook.id)
    await session.flush()
    return webhook


async def delete_webhook(session: AsyncSession, context: Context, webhook_id: int) -> None:
    """Nothing is sent there any more, and its secrets are gone at once."""
    webhook = await webhook_to_keep(session, context, webhook_id)
    webhook.state = WebhookState.DELETED
    await session.execute(sa.delete(WebhookSecret).where(WebhookSecret.webhook_id == webhook.id))
    await session.flush()


async def rotate_secret(session: AsyncSession, context: Context, webhook_id: int) -> str:
    """Another secret, told once. The former one signs beside it for a day."""
    webhook = await webhook_to_keep(session, context, webhook_id)
    of_webhook = WebhookSecret.webhook_id == webhook.id
    await session.execute(
        sa.delete(WebhookSecret).where(of_webhook, WebhookSecret.expires_at <= context.now)
    )
    if (await session.scalar(sa.select(sa.func.count()).where(of_webhook)) or 0) >= MOST_SECRETS:
        raise WrongState("It was given enough secrets today; wait until the former ones end.")
    await session.execute(
        sa.update(WebhookSecret)
        .where(of_webhook, WebhookSecret.expires_at.is_(None))
        .values(expires_at=context.now + OVERLAP)
    )
    return await _add_secret(session, webhook, context.now)


async def send_test(session: AsyncSession, context: Context, webhook_id: int) -> WebhookDelivery:
    """Promise the webhook an event that means nothing. Refuses one that nothing is sent to."""
    webhook = await webhook_to_keep(session, context, webhook_id)
    if webhook.state != WebhookState.ACTIVE:
        raise WrongState("Nothing is sent to this webhook now. Resume it first.")
    delivery = WebhookDelivery(
        webhook_id=webhook.id,
        event=TEST,
        status=DeliveryStatus.WAITING,
        attempts=0,
        next_attempt_at=context.now,
        created_at=context.now,
    )
    session.add(delivery)
    await session.flush()
    await defer_send_webhook(session, webhook.id)
    return delivery


async def send_again(
    session: AsyncSession, context: Context, webhook_id: int, delivery_id: int
) -> WebhookDelivery:
    """Promise it once more, whatever came of it, with the same message id."""
    webhook = await webhook_to_keep(session, context, webhook_id)
    query = sa.select(WebhookDelivery).where(
        WebhookDelivery.id == delivery_id, WebhookDelivery.webhook_id == webhook.id
    )
    delivery = (await session.scalars(query.with_for_update(key_share=True))).one_or_none()
    if delivery is None:
        raise NotFound("There is no such delivery.")
    await _promise_again(session, context, webhook, [delivery.id])
    await session.refresh(delivery)
    return delivery


async def send_failed_again(
    session: AsyncSession, context: Context, webhook_id: int, since: datetime
) -> int:
    """The same of all that happened `since` then and was given up, the oldest first and at most
    `MOST_AGAIN` at once; returns how many.
    """
    webhook = await webhook_to_keep(session, context, webhook_id)
    query = (
        sa.select(WebhookDelivery.id)
        .where(WebhookDelivery.webhook_id == webhook.id, WebhookDelivery.created_at >= since)
        .where(WebhookDelivery.status == DeliveryStatus.FAILED)
        .order_by(WebhookDelivery.id)
        .limit(MOST_AGAIN)
        .with_for_update(key_share=True)
    )
    found = (await session.scalars(query)).all()
    await _promise_again(session, context, webhook, found)
    return len(found)


async def _promise_again(
    session: AsyncSession, context: Context, webhook: Webhook, delivery_ids: Sequence[int]
) -> None:
    """With a day of attempts before it, as for something new."""
    if webhook.state != WebhookState.ACTIVE:
        raise WrongState("Nothing is sent to this webhook now. Resume it first.")
    await session.execute(
        sa.update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(delivery_ids))
        .values(status=DeliveryStatus.WAITING, first_attempt_at=None, next_attempt_at=context.now)
    )
    await defer_send_webhook(session, webhook.id)
