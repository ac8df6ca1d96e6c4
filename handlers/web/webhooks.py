"""Webhooks: the list, one with what it was sent, and what is done with it."""

import json
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from handlers.http import webhooks as kept
from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import PathId
from handlers.web.forms import Draw, Form, Typed, shown_again
from handlers.web.live import live_delivery, live_webhooks
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording import webhook_text
from handlers.wording.formatting import counted, name
from models.errors import Invalid
from models.people.permissions import Permission
from models.webhooks import keeping
from models.webhooks.addresses import LONGEST
from models.webhooks.delivery import PRUNED_AFTER
from models.webhooks.events import Event
from models.webhooks.reading import (
    find_webhook,
    list_deliveries,
    list_webhooks,
    load_delivery,
)
from models.webhooks.webhooks import DeliveryStatus, Webhook

router = APIRouter(route_class=PageRoute)
SHOWN_CHARS = 300


@router.get("/webhooks")
@open_to(Permission.KEEP_WEBHOOKS)
async def webhooks(context: Asking) -> Response:
    """All of them."""
    live = await live_webhooks(context)
    found = await list_webhooks(context.session)
    return page(context.request, "webhooks.html.jinja", live=live, found=found, words=webhook_text)


# -- adding and changing -------------------------------------------------------------------


async def _form_page(context: HttpContext, form: Form, webhook: Webhook | None = None) -> Response:
    return page(
        context.request,
        "webhook_form.html.jinja",
        form=form,
        webhook=webhook,
        events=webhook_text.EVENT_WORDS,
        longest=LONGEST,
    )


def _chosen(typed: Mapping[str, str]) -> list[str]:
    return [event for event in Event if event in typed]


@router.get("/webhooks/new")
@open_to(Permission.KEEP_WEBHOOKS)
async def new_webhook(context: Asking) -> Response:
    return await _form_page(context, Form())


@router.post("/webhooks/new")
@open_to(Permission.KEEP_WEBHOOKS, holds_secret=True)
async def add_webhook(context: Asking, typed: Typed) -> Response:
    """The answer shows the secret, and nothing does later."""
    async with shown_again(context, typed, _form_page):
        address = typed.get("address", "")
        webhook, secret = await kept.add_webhook(context, address, _chosen(typed))
    return _secret_page(context, webhook, secret, is_new=True)


def _secret_page(context: HttpContext, webhook: Webhook, secret: str, *, is_new: bool) -> Response:
    return page(
        context.request,
        "webhook_secret.html.jinja",
        webhook=webhook,
        secret=secret,
        is_new=is_new,
    )


@router.get("/webhooks/{webhook_id}/edit")
@open_to(Permission.KEEP_WEBHOOKS)
async def edit_webhook(context: Asking, webhook_id: PathId) -> Response:
    return await _form_page(context, Form(), await find_webhook(context.session, webhook_id))


@router.post("/webhooks/{webhook_id}/edit")
@open_to(Permission.KEEP_WEBHOOKS)
async def change_webhook(context: Asking, webhook_id: PathId, typed: Typed) -> Response:
    async def drawn(context: HttpContext, form: Form) -> Response:
        webhook = await find_webhook(context.session, webhook_id)
        return await _form_page(context, form, webhook)

    await find_webhook(context.session, webhook_id)
    async with shown_again(context, typed, drawn):
        address, events = typed.get("address", ""), _chosen(typed)
        await kept.change_webhook(context, webhook_id, address=address, events=events)
    return see(context.request, f"/webhooks/{webhook_id}", "The webhook is changed.")


# -- one of them ---------------------------------------------------------------------------


@router.get("/webhooks/{webhook_id}")
@open_to(Permission.KEEP_WEBHOOKS)
async def webhook(
    context: Asking,
    webhook_id: PathId,
    status: Annotated[str, Query(max_length=50)] = "",
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> Response:
    """One webhook with what it was sent."""
    if status in ("", *DeliveryStatus):
        chosen = DeliveryStatus(status) if status else None
        return await _webhook_page(context, Form(), webhook_id, chosen, before)
    told = f"There is no list {name(status)}. There are: {', '.join(DeliveryStatus)}."
    answer = await _webhook_page(context, Form(trouble=told), webhook_id)
    answer.status_code = 422
    return answer


async def _webhook_page(
    context: HttpContext,
    form: Form,
    webhook_id: int,
    status: DeliveryStatus | None = None,
    before: int | None = None,
) -> Response:
    live = await live_webhooks(context, webhook_id)
    found = await list_deliveries(context.session, webhook_id, status, before)
    chosen = {"status": status.value} if status else {}
    here = f"/webhooks/{webhook_id}"
    after = urlencode(chosen | {"before": found.more}) if found.more else None
    return page(
        context.request,
        "webhook.html.jinja",
        live=None if form.is_refused or before else live,
        webhook=await find_webhook(context.session, webhook_id),
        form=form,
        deliveries=found.deliveries,
        status=status,
        statuses=list(DeliveryStatus),
        first=f"{here}?{urlencode(chosen)}" if before else None,
        after=f"{here}?{after}" if after else None,
        earliest=(context.today - PRUNED_AFTER).isoformat(),
        since=(context.today - timedelta(days=1)).isoformat(),
        words=webhook_text,
    )


def _webhook_again(webhook_id: int) -> Draw:
    async def drawn(context: HttpContext, form: Form) -> Response:
        return await _webhook_page(context, form, webhook_id)

    return drawn


@router.post("/webhooks/{webhook_id}/pause")
@open_to(Permission.KEEP_WEBHOOKS)
async def pause(context: Asking, webhook_id: PathId) -> Response:
    await keeping.change_webhook(context.session, context, webhook_id, paused=True)
    told = "Nothing is sent there until it is resumed."
    return see(context.request, f"/webhooks/{webhook_id}", told)


@router.post("/webhooks/{webhook_id}/resume")
@open_to(Permission.KEEP_WEBHOOKS)
async def resume(context: Asking, webhook_id: PathId) -> Response:
    await keeping.change_webhook(context.session, context, webhook_id, paused=False)
    return see(context.request, f"/webhooks/{webhook_id}", "What waited for it is sent now.")


@router.post("/webhooks/{webhook_id}/test")
@open_to(Permission.KEEP_WEBHOOKS)
async def send_test(context: Asking, webhook_id: PathId) -> Response:
    async with shown_again(context, {}, _webhook_again(webhook_id)):
        sent = await keeping.send_test(context.session, context, webhook_id)
    told = "A test is on its way. What comes of it appears here."
    return see(context.request, f"/webhooks/{webhook_id}/deliveries/{sent.id}", told)


@router.post("/webhooks/{webhook_id}/secret")
@open_to(Permission.KEEP_WEBHOOKS, holds_secret=True)
async def rotate_secret(context: Asking, webhook_id: PathId) -> Response:
    """The answer shows the secret, and nothing does later."""
    async with shown_again(context, {}, _webhook_again(webhook_id)):
        secret = await keeping.rotate_secret(context.session, context, webhook_id)
    webhook = await find_webhook(context.session, webhook_id)
    return _secret_page(context, webhook, secret, is_new=False)


@router.get("/webhooks/{webhook_id}/delete")
@open_to(Permission.KEEP_WEBHOOKS)
async def confirm_deletion(context: Asking, webhook_id: PathId) -> Response:
    webhook = await find_webhook(context.session, webhook_id)
    return page(context.request, "webhook_delete.html.jinja", webhook=webhook)


@router.post("/webhooks/{webhook_id}/delete")
@open_to(Permission.KEEP_WEBHOOKS)
async def delete_webhook(context: Asking, webhook_id: PathId) -> Response:
    await keeping.delete_webhook(context.session, context, webhook_id)
    return see(context.request, "/webhooks", "The webhook is deleted.")


# -- what it was sent ----------------------------------------------------------------------


@router.post("/webhooks/{webhook_id}/send-again")
@open_to(Permission.KEEP_WEBHOOKS)
async def send_failed_again(context: Asking, webhook_id: PathId, typed: Typed) -> Response:
    """All that failed since the beginning of a day."""
    async with shown_again(context, typed, _webhook_again(webhook_id)):
        since = _day_begins(context, typed.get("since", ""))
        count = await keeping.send_failed_again(context.session, context, webhook_id, since)
    told = f"{counted(count, 'delivery', 'deliveries')} will be sent again."
    return see(context.request, f"/webhooks/{webhook_id}", told if count else "Nothing has failed.")


def _day_begins(context: HttpContext, typed: str) -> datetime:
    try:
        day = datetime.strptime(typed, "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError:
        raise Invalid("Write a day as in 2026-11-03.", "since") from None
    return datetime.combine(day, time(), context.settings.zone)


@router.get("/webhooks/{webhook_id}/deliveries/{delivery_id}")
@open_to(Permission.KEEP_WEBHOOKS)
async def delivery(context: Asking, webhook_id: PathId, delivery_id: PathId) -> Response:
    """One delivery with its payload and each attempt."""
    live = await live_delivery(context, delivery_id)
    found = await load_delivery(context.session, webhook_id, delivery_id)
    return page(
        context.request,
        "webhook_delivery.html.jinja",
        live=live,
        webhook=await find_webhook(context.session, webhook_id),
        delivery=found.delivery,
        attempts=found.attempts[::-1],
        payload=json.dumps(json.loads(found.payload), indent=2, ensure_ascii=False),
        shown_chars=SHOWN_CHARS,
        words=webhook_text,
    )


@router.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/send-again")
@open_to(Permission.KEEP_WEBHOOKS)
async def send_again(context: Asking, webhook_id: PathId, delivery_id: PathId) -> Response:
    async with shown_again(context, {}, _webhook_again(webhook_id)):
        await keeping.send_again(context.session, context, webhook_id, delivery_id)
    told = "It is on its way again. What comes of it appears here."
    return see(context.request, f"/webhooks/{webhook_id}/deliveries/{delivery_id}", told)
