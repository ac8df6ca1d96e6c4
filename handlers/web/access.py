"""What somebody without a role is told, and asking for one."""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from handlers.http.gate import Access, Asking, PageRoute, open_to
from handlers.web.live import NO_ROLE, still_true
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording.refusals import Medium, refusal_text
from models.actions.access import ask_for_role
from models.errors import Refusal

router = APIRouter(route_class=PageRoute)


@router.get("/access")
@open_to(Access.SIGNED_IN)
async def no_role(context: Asking) -> Response:
    """Whoever has a role by now goes on to the bills."""
    if context.user.role is not None:
        return RedirectResponse("/dashboard", status_code=303)
    return page(context.request, "no_role.html.jinja", live=NO_ROLE)


@router.get("/access/live")
@open_to(Access.SIGNED_IN)
async def still_none(context: Asking) -> Response:
    """Whether whoever has no role has none still."""
    return still_true(context, context.user.role or NO_ROLE.version)


@router.post("/access")
@open_to(Access.SIGNED_IN)
async def ask(context: Asking) -> Response:
    """Ask Finance once more, at most once a day."""
    try:
        asked = await ask_for_role(context.session, context.user, context.now)
    except Refusal as refused:  # before anything was written
        return see(context.request, "/access", refusal_text(refused, Medium.WEB), "problem")
    told = "Finance has been asked in Slack." if asked else "Finance sees you on the page People."
    return see(context.request, "/access", told)
