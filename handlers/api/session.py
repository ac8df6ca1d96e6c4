"""Signing out."""

from fastapi import APIRouter, Response

from handlers.http.cookies import forget_session
from handlers.http.gate import Access, ApiRoute, Asking, open_to
from models.people.sessions import end_session

router = APIRouter(route_class=ApiRoute)


@router.delete("/session", status_code=204)
@open_to(Access.SIGNED_IN)
async def sign_out(context: Asking, response: Response) -> None:
    """End the session that this request came by."""
    if context.device is not None:
        await end_session(context.session, context.device)
    forget_session(context.request, response)
