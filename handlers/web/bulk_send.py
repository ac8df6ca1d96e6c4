"""Approved bills that were ticked, sent together: first what that would be, then once."""

from fastapi import APIRouter, Response

from handlers.http.gate import Asking, PageRoute, open_to
from handlers.http.ids import PathId
from handlers.web.bulk_approve import read_seen
from handlers.web.notices import see
from handlers.web.sending import Place, preview_page, send_again, sent_page, sent_still
from models.batches.bulk_send import start_send
from models.batches.send_preview import preview_send
from models.people.permissions import Permission

router = APIRouter(route_class=PageRoute)
PATH = "/dashboard/send"
PLACE = Place("chosen bills", PATH, "/dashboard?view=approved")


@router.post(PATH)
@open_to(Permission.SEND)
async def preview_sending(context: Asking) -> Response:
    """What sending these would do; the list of them is kept as it is shown."""
    fields = await context.request.form()
    texts = fields.getlist("shown" if "all" in fields else "bill")
    seen = read_seen([text for text in texts if isinstance(text, str)])
    if not seen:
        return see(context.request, PLACE.back, "Tick the bills to send first.", "problem")
    bill_ids = [one.bill_id for one in seen]
    return preview_page(context, PLACE, await preview_send(context.session, context, bill_ids))


@router.get(PATH)
@open_to(Permission.SEND)
async def back_to_bills(context: Asking) -> Response:
    """To the bills that can be chosen: a preview is shown to whoever asks for it by its form."""
    return see(context.request, PLACE.back)


@router.post(f"{PATH}/{{list_id}}")
@open_to(Permission.SEND)
async def send(context: Asking, list_id: PathId) -> Response:
    """Send the list that was shown: once, however often its form arrives."""
    await start_send(context.session, list_id, context)
    return see(context.request, f"{PATH}/{list_id}")


@router.get(f"{PATH}/{{list_id}}")
@open_to(Permission.SEND)
async def sent(context: Asking, list_id: PathId) -> Response:
    """How far it is, and what became of each."""
    return await sent_page(context, PLACE, list_id)


@router.post(f"{PATH}/{{list_id}}/retry")
@open_to(Permission.SEND)
async def retry(context: Asking, list_id: PathId) -> Response:
    """Send those that failed once more: once, however often its form arrives."""
    return await send_again(context, PLACE, list_id)


@router.get(f"{PATH}/{{list_id}}/live")
@open_to(Permission.SEND)
async def sent_live(context: Asking, list_id: PathId) -> Response:
    """Whether the list is still as far as its open page shows."""
    return await sent_still(context, list_id)
