"""What is refused to a request of the browser side, and the status that says so."""

import math
from collections.abc import Mapping

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from models.errors import (
    Busy,
    Collision,
    Invalid,
    NotAllowed,
    NotFound,
    Refusal,
    TooOften,
)
from models.imports.rows import BadRows
from models.people.sign_in_links import SpentLink


class NotSignedIn(Refusal):
    """You are not signed in."""


class WrongPassword(NotSignedIn):
    """That name and password do not belong together."""


class NotByScript(NotAllowed):
    """A token for scripts may not do that; sign in with your password, also to revoke it at
    /api/tokens.
    """


class Foreign(NotAllowed):
    """That request came from a page of another site."""


class TooLarge(Refusal):
    """That is more than is taken in one request."""


class Stalled(Refusal):
    """The rest of that request was waited for too long."""


class Unforeseen(Exception):
    """Something went wrong that nobody foresaw. It is in the log under this reference."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"Something went wrong on our side. Tell whoever looks after Countersign: {reference}."
        )
        self.reference = reference


_STATUS: dict[type[Refusal], int] = {
    NotSignedIn: 401,
    NotAllowed: 403,
    NotFound: 404,
    SpentLink: 410,
    Stalled: 408,
    TooLarge: 413,
    Invalid: 422,
    BadRows: 422,
    TooOften: 429,
    Collision: 409,
    Busy: 503,
    Refusal: 409,
}


Ending = Refusal | Unforeseen | HTTPException | RequestValidationError
"""Whatever a request ends with that is not answered."""


def status_of(refused: Refusal) -> int:
    """The HTTP status of a refusal: that of the nearest kind in the table."""
    return next(_STATUS[kind] for kind in type(refused).__mro__ if kind in _STATUS)


def headers_of(refused: Refusal) -> Mapping[str, str]:
    """What else is told to whoever is refused: when to try again."""
    if isinstance(refused, TooOften):
        return {"Retry-After": str(max(1, math.ceil(refused.wait.total_seconds())))}
    if isinstance(refused, Stalled):
        return {"Connection": "close"}
    if status_of(refused) == 401:
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": "5"} if isinstance(refused, Busy) else {}
