"""Where people arrive."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from handlers.http.gate import Access, PageRoute, Visiting, open_to

router = APIRouter(route_class=PageRoute)


@router.get("/")
@open_to(Access.ANYBODY)
async def start(visit: Visiting) -> RedirectResponse:
    """To the bills, or to where one signs in."""
    return RedirectResponse("/dashboard" if visit.user else "/welcome", status_code=303)
