"""Where the database is, and whether it can be worked with."""

import re

import sqlalchemy as sa
from psycopg import conninfo
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError

from models import revisions
from models.base import Database
from models.refusals import Refusal

NOT_AN_ADDRESS = (
    "DATABASE_URL is not an address that PostgreSQL understands. "
    "Write it as postgresql://user:password@host:5432/database."
)


class Unready(Refusal):
    """The database cannot be worked with as it is."""


def to_url(address: str) -> str:
    """Any libpq address, a URL or `host=... dbname=...`, as the one form that we use.

    Refuses one that libpq cannot read, without repeating it: there may be a password in it.
    """
    try:
        given = conninfo.conninfo_to_dict(address)
    except pg.ProgrammingError:
        raise Unready(NOT_AN_ADDRESS) from None
    parts = {name: str(value) for name, value in given.items() if value is not None}
    if re.fullmatch("[0-9,]*", parts.get("port", "")) is None:
        raise Unready(NOT_AN_ADDRESS)
    # Where no user is named, a URL has no place for the password but among the rest.
    user = parts.pop("user", None)
    url = sa.URL.create(
        "postgresql",
        username=user,
        password=parts.pop("password", None) if user else None,
        database=parts.pop("dbname", None),
        query=parts,
    )
    return url.render_as_string(hide_password=False)


async def refuse_unreachable(db: Database) -> None:
    """Refuse, in one line, a database that does not answer."""
    try:
        async with db.transaction() as session:
            await session.execute(sa.text("select 1"))
    except DBAPIError as error:
        # libpq names server, database and user here, never the password.
        cause = str(error.orig).partition("\n")[0]
        raise Unready(
            f"The database does not answer: {cause}. Check DATABASE_URL, and that the server runs."
        ) from None


async def refuse_unready(db: Database) -> None:
    """Refuse a database that does not answer, or whose tables are not those expected here."""
    await refuse_unreachable(db)
    async with db.transaction() as session:
        if not await revisions.is_migrated(session):
            raise Unready("The database is not migrated. Run `countersign migrate`.")
