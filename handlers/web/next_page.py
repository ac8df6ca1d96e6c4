"""Where people go on to after they have signed in: to the page they came for, if it is ours."""

import re
from urllib.parse import quote, unquote, urlsplit

from fastapi import Request, Response

from handlers.http.services import services_of
from models.people.sign_in_links import LIFETIME

LONGEST = 2000
FIRST = "/"
COOKIE = "next"
KEPT_S = int(LIFETIME.total_seconds())
"""As long as a link holds: whoever comes for a page without a password gets one in Slack."""

_OURS = re.compile(r"/(?![/\\])[^\x00-\x20\\\x7f-\x9f]*")
"""A path on this host: browsers take two slashes, and a backslash for a slash, for another one, and
leave out line breaks and tabs.
"""


def local_path(request: Request) -> str:
    """The page that was asked for, with its question."""
    path = request.url.path
    return f"{path}?{request.url.query}" if request.url.query else path


def page_before(request: Request) -> str:
    """The page of ours whose form was sent, as the browser says; else the first one."""
    came = urlsplit(request.headers.get("referer", ""))
    if came.netloc not in {request.headers.get("host"), services_of(request).host}:
        return FIRST
    return next_page(f"{came.path}?{came.query}" if came.query else came.path)


def next_page(asked: str | None) -> str:
    """The page to go on to; the first one where what is asked for is none of ours."""
    if not asked or len(asked) > LONGEST or not _OURS.fullmatch(asked):
        return FIRST
    return asked


def remember_next(request: Request, answer: Response, asked: str) -> None:
    """This browser came for that page, and may sign in by a link that does not know of it."""
    answer.set_cookie(
        COOKIE,
        quote(asked),
        max_age=KEPT_S,
        httponly=True,
        samesite="lax",
        secure=services_of(request).is_secure,
    )


def remembered_next(request: Request) -> str:
    """The page that this browser came for of late; else the first one."""
    return next_page(unquote(request.cookies.get(COOKIE, "")))


def forget_next(request: Request, answer: Response) -> None:
    if COOKIE in request.cookies:
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
