"""`countersign migrate`."""

import asyncio

from bot.cli.output import leaving, say
from bot.settings import DatabaseSettings, read
from models.db.database import Database, check_reachable
from models.db.migrate import migrate

KEPT = (
    "The tables are as they were, or as this program needs them. Run the same command again: it "
    "says which."
)


def migrate_database() -> None:
    with leaving(KEPT):
        url = read(DatabaseSettings).address()
        asyncio.run(_refuse_unreachable(url))
        applied = migrate(url)
        say(f"Applied {', '.join(applied)}." if applied else "The database is up to date.")


async def _refuse_unreachable(url: str) -> None:
    db = Database(url)
    try:
        await check_reachable(db)
    finally:
        await db.close()
