"""By what a request is found in the log: one reference, on every line that is written for it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from structlog.contextvars import bound_contextvars, get_contextvars


@contextmanager
def with_reference() -> Iterator[str]:
    """A new one, which everything bears that is logged inside, and what goes on from there."""
    reference = _new()
    with bound_contextvars(reference=reference):
        yield reference


def current_reference() -> str:
    """That of the request that is worked on; a new one where none is."""
    return str(get_contextvars().get("reference") or _new())


def _new() -> str:
    return secrets.token_hex(4)
