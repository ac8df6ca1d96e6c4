"""Addresses of databases, in the one form that is used here."""

import re
from urllib.parse import quote

import sqlalchemy as sa
from psycopg import conninfo
from psycopg import errors as pg

from models.errors import DatabaseNotReady

NOT_AN_ADDRESS = (
    "DATABASE_URL is not an address that PostgreSQL understands. "
    "Write it as postgresql://user:password@host:5432/database."
)


def passwords_in(address: str) -> list[str]:
    """All that is secret in an address of a database, as libpq takes it and as it stands there."""
    try:
        given = conninfo.conninfo_to_dict(address)
    except pg.ProgrammingError:
        given = {}
    read = [str(given[name]) for name in ("password", "sslpassword") if given.get(name)]
    return [*read, *(quote(password, safe="") for password in read)]


def to_url(address: str) -> str:
    """Any libpq address, a URL or `host=... dbname=...`, as the one form that we use.

    Refuses one that libpq cannot read, without repeating it: there may be a password in it.
    """
    try:
        given = conninfo.conninfo_to_dict(address)
    except pg.ProgrammingError:
        raise DatabaseNotReady(NOT_AN_ADDRESS) from None
    parts = {name: str(value) for name, value in given.items() if value is not None}
    if re.fullmatch("[0-9,]*", parts.get("port", "")) is None:
        raise DatabaseNotReady(NOT_AN_ADDRESS)
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
