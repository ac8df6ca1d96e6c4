"""Finance makes and revokes the link by which a customer sees what is behind a document."""

from fastapi import APIRouter, Response

from handlers.http.gate import Asking, PageRoute, open_to
from handlers.http.ids import PathId
from handlers.web.bills import details_of
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording.bill_text import short_title
from handlers.wording.link_text import REVOKING, TOLD_ONCE, WHAT_IT_SHOWS, revoked_text
from models.actions.usage_links import make_link, revoke_links
from models.people.permissions import Permission

router = APIRouter(route_class=PageRoute)


@router.post("/bills/{bill_id}/link")
@open_to(Permission.SEND, holds_secret=True)
async def make(context: Asking, bill_id: PathId) -> Response:
    """The answer shows it, and nothing does later."""
    link = await make_link(context.session, bill_id, context)
    facts = await details_of(context, bill_id)
    return page(
        context.request,
        "customers_link.html.jinja",
        bill=facts,
        title=short_title(facts),
        link=link,
        told=TOLD_ONCE,
        shows=WHAT_IT_SHOWS,
    )


@router.get("/bills/{bill_id}/link/revoke")
@open_to(Permission.SEND)
async def confirm_revoking(context: Asking, bill_id: PathId) -> Response:
    facts = await details_of(context, bill_id)
    return page(
        context.request,
        "customers_link_revoke.html.jinja",
        bill=facts,
        title=short_title(facts),
        told=REVOKING,
    )


@router.post("/bills/{bill_id}/link/revoke")
@open_to(Permission.SEND)
async def revoke(context: Asking, bill_id: PathId) -> Response:
    count = await revoke_links(context.session, bill_id, context)
    return see(context.request, f"/bills/{bill_id}", revoked_text(count))
