"""Whether pooled connections still stand, without a word to those that do.

A server that ends a connection says so, or closes it: either can be read from the socket. Where
there is nothing to read, there is nothing to ask. Whatever else breaks a connection would break it
as well between a question and the statement after it.
"""

import select
from typing import cast

import psycopg
import sqlalchemy as sa
from psycopg import AsyncConnection
from psycopg.errors import ConnectionTimeout
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine


def has_word(connection: AsyncConnection) -> bool:
    """Whether the server has said something that nobody asked for."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


async def check_alive(connection: AsyncConnection) -> None:
    """What a pool of psycopg asks of a connection before it hands it out."""
    if has_word(connection):
        await AsyncConnectionPool.check_connection(connection)


def check_before_use(engine: AsyncEngine) -> None:
    """The same for an engine's pool: one that is dead makes all of them be opened anew."""
    dialect = engine.dialect

    @sa.event.listens_for(engine.sync_engine.pool, "checkout")
    def check(connection: sa.pool.PoolProxiedConnection, *_: object) -> None:
        if has_word(cast("AsyncConnection", connection.driver_connection)):
            try:
                dialect.do_ping(connection)
            except dialect.loaded_dbapi.Error as error:
                raise InvalidatePoolError from error


def lost_because(error: BaseException | None) -> str | None:
    """Why a connection broke, where this came of it, in the server's or libpq's first line.

    None for all other errors. What follows from an error in cleaning up is looked behind.
    """
    while error is not None:
        raised = error.orig if isinstance(error, DBAPIError) and error.orig else error
        if isinstance(raised, psycopg.InterfaceError | psycopg.OperationalError) and (
            raised.sqlstate.startswith(_LOST) if raised.sqlstate else _is_broken(error, raised)
        ):
            return str(raised).partition("\n")[0].rstrip(".")
        behind = None if raised.__suppress_context__ else raised.__context__
        error = raised.__cause__ or behind
    return None


_LOST = ("08", "57P")
"""SQLSTATEs of a connection that failed, and of a server that is stopped or starts."""


def _is_broken(error: BaseException, raised: psycopg.Error) -> bool:
    """Whether libpq's own error broke the connection, or is why there is none.

    An engine has looked at its connection. Of what COPY raises nobody has.
    """
    if not isinstance(error, DBAPIError):
        return True
    never_made = raised.pgconn is not None or isinstance(raised, ConnectionTimeout)
    return error.connection_invalidated or never_made
