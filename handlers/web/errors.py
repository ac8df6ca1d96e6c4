"""The pages that say what was refused."""

from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from handlers.http.errors import Ending, NotSignedIn, headers_of, status_of
from handlers.http.faults import faults_of, sentence_of
from handlers.http.methods import readable_above
from handlers.http.names import names_known
from handlers.http.same_site import SAFE
from handlers.web.live import NO_ROLE
from handlers.web.next_page import local_path, page_before
from handlers.web.rendering import page
from handlers.wording.refusals import Medium, refusal_text
from models.errors import NotAllowed, Refusal

NOT_FOUND = "There is no such page."
CANNOT_BE = "That cannot be done"
TITLES = {
    403: "Not open to you",
    404: "Nothing here",
    410: "This link leads nowhere",
    429: "Too many tries",
    500: "Something is broken",
    503: "Busy just now",
}
"""What a page is called that says why there is nothing else, by its status; else CANNOT_BE."""


def error_page(request: Request, error: Ending) -> Response:
    """The answer to whatever a request for a page ended with.

    Who is not signed in is sent to where that is done, and comes back from there. Whoever asks to
    read an address that forms alone are sent to, as a browser does that is opened again after one
    was refused, is led to the page above it.
    """
    if isinstance(error, NotSignedIn):
        back = local_path(request) if request.method in SAFE else page_before(request)
        return RedirectResponse(f"/welcome?{urlencode({'next': back})}", status_code=303)
    if isinstance(error, Refusal):
        return _refused(request, error)
    if isinstance(error, RequestValidationError):
        faults = faults_of(error.errors(), names_known(request))
        return _error(request, 422, " ".join(map(sentence_of, faults)))
    if isinstance(error, HTTPException):
        if error.status_code == 405 and request.method == "GET":
            return RedirectResponse(readable_above(request), status_code=303)
        sentence = NOT_FOUND if error.status_code == 404 else str(error.detail)
        return _error(request, error.status_code, sentence)
    return _error(request, 500, str(error))


def _refused(request: Request, refused: Refusal) -> Response:
    """Somebody without a role is told what becomes of that, not what they may not do."""
    reader = getattr(request.state, "reader", None)
    if isinstance(refused, NotAllowed) and reader and reader.role is None:
        return page(request, "no_role.html.jinja", status_of(refused), live=NO_ROLE)
    answer = _error(request, status_of(refused), refusal_text(refused, Medium.WEB))
    answer.headers.update(headers_of(refused))
    return answer


def _error(request: Request, status: int, sentence: str) -> Response:
    title = TITLES.get(status, CANNOT_BE)
    return page(request, "error.html.jinja", status, title=title, sentence=sentence)
