"""Whether the database has the tables this program expects."""

from functools import cache

import alembic.config
import alembic.script
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import MIGRATIONS


@cache
def newest() -> str | None:
    """The revision that `migrate` brings a database to."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return alembic.script.ScriptDirectory.from_config(config).get_current_head()


async def is_migrated(session: AsyncSession) -> bool:
    """Whether the schema is at the newest revision."""
    if await session.scalar(sa.text("select to_regclass('alembic_version')")) is None:
        return False
    current = await session.scalar(sa.text("select version_num from alembic_version"))
    return bool(current == newest())
