"""What the owner of the tables could do to the record, and what the proof says of it."""

import psycopg

from models.audit.bill_check import Discrepancy
from models.audit.verify import verify
from models.db.database import Database
from models.queries.scope import EVERYTHING, Scope
from tests.harness.database import unguarded


async def discrepancies(db: Database, scope: Scope = EVERYTHING) -> list[Discrepancy]:
    async with db.reading() as session:
        return [discrepancy async for discrepancy in verify(session, scope)]


def tamper(url: str, *statements: str) -> None:
    """As the owner of the tables can, with the triggers switched off."""
    with psycopg.connect(url) as connection, unguarded(connection):
        for statement in statements:
            connection.execute(statement)


def actions_of(url: str, bill_id: int) -> list[int]:
    with psycopg.connect(url) as connection:
        query = "select id from bill_actions where bill_id = %s order by id"
        return [row[0] for row in connection.execute(query, [bill_id])]
