"""Where people go on to after they have signed in: to the page they came for, if it is ours."""

import re

from fastapi import Request

LONGEST = 2000

_OURS = re.compile(r"/(?![/\\])[^\x00-\x20\\\x7f-\x9f]*")
"""A path on this host: browsers take two slashes, and a backslash for a slash, for another one, and
leave out line breaks and tabs.
"""


def local_path(request: Request) -> str:
    """The page that was asked for, with its question."""
    path = request.url.path
    return f"{path}?{request.url.query}" if request.url.query else path


def next_page(asked: str | None) -> str:
    """The page to go on to; the first one where what is asked for is none of ours."""
    if not asked or len(asked) > LONGEST or not _OURS.fullmatch(asked):
        return "/"
    return asked
