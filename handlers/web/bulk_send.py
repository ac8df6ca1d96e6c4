"""Approved bills sent together, those of a month or those that were ticked: first what that would
be, then once, and how far it is.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import PathId
from handlers.web.bulk_approve import read_seen
from handlers.web.live import Live, still_true
from handlers.web.month import Month, read_month
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording import bill_text, send_preview_text, sent_text
from handlers.wording.formatting import bill_count, by_currency
from models.batches.bulk_send import (
    is_send_started,
    send_list,
    send_report,
    sent_by_list,
    start_send,
)
from models.batches.bulk_send_outcome import outcome_of
from models.batches.send_again import retry_failed
from models.batches.send_preview import SendPreview, preview_send
from models.db.database import limit_statements
from models.people.permissions import Permission
from models.queries.bill_loader import load_bill_details
from models.queries.newest import actions_of_list

router = APIRouter(route_class=PageRoute)
SENT_SHOWN = 50_000
EACH_SHOWN = 100
LIST_S = 15.0
"""Writing down what would be sent may take so long: a browser waits, where Slack would not."""


@dataclass(frozen=True)
class SendPages:
    """Where bills are sent from: what they are called, the `path` that sends, the way `back`."""

    bills: str
    path: str
    back: str


CHOSEN = SendPages("chosen bills", "/dashboard/send", "/dashboard?view=approved")
_MONTH = "/month/{month}/send"


def place_of(request: Request) -> SendPages:
    """The month that stands in the address, if one does; refuses what is none."""
    if "month" not in request.path_params:
        return CHOSEN
    period = read_month(request.path_params["month"])
    return SendPages(period.in_words, f"/month/{period}/send", f"/month/{period}")


Here = Annotated[SendPages, Depends(place_of)]


@router.get(CHOSEN.path)
@router.get(_MONTH)
@open_to(Permission.SEND)
async def begin_sending(context: Asking, place: Here) -> Response:
    """To where bills can be chosen: a preview is shown to whoever asks for it by its form."""
    return see(context.request, place.back)


@router.post(CHOSEN.path)
@open_to(Permission.SEND)
async def preview_chosen(context: Asking, place: Here) -> Response:
    """What sending these would do; the list of them is kept as it is shown."""
    fields = await context.request.form()
    texts = fields.getlist("shown" if "all" in fields else "bill")
    seen = read_seen([text for text in texts if isinstance(text, str)])
    if not seen:
        return see(context.request, place.back, "Tick the bills to send first.", "problem")
    bill_ids = [one.bill_id for one in seen]
    return _preview(context, place, await preview_send(context.session, context, bill_ids))


@router.post(_MONTH)
@open_to(Permission.SEND)
async def preview_month(context: Asking, place: Here, month: Month) -> Response:
    """The same of all approved bills of a month."""
    await limit_statements(context.session, LIST_S)
    facts = await preview_send(context.session, context, period=read_month(month))
    return _preview(context, place, facts)


def _preview(context: HttpContext, place: SendPages, facts: SendPreview) -> Response:
    """What would go out, before it does."""
    return page(
        context.request,
        "send.html.jinja",
        place=place,
        facts=facts,
        words=send_preview_text,
        month_of=bill_text.month_of,
        amount_due=bill_text.amount_due,
        bill_count=bill_count,
        by_currency=by_currency,
    )


@router.post(f"{CHOSEN.path}/{{list_id}}")
@router.post(f"{_MONTH}/{{list_id}}")
@open_to(Permission.SEND)
async def send(context: Asking, place: Here, list_id: PathId) -> Response:
    """Send the list that was shown: once, however often its form arrives."""
    await start_send(context.session, list_id, context)
    return see(context.request, f"{place.path}/{list_id}")


@router.get(f"{CHOSEN.path}/{{list_id}}")
@router.get(f"{_MONTH}/{{list_id}}")
@open_to(Permission.SEND)
async def sent(context: Asking, place: Here, list_id: PathId) -> Response:
    """How far a list is, and what became of its bills: of a short one, of each."""
    session = context.session
    if not await is_send_started(session, list_id):
        return see(context.request, place.back, "That list was not sent.", "problem")
    so_far = await _so_far(context, list_id)
    facts = await send_report(session, list_id, SENT_SHOWN)
    outcome = await outcome_of(session, list_id, facts)
    bill_ids = await sent_by_list(session, list_id) if facts.sent <= EACH_SHOWN else ()
    return page(
        context.request,
        "sent.html.jinja",
        place=place,
        live=Live(f"{place.path}/{list_id}/live", so_far),
        facts=facts,
        outcome=outcome,
        told=sent_text,
        sent=await load_bill_details(session, bill_ids),
        words=send_preview_text,
        numbered=bill_text.numbered,
        bill_count=bill_count,
    )


@router.post(f"{CHOSEN.path}/{{list_id}}/retry")
@router.post(f"{_MONTH}/{{list_id}}/retry")
@open_to(Permission.SEND)
async def retry(context: Asking, place: Here, list_id: PathId) -> Response:
    """Send those that failed once more: once, however often its form arrives."""
    again, _ = await retry_failed(context.session, list_id, context)
    return see(context.request, f"{place.path}/{again}")


@router.get(f"{CHOSEN.path}/{{list_id}}/live")
@router.get(f"{_MONTH}/{{list_id}}/live")
@open_to(Permission.SEND)
async def sent_live(context: Asking, place: Here, list_id: PathId) -> Response:
    """Whether the list is still as far as its open page shows."""
    return still_true(context, await _so_far(context, list_id))


async def _so_far(context: HttpContext, list_id: int) -> str:
    """Another one once more of the list was sent, or one that was has moved."""
    facts = (await send_list(context.session, list_id)).facts
    done = await actions_of_list(context.session, list_id)
    return f"{facts.get('sent', 0)}-{'ended' in facts}-{done}"
