"""Which revision the schema is at, and which it should be at."""

import re
from collections.abc import Iterator
from enum import Enum, auto
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.db.definitions import SCHEMA_NAME, digest

MIGRATIONS = Path(__file__).parents[2] / "migrations"
_REVISION = re.compile(r'^(revision|down_revision)\b.*= "(\w+)"$', re.MULTILINE)


class Schema(Enum):
    """How a database's tables and functions stand to those of this program.

    `SERVED`: a newer version has migrated it from what this program expects, and lets it go on.
    `ABSENT`: there are none. `OLDER` and `NEWER`: by the revisions that it knows. `OTHER`: the
    tables are the same, and the functions are not.
    """

    CURRENT = auto()
    SERVED = auto()
    ABSENT = auto()
    OLDER = auto()
    NEWER = auto()
    OTHER = auto()


@cache
def revisions() -> frozenset[str]:
    """All that this program knows of.

    Read from the files as they are, since whoever only asks need not wait for alembic.
    """
    return frozenset(_named("revision"))


@cache
def head_revision() -> str:
    """The revision that `migrate` brings a database to: the one that no other follows."""
    (head,) = revisions() - set(_named("down_revision"))
    return head


def schema_expected() -> str:
    """The name of the schema that this program makes, as `SCHEMA_NAME` tells it of a database."""
    return f"{head_revision()} {digest()}"


def _named(which: str) -> Iterator[str]:
    for path in MIGRATIONS.glob("versions/*.py"):
        for name, revision in _REVISION.findall(path.read_text(encoding="utf-8")):
            if name == which:
                yield revision


async def find_schema(session: AsyncSession) -> Schema:
    """How the schema of this database stands to what this program expects."""
    tables = sa.text(
        "select num_nulls(to_regclass('alembic_version'), to_regclass('sql_definitions'))"
    )
    if await session.scalar(tables):
        return Schema.ABSENT
    found = (await session.execute(sa.text(SCHEMA_NAME))).one_or_none()
    if found is None:
        return Schema.ABSENT
    expected = schema_expected()
    if found.name == expected:
        return Schema.CURRENT
    if found.served == expected:
        return Schema.SERVED
    if found.version_num == head_revision():
        return Schema.OTHER
    return Schema.OLDER if found.version_num in revisions() else Schema.NEWER


async def is_migrated(session: AsyncSession) -> bool:
    """Whether this program can work with the schema."""
    return await find_schema(session) in (Schema.CURRENT, Schema.SERVED)
