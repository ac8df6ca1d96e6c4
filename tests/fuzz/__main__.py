"""`python -m tests.fuzz [OPTIONS]`: schemathesis asks the whole API, by default for some minutes.

OPTIONS are those of `schemathesis run`, as in `--max-examples 500 --seed 7`.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from models.db.database import Database
from models.db.embedded import EmbeddedPostgres
from models.db.migrate import migrate
from tests.fuzz.asking import add_company, ask
from tests.harness.browser_side import browser_side
from tests.harness.cast import add_people, find_people

LONG = ("--max-examples", "100")


async def _ask(url: str, options: list[str]) -> int:
    db = Database(url)
    async with db.transaction() as session:
        await add_people(session)
    async with db.transaction() as session:
        people = await find_people(session)
    await add_company(db, people)
    async with browser_side(db) as served:
        status, said = await ask(served, people, *(options or LONG))
    await db.close()
    sys.stdout.write(said)
    return status


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="countersign-fuzz-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "data")
        try:
            migrate(server.url())
            return asyncio.run(_ask(server.url(), sys.argv[1:]))
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
