"""Bringing the schema to the newest revision."""

from collections.abc import Callable

import alembic.command
import alembic.config
import sqlalchemy as sa
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from models.db.definitions import SCHEMA_NAME, define, found_schema, serve_also
from models.db.revision import MIGRATIONS, revisions, schema_expected
from models.errors import DatabaseNotReady

NEWER = (
    "The database is of a later version than this program, and nothing was changed. Run the "
    "version that it was migrated by, or restore the backup of before."
)

IN_USE = (
    "Somebody has used the tables without a pause for so long that this was given up, and what was "
    "not done yet is not done. Look who in pg_stat_activity, and run the same command again."
)
LOCK_S, PAUSE_S, TRIES = 3.0, 2.0, 60
"""Whoever comes after a lock that is waited for waits with it, so it is not waited for long: all
goes on for as long as nobody is in the way between two tries.
"""

IN_THE_WAY = (LockNotAvailable, DeadlockDetected)


def migrate(url: str) -> list[str]:
    """Bring the schema to the newest revision, and the SQL of our rules to its current text.

    Programs of the version that it was brought here by before may go on until they are replaced.
    Nothing is done by such a program itself; one that is older still is refused.
    Returns the revisions applied, oldest first, and `definitions` where only these were new. Safe
    to run from several machines at once: the second waits for the first. Where somebody holds a
    table, others are let through every few seconds; refused where that goes on for minutes.
    """
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    address = make_url(url).set(drivername="postgresql+psycopg")
    # However it ends, the connection is closed, and with it the lock is given back.
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    applied: list[str] = []
    with engine.connect() as connection:
        connection.exec_driver_sql("select pg_advisory_lock(hashtext('countersign migrate'))")
        connection.exec_driver_sql(f"set lock_timeout = '{LOCK_S}s'")
        connection.commit()
        config.attributes["connection"] = connection
        config.attributes["applied"] = applied
        if _is_left_by_newer(connection):
            return []
        _patiently(connection, lambda: _bring_up(connection, config, applied))
        connection.exec_driver_sql("select pg_advisory_unlock_all()")
        connection.commit()
    return applied


def _bring_up(connection: sa.Connection, config: alembic.config.Config, applied: list[str]) -> None:
    """All of it in one transaction, to which the first look belongs: alembic commits its own."""
    applied.clear()
    before = found_schema(connection)
    alembic.command.upgrade(config, "head")
    if define(connection) and not applied:
        applied.append("definitions")
    if before is not None and applied:
        serve_also(connection, before)
    connection.commit()


def _patiently(connection: sa.Connection, work: Callable[[], None]) -> None:
    """Tried again from its beginning while somebody is in its way."""
    for left in reversed(range(TRIES)):
        try:
            work()
            return
        except (*IN_THE_WAY, DBAPIError) as error:
            connection.rollback()
            cause = error.orig if isinstance(error, DBAPIError) else error
            if not isinstance(cause, IN_THE_WAY):
                raise
            if not left:
                raise DatabaseNotReady(IN_USE) from error
            _let_others_through(connection)


def _let_others_through(connection: sa.Connection) -> None:
    connection.execute(sa.select(sa.func.pg_sleep(PAUSE_S)))
    connection.rollback()


def _is_left_by_newer(connection: sa.Connection) -> bool:
    """Whether a newer version lets this one go on as it is; refuses where it does not."""
    if found_schema(connection) is None:
        return False
    found = connection.exec_driver_sql(SCHEMA_NAME).one()
    if found.served == schema_expected() and found.name != schema_expected():
        return True
    if found.version_num not in revisions():
        raise DatabaseNotReady(NEWER)
    return False
