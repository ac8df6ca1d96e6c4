"""What a page tells once about what was done just before, on the page that one is sent to."""

import base64
import binascii
import json
from dataclasses import asdict, dataclass
from typing import Literal
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from handlers.http.cookies import NOTICE
from handlers.http.services import services_of
from handlers.web.next_page import next_page

KEPT_S = 60
LONGEST = 1000
NO_OFFER = ("", "")
ANY_PAGE = "/"
"""Leads on to the page that its reader begins with."""
Tone = Literal["done", "problem"]


@dataclass(frozen=True)
class Notice:
    """`path`: of the page that it is for. `offer`: the page of ours where something can be done
    about it, if there is one, and `words`: what.
    """

    text: str
    path: str
    tone: Tone = "done"
    offer: str = ""
    words: str = ""


def see(
    request: Request,
    path: str,
    text: str = "",
    tone: Tone = "done",
    offer: tuple[str, str] = NO_OFFER,
) -> RedirectResponse:
    """After a form: on to one of our own pages, which tells `text` once, and offers another page in
    words.
    """
    parts = urlsplit(path)
    if parts.scheme or parts.netloc or not path.startswith("/") or path.startswith("//"):
        raise ValueError(f"not a page of ours: {path}")
    answer = RedirectResponse(path, status_code=303)
    if text:
        answer.set_cookie(
            NOTICE,
            _packed(Notice(text[:LONGEST], parts.path, tone, *offer)),
            max_age=KEPT_S,
            httponly=True,
            samesite="lax",
            secure=services_of(request).is_secure,
        )
    return answer


def notice_for(request: Request) -> Notice | None:
    """What is to be told on this very page, and on no other that is opened before; a script that
    fetches a page for a part of it is told nothing.
    """
    packed = request.cookies.get(NOTICE)
    if packed is None or request.headers.get("sec-fetch-dest", "document") != "document":
        return None
    notice = _unpacked(packed)
    return notice if notice and notice.path in (ANY_PAGE, request.url.path) else None


def forget_notice(response: Response) -> None:
    response.delete_cookie(NOTICE, httponly=True, samesite="lax")


def _packed(notice: Notice) -> str:
    return base64.urlsafe_b64encode(json.dumps(asdict(notice)).encode()).decode()


def _unpacked(packed: str) -> Notice | None:
    try:
        told = json.loads(base64.urlsafe_b64decode(packed))
        tone: Tone = "problem" if told["tone"] == "problem" else "done"
        text, path, offer, words = (str(told[one]) for one in ("text", "path", "offer", "words"))
        return Notice(text[:LONGEST], path, tone, offer and next_page(offer), words[:LONGEST])
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None
