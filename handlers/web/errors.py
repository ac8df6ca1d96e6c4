"""The pages that say what was refused."""

from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from handlers.http.errors import NotSignedIn, Trouble, status_of
from handlers.http.same_site import SAFE
from handlers.web.rendering import page
from handlers.wording.refusals import Medium, refusal_text
from models.errors import Refusal

NOT_FOUND = "There is no such page."
UNREADABLE = "That is not something Countersign can read."
TROUBLE = "Something went wrong on our side. Tell whoever looks after Countersign: {}."


def error_page(request: Request, error: Exception) -> Response:
    """The answer to whatever a request for a page ended with.

    Who is not signed in is sent to where that is done, and comes back from there.
    """
    if isinstance(error, NotSignedIn):
        back = request.url.path if request.method in SAFE else "/"
        return RedirectResponse(f"/welcome?{urlencode({'next': back})}", status_code=303)
    if isinstance(error, Refusal):
        return _error(request, status_of(error), refusal_text(error, Medium.WEB))
    if isinstance(error, RequestValidationError):
        return _error(request, 422, UNREADABLE)
    if isinstance(error, HTTPException):
        sentence = NOT_FOUND if error.status_code == 404 else str(error.detail)
        return _error(request, error.status_code, sentence)
    reference = error if isinstance(error, Trouble) else "no reference"
    return _error(request, 500, TROUBLE.format(reference))


def _error(request: Request, status: int, sentence: str) -> Response:
    return page(request, "error.html.jinja", status, status=status, sentence=sentence)
