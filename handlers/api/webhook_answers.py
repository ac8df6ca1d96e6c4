"""Webhooks and their deliveries as the JSON API tells them."""

import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from models.webhooks.events import Event
from models.webhooks.reading import DeliveryDetails
from models.webhooks.webhooks import (
    DeliveryStatus,
    OffCause,
    Webhook,
    WebhookDelivery,
    WebhookState,
)


class _Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class WebhookAnswer(_Row):
    """A webhook without its secret. `state`: `paused` by somebody, or `off` by itself, for
    `off_cause`; what happens meanwhile waits. `failing_since`: nothing was taken since then.
    """

    id: int
    address: str
    events: list[Event]
    state: WebhookState
    off_cause: OffCause | None
    created_by_id: int
    created_at: datetime
    failing_since: datetime | None


class NewWebhookAnswer(WebhookAnswer):
    """A webhook as it is added, with its secret, which is never told again."""

    secret: str = Field(pattern="^whsec_")


class SecretAnswer(BaseModel):
    """A secret, which is never told again. The former one signs as well for a day."""

    secret: str = Field(pattern="^whsec_")


class WebhooksAnswer(BaseModel):
    webhooks: list[WebhookAnswer]


class DeliveryAnswer(_Row):
    """An event promised to a webhook. `message_id`: the `webhook-id` that it is sent with, each
    time. `bill_id` and `action_id` are null of a test.
    """

    id: int
    webhook_id: int
    message_id: str
    event: str
    action_id: int | None
    bill_id: int | None
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime


class DeliveriesAnswer(BaseModel):
    """A page of deliveries, the newest first. `next_cursor` asks for the page after it; null on the
    last one.
    """

    deliveries: list[DeliveryAnswer]
    next_cursor: str | None


class AttemptAnswer(_Row):
    """What came of sending it once: an answer, of which `response` is the beginning, or a
    `failure`.
    """

    attempted_at: datetime
    duration_ms: int
    response_status: int | None
    response: str | None
    failure: str | None


class WholeDeliveryAnswer(DeliveryAnswer):
    """A delivery with what is sent, and what came of each attempt, the oldest first."""

    payload: dict[str, Any]
    tried: list[AttemptAnswer]


class SentAgainAnswer(BaseModel):
    """How many deliveries were promised again."""

    count: int


def new_webhook(webhook: Webhook, secret: str) -> NewWebhookAnswer:
    told = WebhookAnswer.model_validate(webhook)
    return NewWebhookAnswer(**told.model_dump(), secret=secret)


def delivery_answer(delivery: WebhookDelivery) -> DeliveryAnswer:
    """When it is tried next is told only while it waits."""
    told = DeliveryAnswer.model_validate(delivery)
    waits = delivery.status == DeliveryStatus.WAITING
    return told if waits else told.model_copy(update={"next_attempt_at": None})


def whole_delivery(found: DeliveryDetails) -> WholeDeliveryAnswer:
    return WholeDeliveryAnswer(
        **delivery_answer(found.delivery).model_dump(),
        payload=json.loads(found.payload),
        tried=[AttemptAnswer.model_validate(one) for one in found.attempts],
    )
