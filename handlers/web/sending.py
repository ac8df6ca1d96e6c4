"""What sending many bills would do, and how far it is: of a month, or chosen ones."""

from dataclasses import dataclass

from fastapi import Response

from handlers.http.gate import HttpContext
from handlers.web.live import Live, still_true
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording import bill_text, send_text, sendings_text
from models.batches.bulk_send import is_send_started, send_list, send_report, sent_by_list
from models.batches.send_again import retry_failed
from models.batches.send_preview import SendPreview
from models.batches.sendings import sendings_of
from models.queries.bill_loader import load_bill_details
from models.queries.newest import actions_of_list

SENT_SHOWN = 50_000
EACH_SHOWN = 100


@dataclass(frozen=True)
class Place:
    """Where bills are sent from: what they are called, the `path` that sends, the way `back`."""

    bills: str
    path: str
    back: str


def preview_page(context: HttpContext, place: Place, facts: SendPreview) -> Response:
    """What would go out, before it does."""
    return page(
        context.request,
        "send.html.jinja",
        place=place,
        facts=facts,
        words=send_text,
        month_of=bill_text.month_of,
        amount_due=bill_text.amount_due,
        bill_count=bill_text.bill_count,
    )


async def sent_page(context: HttpContext, place: Place, list_id: int) -> Response:
    """How far a list is, and what became of its bills: of a short one, of each."""
    session = context.session
    if not await is_send_started(session, list_id):
        return see(context.request, place.back, "That list was not sent.", "problem")
    so_far = await _so_far(context, list_id)
    facts = await send_report(session, list_id, SENT_SHOWN)
    sendings = await sendings_of(session, list_id, facts)
    sent = await sent_by_list(session, list_id) if facts.sent <= EACH_SHOWN else ()
    return page(
        context.request,
        "sent.html.jinja",
        place=place,
        live=Live(f"{place.path}/{list_id}/live", so_far),
        facts=facts,
        sendings=sendings,
        told=sendings_text,
        sent=await load_bill_details(session, sent),
        words=send_text,
        numbered=bill_text.numbered,
        bill_count=bill_text.bill_count,
    )


async def sent_still(context: HttpContext, list_id: int) -> Response:
    """Whether the list is still as far as its open page shows."""
    return still_true(context, await _so_far(context, list_id))


async def _so_far(context: HttpContext, list_id: int) -> str:
    """Another one once more of the list was sent, or one that was has moved."""
    facts = (await send_list(context.session, list_id)).facts
    done = await actions_of_list(context.session, list_id)
    return f"{facts.get('sent', 0)}-{'ended' in facts}-{done}"


async def send_again(context: HttpContext, place: Place, list_id: int) -> Response:
    """Send those of a list that failed once more, and show what becomes of them."""
    again, _ = await retry_failed(context.session, list_id, context)
    return see(context.request, f"{place.path}/{again}")
