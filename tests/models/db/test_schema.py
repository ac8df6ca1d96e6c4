"""The mapped classes say what the migrated tables are."""

import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql

import models
from models.db.columns import Base
from models.db.database import Database
from models.db.migrate import migrate
from models.db.revision import MIGRATIONS, head_revision, is_migrated
from tests.harness.database import TestPostgres

for module in pkgutil.walk_packages(models.__path__, "models."):
    importlib.import_module(module.name)

ROOT = Path(models.__path__[0]).parent
SAME_TYPE = {"TIMESTAMP": "TIMESTAMP WITH TIME ZONE", "VARCHAR": "TEXT"}


def type_of(column_type: sa.types.TypeEngine[object]) -> str:
    return column_type.compile(postgresql.dialect())  # type: ignore[no-untyped-call]


async def test_a_mapped_table_has_the_columns_of_the_migrated_one(
    db: Database, subtests: pytest.Subtests
) -> None:
    def looked_up(connection: sa.Connection) -> dict[str, tuple[list[Any], list[Any]]]:
        found = sa.inspect(connection)
        names = sorted(Base.metadata.tables)
        return {name: (found.get_columns(name), found.get_foreign_keys(name)) for name in names}

    async with db.transaction() as session:
        inspected = await (await session.connection()).run_sync(looked_up)
    for table, (columns, keys) in inspected.items():
        with subtests.test(table):
            migrated = {c["name"]: (type_of(c["type"]), c["nullable"]) for c in columns}
            mapped = {
                c.name: (type_of(c.type), c.nullable) for c in Base.metadata.tables[table].columns
            }
            assert mapped == migrated
            referred = {
                (key["constrained_columns"][0], key["referred_table"])
                for key in keys
                if len(key["constrained_columns"]) == 1
            }
            assert {
                (key.parent.name, key.column.table.name)
                for key in Base.metadata.tables[table].foreign_keys
            } == referred


def test_a_key_names_its_table_by_the_class_so_that_whoever_maps_one_has_the_other() -> None:
    """Or a program that imports the one alone cannot write it; a class of a room above is left."""
    above = {(f"models/outbox/{name}.py", "bills") for name in ("messages", "private_answers")}
    named = {
        (path.relative_to(ROOT).as_posix(), table)
        for path in (ROOT / "models").rglob("*.py")
        for table in re.findall(r'ForeignKey\("(\w+)', path.read_text(encoding="utf-8"))
        if f'__tablename__ = "{table}"' not in path.read_text(encoding="utf-8")
    }
    assert named == above


_KEYS = sa.text("""
select distinct i.indrelid::regclass::text, i.indexrelid::regclass::text
from pg_index i join pg_constraint c on c.confrelid = i.indrelid and c.contype = 'f'
where i.indisunique and i.indimmediate and not i.indisprimary
  and i.indpred is null and i.indexprs is null
order by 1, 2
""")


async def test_what_can_change_is_no_key_that_others_could_refer_to(db: Database) -> None:
    """Or whoever refers to a row would wait for the change: a decision for an import of people.

    An action never changes, nor of which month usage is, nor the key of a message; and a chain is
    changed by whoever has locked its bill.
    """
    async with db.transaction() as session:
        keys = {table for table, _ in await session.execute(_KEYS)}
    assert keys <= {"bill_actions", "bill_chains", "messages", "usages"}


def test_the_newest_revision_is_the_one_that_alembic_would_go_to() -> None:
    assert head_revision() == ScriptDirectory(str(MIGRATIONS)).get_current_head()


async def test_a_database_is_migrated_once_and_says_so(postgres: TestPostgres) -> None:
    name = postgres.create()
    try:
        url = postgres.url(name)
        assert migrate(url) == []
        db = Database(url)
        async with db.transaction() as session:
            assert await is_migrated(session)
        await db.close()
        with psycopg.connect(url) as connection:
            connection.execute("update alembic_version set version_num = '0001'")
        db = Database(url)
        async with db.transaction() as session:
            assert not await is_migrated(session)
        await db.close()
    finally:
        postgres.drop(name)
