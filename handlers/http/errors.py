"""What is refused to a request of the browser side, and the status that says so."""

from models.errors import Busy, Invalid, NotAllowed, NotFound, Refusal, TooSlow
from models.imports.rows import BadRows


class NotSignedIn(Refusal):
    """You are not signed in."""


class Foreign(NotAllowed):
    """That request came from a page of another site."""


class TooLarge(Refusal):
    """That is more than is taken in one request."""


class Trouble(Exception):
    """Something went wrong that nobody foresaw. It is in the log under this reference."""

    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference


_STATUS: dict[type[Refusal], int] = {
    NotSignedIn: 401,
    NotAllowed: 403,
    NotFound: 404,
    TooLarge: 413,
    Invalid: 422,
    BadRows: 422,
    TooSlow: 503,
    Busy: 503,
    Refusal: 409,
}


def status_of(refused: Refusal) -> int:
    """The HTTP status of a refusal: that of the nearest kind in the table."""
    return next(_STATUS[kind] for kind in type(refused).__mro__ if kind in _STATUS)
