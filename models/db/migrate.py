"""Bringing the schema to the newest revision, and whether it is there."""

from functools import cache
from pathlib import Path

import alembic.command
import alembic.config
import alembic.script
import sqlalchemy as sa
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncSession

from models.db.definitions import define, digest

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def migrate(url: str) -> list[str]:
    """Bring the schema to the newest revision, and the SQL of our rules to its current text.

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
        alembic.command.upgrade(config, "head")
        if define(connection) and not applied:
            applied.append("definitions")
        connection.commit()
        connection.exec_driver_sql("select pg_advisory_unlock_all()")
        connection.commit()
    engine.dispose()
    return applied


@cache
def head_revision() -> str | None:
    """The revision that `migrate` brings a database to."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return alembic.script.ScriptDirectory.from_config(config).get_current_head()


async def is_migrated(session: AsyncSession) -> bool:
    """Whether the schema is at the newest revision, with the current definitions."""
    tables = sa.text(
        "select num_nulls(to_regclass('alembic_version'), to_regclass('sql_definitions'))"
    )
    if await session.scalar(tables):
        return False
    found = await session.execute(
        sa.text("select version_num, digest from alembic_version cross join sql_definitions")
    )
    return [tuple(row) for row in found] == [(head_revision(), digest())]
