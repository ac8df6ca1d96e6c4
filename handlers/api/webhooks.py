"""Webhooks: who is told what happens to bills, and what became of it."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, Field

from handlers.api.fields import Asked
from handlers.api.webhook_answers import (
    DeliveriesAnswer,
    DeliveryAnswer,
    NewWebhookAnswer,
    SecretAnswer,
    SentAgainAnswer,
    WebhookAnswer,
    WebhooksAnswer,
    WholeDeliveryAnswer,
    delivery_answer,
    new_webhook,
    whole_delivery,
)
from handlers.http import webhooks
from handlers.http.csv_files import AS_CSV, csv_list
from handlers.http.gate import ApiRoute, Asking, HttpContext, open_to
from handlers.http.ids import PathId
from models.people.permissions import Permission
from models.webhooks import keeping
from models.webhooks.addresses import LONGEST
from models.webhooks.events import Event
from models.webhooks.reading import (
    PAGE,
    all_deliveries,
    find_webhook,
    list_deliveries,
    list_webhooks,
    load_delivery,
)
from models.webhooks.webhooks import DeliveryStatus

router = APIRouter(route_class=ApiRoute)
LARGEST_PAGE = 200

Address = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST,
        pattern=r"^https?://",
        description="Where to send to: public, and https, unless the settings name its host.",
        examples=["https://example.com/webhooks"],
    ),
]
Events = Annotated[list[Event], Field(min_length=1, max_length=len(Event))]


class WebhookRequest(Asked):
    address: Address
    events: Events


class WebhookChange(Asked):
    """What is to be changed. `paused` false also resumes a webhook that is off."""

    address: Address | None = None
    events: Events | None = None
    paused: bool | None = None


class SendAgainRequest(Asked):
    since: AwareDatetime = Field(description="What happened before is left as it is.")


class DeliveriesWanted(Asked):
    status: DeliveryStatus | None = None


class DeliveryQuery(DeliveriesWanted):
    cursor: str | None = Field(
        None, pattern=r"^[1-9]\d{0,17}$", description="`next_cursor` of the page before"
    )
    limit: int = Field(PAGE, ge=1, le=LARGEST_PAGE)


@router.get("/webhooks")
@open_to(Permission.KEEP_WEBHOOKS)
async def find_webhooks(context: Asking) -> WebhooksAnswer:
    """All webhooks, the oldest first."""
    return WebhooksAnswer(webhooks=[one async for one in _webhooks(context)])


@router.get("/webhooks.csv", response_class=StreamingResponse, responses=AS_CSV)
@open_to(Permission.KEEP_WEBHOOKS)
async def webhooks_as_csv(context: Asking) -> StreamingResponse:
    """The same as CSV, without secrets."""
    return await csv_list("webhooks", WebhookAnswer, _webhooks(context))


async def _webhooks(context: HttpContext) -> AsyncIterator[WebhookAnswer]:
    for one in await list_webhooks(context.session):
        yield WebhookAnswer.model_validate(one)


@router.post("/webhooks", status_code=201)
@open_to(Permission.KEEP_WEBHOOKS, holds_secret=True)
async def add_webhook(context: Asking, asked: WebhookRequest) -> NewWebhookAnswer:
    """Tell an address of these events from now on. Its secret is told here, and never again."""
    return new_webhook(*await webhooks.add_webhook(context, asked.address, asked.events))


@router.get("/webhooks/{webhook_id}")
@open_to(Permission.KEEP_WEBHOOKS)
async def show_webhook(context: Asking, webhook_id: PathId) -> WebhookAnswer:
    """A webhook, without its secret."""
    return WebhookAnswer.model_validate(await find_webhook(context.session, webhook_id))


@router.patch("/webhooks/{webhook_id}")
@open_to(Permission.KEEP_WEBHOOKS)
async def change_webhook(
    context: Asking, webhook_id: PathId, asked: WebhookChange
) -> WebhookAnswer:
    """Change its address or events, pause or resume it."""
    changed = await webhooks.change_webhook(
        context, webhook_id, address=asked.address, events=asked.events, paused=asked.paused
    )
    return WebhookAnswer.model_validate(changed)


@router.delete("/webhooks/{webhook_id}", status_code=204)
@open_to(Permission.KEEP_WEBHOOKS)
async def delete_webhook(context: Asking, webhook_id: PathId) -> None:
    """Send nothing there any more, and forget its secrets and deliveries."""
    await keeping.delete_webhook(context.session, context, webhook_id)


@router.post("/webhooks/{webhook_id}/secret", status_code=201)
@open_to(Permission.KEEP_WEBHOOKS, holds_secret=True)
async def rotate_secret(context: Asking, webhook_id: PathId) -> SecretAnswer:
    """Another secret, told here and never again. For a day the former one signs as well."""
    secret = await keeping.rotate_secret(context.session, context, webhook_id)
    return SecretAnswer(secret=secret)


@router.post("/webhooks/{webhook_id}/test", status_code=202)
@open_to(Permission.KEEP_WEBHOOKS)
async def send_test(context: Asking, webhook_id: PathId) -> DeliveryAnswer:
    """Send it `webhook.test`, which means nothing."""
    return delivery_answer(await keeping.send_test(context.session, context, webhook_id))


@router.post("/webhooks/{webhook_id}/send-again", status_code=202)
@open_to(Permission.KEEP_WEBHOOKS)
async def send_failed_again(
    context: Asking, webhook_id: PathId, asked: SendAgainRequest
) -> SentAgainAnswer:
    """Send again all that failed of what happened since then, at most 10,000 at once."""
    count = await keeping.send_failed_again(context.session, context, webhook_id, asked.since)
    return SentAgainAnswer(count=count)


@router.get("/webhooks/{webhook_id}/deliveries")
@open_to(Permission.KEEP_WEBHOOKS)
async def find_deliveries(
    context: Asking, webhook_id: PathId, asked: Annotated[DeliveryQuery, Query()]
) -> DeliveriesAnswer:
    """What it was promised in the last thirty days, the newest first."""
    await find_webhook(context.session, webhook_id)
    before = int(asked.cursor) if asked.cursor else None
    found = await list_deliveries(
        context.session, webhook_id, asked.status, before, most=asked.limit
    )
    return DeliveriesAnswer(
        deliveries=[delivery_answer(one) for one in found.deliveries],
        next_cursor=str(found.more) if found.more else None,
    )


@router.get(
    "/webhooks/{webhook_id}/deliveries.csv", response_class=StreamingResponse, responses=AS_CSV
)
@open_to(Permission.KEEP_WEBHOOKS)
async def deliveries_as_csv(
    context: Asking, webhook_id: PathId, asked: Annotated[DeliveriesWanted, Query()]
) -> StreamingResponse:
    """All of them as CSV."""
    await find_webhook(context.session, webhook_id)
    found = all_deliveries(context.session, webhook_id, asked.status)
    told = (delivery_answer(one) async for one in found)
    return await csv_list("deliveries", DeliveryAnswer, told)


@router.get("/webhooks/{webhook_id}/deliveries/{delivery_id}")
@open_to(Permission.KEEP_WEBHOOKS)
async def show_delivery(
    context: Asking, webhook_id: PathId, delivery_id: PathId
) -> WholeDeliveryAnswer:
    """A delivery with what is sent, and what came of each attempt."""
    await find_webhook(context.session, webhook_id)
    return whole_delivery(await load_delivery(context.session, webhook_id, delivery_id))


@router.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/send-again", status_code=202)
@open_to(Permission.KEEP_WEBHOOKS)
async def send_again(context: Asking, webhook_id: PathId, delivery_id: PathId) -> DeliveryAnswer:
    """Send it once more, whatever came of it, with the same `webhook-id`."""
    sent = await keeping.send_again(context.session, context, webhook_id, delivery_id)
    return delivery_answer(sent)
