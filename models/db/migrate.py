"""Bringing the schema to the newest revision."""

import alembic.command
import alembic.config
import sqlalchemy as sa
from sqlalchemy import make_url

from models.db.definitions import SCHEMA_NAME, define, found_schema, serve_also
from models.db.revision import MIGRATIONS, revisions, schema_expected
from models.errors import DatabaseNotReady

NEWER = (
    "The database is of a later version than this program, and nothing was changed. Run the "
    "version that it was migrated by, or restore the backup of before."
)


def migrate(url: str) -> list[str]:
    """Bring the schema to the newest revision, and the SQL of our rules to its current text.

    Programs of the version that it was brought here by before may go on until they are replaced.
    Nothing is done by such a program itself; one that is older still is refused.
    Returns the revisions applied, oldest first, and `definitions` where only these were new. Safe
    to run from several machines at once: the second waits for the first.
    """
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    address = make_url(url).set(drivername="postgresql+psycopg")
    # However it ends, the connection is closed, and with it the lock is given back.
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    applied: list[str] = []
    with engine.connect() as connection:
        connection.exec_driver_sql("select pg_advisory_lock(hashtext('countersign migrate'))")
        connection.commit()
        config.attributes["connection"] = connection
        config.attributes["applied"] = applied
        before = found_schema(connection)
        if _is_left_by_newer(connection):
            return []
        alembic.command.upgrade(config, "head")
        if define(connection) and not applied:
            applied.append("definitions")
        if before is not None and applied:
            serve_also(connection, before)
        connection.commit()
        connection.exec_driver_sql("select pg_advisory_unlock_all()")
        connection.commit()
    return applied


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
