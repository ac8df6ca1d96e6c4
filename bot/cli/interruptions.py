"""What ends a command from outside: the database goes away, Ctrl-C, or nobody reads on."""

import asyncio
import errno
import logging
import os
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from models.db.liveness import lost_because
from models.errors import Refusal

Done = TypeVar("Done")

_DRIVERS = ("psycopg", "sqlalchemy")
"""Those that log what broke in cleaning up, besides raising what it comes from."""
_NOWHERE = logging.NullHandler()

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Errors of writing alone, and nothing is written beside the answer that does not say so itself."""


class CommandInterrupted(Refusal):
    """The command was stopped in the middle."""


@contextmanager
def told_if_interrupted(kept: str, done: str) -> Iterator[None]:
    """Refuse what is interrupted in a sentence that says what is `kept`, and how to go on.

    `done`: what stands where only the answer to it cannot be written.
    """
    for driver in _DRIVERS:
        logging.getLogger(driver).addHandler(_NOWHERE)
    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt:
        raise CommandInterrupted(f"Stopped. {kept}") from None
    except BrokenPipeError:
        leave_output()
        raise CommandInterrupted(f"Nobody reads the answer any more. {done}") from None
    except OSError as error:
        if error.errno not in _FULL:
            raise
        leave_output()
        why = os.strerror(error.errno).lower()
        raise CommandInterrupted(f"The answer cannot be written: {why}. {done}") from None
    except Refusal:
        raise
    except Exception as error:
        cause = lost_because(error)
        if cause is None:
            raise
        raise CommandInterrupted(f"The database went away in the middle: {cause}. {kept}") from None


async def stopped_if_asked(work: Coroutine[Any, Any, Done]) -> Done:
    """Do the work. Once Ctrl-C has ended it, what breaks in cleaning up is of no account."""
    try:
        return await work
    except Exception:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from None
        raise


def leave_output() -> None:
    """What is still to be said goes nowhere, also what Python itself writes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
