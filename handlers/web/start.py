"""Where people arrive, and where they leave."""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from handlers.http.cookies import forget_session
from handlers.http.gate import Access, PageRoute, Visiting, open_to
from handlers.web.notices import see
from models.people.sessions import end_session

router = APIRouter(route_class=PageRoute)


@router.get("/")
@open_to(Access.ANYBODY)
async def start(visit: Visiting) -> RedirectResponse:
    """To the bills, to where one signs in, or to where one waits for a role."""
    if visit.user is None:
        return RedirectResponse("/welcome", status_code=303)
    return RedirectResponse("/dashboard" if visit.user.role else "/access", status_code=303)


@router.post("/sign-out")
@open_to(Access.ANYBODY)
async def sign_out(visit: Visiting) -> Response:
    """End the session that this request came by; whoever has none is signed out already."""
    if visit.device is not None:
        await end_session(visit.session, visit.device)
    answer = see(visit.request, "/welcome", "You are signed out.")
    forget_session(visit.request, answer)
    return answer
