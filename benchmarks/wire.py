"""Counts the statements that reach the server, whoever sent them: as libpq itself tells."""

import tempfile
from collections.abc import Awaitable, Callable

from psycopg import pq
from sqlalchemy.ext.asyncio import AsyncSession

from models.db.database import Database, driver_connection

FROM_US, EXECUTE, SIMPLE = b"F", b"Execute", b"Query"


async def statements(db: Database, do: Callable[[AsyncSession], Awaitable[object]]) -> int:
    """How many of them a short transaction sends between its begin and its commit."""
    with tempfile.TemporaryFile() as told:
        async with db.transaction() as session:
            connection = (await driver_connection(session)).pgconn
            connection.trace(told.fileno())
            connection.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
            await do(session)
        connection.untrace()
        told.seek(0)
        messages = [line.split(b"\t") for line in told.read().splitlines()]
    sent = [message for message in messages if message[0] == FROM_US]
    begun_and_ended = sum(_is_a_bound(message) for message in sent)
    assert begun_and_ended == 2, messages
    return sum(message[2] in (EXECUTE, SIMPLE) for message in sent) - begun_and_ended


def _is_a_bound(message: list[bytes]) -> bool:
    return message[2] == SIMPLE and message[3].strip(b' "') in (b"BEGIN", b"COMMIT")
