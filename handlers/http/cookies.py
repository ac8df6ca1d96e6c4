"""The cookie that says which device asks."""

from fastapi import Request, Response

from handlers.http.services import services_of
from models.people.sessions import LIFETIME


def cookie_name(request: Request) -> str:
    """Under https the name has the browser promise: of this host alone, and never in the clear."""
    return "__Host-session" if services_of(request).is_secure else "session"


def session_token(request: Request) -> str | None:
    return request.cookies.get(cookie_name(request))


def bearer_token(request: Request) -> str | None:
    """What a script sends as `Authorization: Bearer TOKEN`."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def set_session(request: Request, response: Response, token: str) -> None:
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=int(LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=services_of(request).is_secure,
    )


def forget_session(request: Request, response: Response) -> None:
    response.delete_cookie(
        cookie_name(request),
        httponly=True,
        samesite="lax",
        secure=services_of(request).is_secure,
    )
