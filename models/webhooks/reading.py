"""Webhooks and their deliveries, for whoever looks after them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import NotFound
from models.webhooks.payload import payloads_of
from models.webhooks.webhooks import Attempt, DeliveryStatus, Webhook, WebhookDelivery, WebhookState

PAGE, LONG_PAGE = 50, 200


@dataclass(frozen=True)
class DeliveryPage:
    """Deliveries, the newest first; `more`: the id before which to go on, None at the end."""

    deliveries: Sequence[WebhookDelivery]
    more: int | None


@dataclass(frozen=True)
class DeliveryDetails:
    """One delivery with its body and all that was tried."""

    delivery: WebhookDelivery
    payload: str
    attempts: Sequence[Attempt]


async def list_webhooks(session: AsyncSession) -> Sequence[Webhook]:
    """All there are, which are few."""
    kept = sa.select(Webhook).where(Webhook.state != WebhookState.DELETED)
    return (await session.scalars(kept.order_by(Webhook.id))).all()


async def state_of_webhooks(session: AsyncSession, webhook_id: int | None = None) -> str:
    """Something that differs as soon as a webhook does or, of one, what it was sent lately."""
    return await session.scalar(_STATE, {"webhook_id": webhook_id, "latest": PAGE}) or "none"


_STATE = sa.text("""
select md5(concat_ws('|',
    (select string_agg(w::text, ',' order by id) from webhooks w
     where w.state <> 'deleted' and (cast(:webhook_id as bigint) is null or id = :webhook_id)),
    (select string_agg(latest::text, ',') from (
        select id, status, attempts, next_attempt_at from webhook_deliveries
        where webhook_id = :webhook_id order by id desc limit :latest) latest)))
""")


async def state_of_delivery(session: AsyncSession, delivery_id: int) -> str:
    """Something that differs as soon as a delivery was tried, or its webhook changed."""
    return await session.scalar(_STATE_OF_DELIVERY, {"delivery_id": delivery_id}) or "none"


_STATE_OF_DELIVERY = sa.text("""
select md5(concat_ws('|', d.status, d.attempts, d.next_attempt_at, w.state))
from webhook_deliveries d join webhooks w on w.id = d.webhook_id where d.id = :delivery_id
""")


async def find_webhook(session: AsyncSession, webhook_id: int) -> Webhook:
    found = await session.get(Webhook, webhook_id)
    if found is None or found.state == WebhookState.DELETED:
        raise NotFound("There is no such webhook.")
    return found


async def list_deliveries(
    session: AsyncSession,
    webhook_id: int,
    status: DeliveryStatus | None = None,
    before: int | None = None,
    most: int = PAGE,
) -> DeliveryPage:
    """What the webhook was promised lately; `before`: only older than that id."""
    query = sa.select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
    if status is not None:
        query = query.where(WebhookDelivery.status == status)
    if before is not None:
        query = query.where(WebhookDelivery.id < before)
    found = (await session.scalars(query.order_by(WebhookDelivery.id.desc()).limit(most + 1))).all()
    return DeliveryPage(found[:most], found[most - 1].id if len(found) > most else None)


async def all_deliveries(
    session: AsyncSession, webhook_id: int, status: DeliveryStatus | None = None
) -> AsyncIterator[WebhookDelivery]:
    """The same, however many they are."""
    found = await list_deliveries(session, webhook_id, status, most=LONG_PAGE)
    while found.deliveries:
        for delivery in found.deliveries:
            yield delivery
        if found.more is None:
            return
        found = await list_deliveries(session, webhook_id, status, found.more, LONG_PAGE)


async def load_delivery(
    session: AsyncSession, webhook_id: int, delivery_id: int
) -> DeliveryDetails:
    """Refuses an id that is not one of this webhook's deliveries."""
    query = sa.select(WebhookDelivery).where(
        WebhookDelivery.id == delivery_id, WebhookDelivery.webhook_id == webhook_id
    )
    delivery = (await session.scalars(query)).one_or_none()
    if delivery is None:
        raise NotFound("There is no such delivery.")
    attempts = sa.select(Attempt).where(Attempt.delivery_id == delivery.id).order_by(Attempt.id)
    payloads = await payloads_of(session, [delivery])
    return DeliveryDetails(delivery, payloads[delivery.id], (await session.scalars(attempts)).all())


async def find_delivery(session: AsyncSession, delivery_id: int) -> WebhookDelivery:
    """Whatever webhook it is promised to. Refuses an unknown id."""
    found = await session.get(WebhookDelivery, delivery_id)
    if found is None:
        raise NotFound("There is no such delivery.")
    return found
