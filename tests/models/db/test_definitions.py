"""The SQL of our rules: what stands in `models/sql` is what a migrated database holds."""

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from models.db.definitions import FILES, SQL, define, definitions
from models.db.migrate import migrate

OURS = """
select p.proname as name, pg_get_functiondef(p.oid) as text
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = 'public' and p.proname not like 'procrastinate%'
union all
select viewname, definition from pg_views where schemaname = 'public'
order by name, text
"""


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(sa.make_url(database_url).set(drivername="postgresql+psycopg"))
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def held(connection: sa.Connection) -> list[tuple[str, str]]:
    return [(name, text) for name, text in connection.execute(sa.text(OURS))]


def test_a_migrated_database_holds_the_current_text_and_nothing_else(
    connection: sa.Connection,
) -> None:
    migrated = held(connection)
    connection.exec_driver_sql("update sql_definitions set digest = 'of another text'")
    assert define(connection)
    assert held(connection) == migrated
    for name, _ in migrated:
        assert f" {name}" in definitions(), f"{name} stands nowhere in models/sql"


def test_what_somebody_changed_by_hand_is_not_the_current_text(connection: sa.Connection) -> None:
    migrated = held(connection)
    connection.exec_driver_sql(
        "create or replace function refuse_change() returns trigger language plpgsql as"
        " $$ begin return null; end $$"
    )
    assert held(connection) != migrated


def test_a_new_text_is_applied_without_a_revision(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("update sql_definitions set digest = 'of another text'")
    assert migrate(database_url) == ["definitions"]
    assert migrate(database_url) == []


def test_every_file_of_definitions_is_applied() -> None:
    assert {path.stem for path in SQL.glob("*.sql")} == set(FILES)
