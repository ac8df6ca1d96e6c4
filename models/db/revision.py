"""Which revision the schema is at, and which it should be at."""

import re
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.db.definitions import digest

MIGRATIONS = Path(__file__).parents[2] / "migrations"
_REVISION = re.compile(r'^(revision|down_revision)\b.*= "(\w+)"$', re.MULTILINE)


@cache
def head_revision() -> str:
    """The revision that `migrate` brings a database to: the one that no other follows.

    Read from the files as they are, since whoever only asks need not wait for alembic.
    """
    found: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for path in MIGRATIONS.glob("versions/*.py"):
        for name, revision in _REVISION.findall(path.read_text(encoding="utf-8")):
            found[name].add(revision)
    (head,) = found["revision"] - found["down_revision"]
    return head


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
