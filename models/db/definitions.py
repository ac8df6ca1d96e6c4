"""The SQL of our rules, whose current text stands in `models/sql`: applied after every migration.

Revisions move tables and data; views and functions are no history but what they are today. So they
are put into the database whole, whenever it holds others: what it has is dropped first.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

import sqlalchemy as sa

SQL = Path(__file__).parent.parent / "sql"
FILES = (
    *("names", "record", "amounts", "approvers", "holds", "corrections", "reading", "webhooks"),
    *("month_totals", "forecasts", "ledger", "usage"),
)
"""In this order: each uses what stands in those before it."""

_CREATED = re.compile(r"^create (view|function) (\w+)", re.MULTILINE)
"""Functions of triggers are replaced, not created, since their triggers hold on to them."""

_KEPT = """
create table if not exists sql_definitions (
    digest text primary key,
    dropping text not null
);
alter table sql_definitions add column if not exists served text
"""


@cache
def definitions() -> str:
    """The current text of all of them."""
    return "\n".join((SQL / f"{name}.sql").read_text(encoding="utf-8") for name in FILES)


@cache
def digest() -> str:
    return hashlib.sha256(definitions().encode()).hexdigest()


def define(connection: sa.Connection) -> bool:
    """Put the current definitions in the database; False where it has them already."""
    connection.exec_driver_sql(_KEPT)
    kept = connection.exec_driver_sql("select digest, dropping from sql_definitions").one_or_none()
    if kept is not None and kept.digest == digest():
        return False
    if kept is not None:
        _run(connection, kept.dropping)
    _run(connection, definitions())
    connection.exec_driver_sql("delete from sql_definitions")
    connection.exec_driver_sql(
        "insert into sql_definitions values (%s, %s)", (digest(), _dropping(definitions()))
    )
    return True


def serve_also(connection: sa.Connection, before: str) -> None:
    """Let programs go on that expect the schema as it was `before`, by the name `schema_name`
    gives it: those of the last version, until each is replaced.
    """
    connection.exec_driver_sql("update sql_definitions set served = %s", (before,))


def found_schema(connection: sa.Connection) -> str | None:
    """The name of the schema that is there; None where there is none yet."""
    tables = "select num_nulls(to_regclass('alembic_version'), to_regclass('sql_definitions'))"
    if connection.exec_driver_sql(tables).scalar_one():
        return None
    found = connection.exec_driver_sql(SCHEMA_NAME).one_or_none()
    return str(found.name) if found else None


SCHEMA_NAME = """
select version_num || ' ' || digest as name, version_num, to_jsonb(d) ->> 'served' as served
from alembic_version cross join sql_definitions d
"""


def _dropping(created: str) -> str:
    """What takes them away again, the last first: each may be used by those after it."""
    found = _CREATED.findall(created)
    return "\n".join(f"drop {kind} {name};" for kind, name in reversed(found))


def _run(connection: sa.Connection, statements: str) -> None:
    """Run a script as it is: a percent sign in it is a percent sign."""
    cursor = connection.connection.cursor()
    cursor.execute(statements)
    cursor.close()
