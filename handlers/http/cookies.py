"""The cookies that say which device asks, which browser somebody has signed in with before, and
what the next page tells once.
"""

import re

from fastapi import Request, Response

from handlers.http.services import services_of
from models.people.access_attempts import KNOWN_FOR
from models.people.secret_tokens import TokenKind
from models.people.sessions import LIFETIME

SESSION, BROWSER, NOTICE = "session", "browser", "notice"
_BROWSER_TOKEN = re.compile(rf"{TokenKind.BROWSER}[\w-]{{43}}", re.ASCII)


def _named(request: Request, cookie: str) -> str:
    """Under https the name has the browser promise: of this host alone, and never in the clear."""
    return f"__Host-{cookie}" if services_of(request).is_secure else cookie


def session_token(request: Request) -> str | None:
    return request.cookies.get(_named(request, SESSION))


def browser_token(request: Request) -> str | None:
    """What a browser was given when somebody signed in with it; nobody is signed in by it."""
    token = request.cookies.get(_named(request, BROWSER), "")
    return token if _BROWSER_TOKEN.fullmatch(token) else None


def bearer_token(request: Request) -> str | None:
    """What a script sends as `Authorization: Bearer TOKEN`."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def set_session(request: Request, response: Response, token: str, browser: str) -> None:
    """Sign this browser in, which goes on being known once that is over."""
    for cookie, value, lifetime in ((SESSION, token, LIFETIME), (BROWSER, browser, KNOWN_FOR)):
        response.set_cookie(
            _named(request, cookie),
            value,
            max_age=int(lifetime.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=services_of(request).is_secure,
        )


def forget_session(request: Request, response: Response) -> None:
    response.delete_cookie(
        _named(request, SESSION),
        httponly=True,
        samesite="lax",
        secure=services_of(request).is_secure,
    )
