"""What a body is said to be: what is not UTF-8, or not the kind that is taken, is 415."""

import codecs

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from python_multipart.multipart import parse_options_header

from handlers.http.same_site import SAFE

READ = ("utf-8", "ascii")
NO_JSON_TYPE = "Send the body as JSON, with Content-Type: application/json."
NOT_UTF_8 = "Send the body in UTF-8."


def refuse_charset(request: Request) -> None:
    """Refuse a body that is said to be in another charset: it would be read as what it is not."""
    if request.method in SAFE:
        return
    _, options = parse_options_header(request.headers.get("content-type"))
    charset = options.get(b"charset")
    if charset is not None and not _is_read(charset.decode("latin-1")):
        raise HTTPException(415, NOT_UTF_8)


def _is_read(charset: str) -> bool:
    try:
        return codecs.lookup(charset).name in READ
    except (LookupError, ValueError):
        return False


def refuse_other_kind(refused: RequestValidationError) -> None:
    """Refuse a body that was not read as JSON, since it is not said to be."""
    for error in refused.errors():
        if error["loc"] == ("body",) and isinstance(error.get("input"), bytes):
            raise HTTPException(415, NO_JSON_TYPE) from refused
