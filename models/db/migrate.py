"""Bringing the schema to the newest revision."""

import alembic.command
import alembic.config
import sqlalchemy as sa
from sqlalchemy import make_url

from models.db.definitions import define, found_schema, serve_also
from models.db.revision import MIGRATIONS


def migrate(url: str) -> list[str]:
    """Bring the schema to the newest revision, and the SQL of our rules to its current text.

    Programs of the version that it was brought here by before may go on until they are replaced.
    Returns the revisions applied, oldest first, and `definitions` where only these were new. Safe
    to run from several machines at once: the second waits for the first.
    """
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = sa.create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    applied: list[str] = []
    with engine.connect() as connection:
        connection.exec_driver_sql("select pg_advisory_lock(hashtext('countersign migrate'))")
        connection.commit()
        config.attributes["connection"] = connection
        config.attributes["applied"] = applied
        before = found_schema(connection)
        alembic.command.upgrade(config, "head")
        if define(connection) and not applied:
            applied.append("definitions")
        if before is not None and applied:
            serve_also(connection, before)
        connection.commit()
        connection.exec_driver_sql("select pg_advisory_unlock_all()")
        connection.commit()
    engine.dispose()
    return applied
