"""Where people go on to after they have signed in: to the page they came for, if it is ours."""

import re
from urllib.parse import urlsplit

from fastapi import Request

from handlers.http.services import services_of

LONGEST = 2000

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
        return "/"
    return next_page(f"{came.path}?{came.query}" if came.query else came.path)


def next_page(asked: str | None) -> str:
    """The page to go on to; the first one where what is asked for is none of ours."""
    if not asked or len(asked) > LONGEST or not _OURS.fullmatch(asked):
        return "/"
    return asked
