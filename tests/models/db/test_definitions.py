"""The SQL of our rules: what stands in `models/sql` is what a migrated database holds."""

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from models.db import migrate as migrating
from models.db.definitions import FILES, SQL, define, definitions, found_schema
from models.db.migrate import migrate
from models.db.revision import head_revision, schema_expected
from models.errors import DatabaseNotReady
from tests.released_shapes import columns_to_fill, released, shapes

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


def test_programs_of_the_last_release_find_all_that_they_rely_on(
    connection: sa.Connection,
) -> None:
    """What changes its shape gets a new name; the old one stays until every replica is replaced."""
    missing = released() - shapes(connection)
    assert not missing, "a replica of the last release still uses these, in this shape"
    known = {shape.split()[1] for shape in released() if shape.startswith("table")}
    told = {shape.split()[1] + "." + shape.split()[3] for shape in released()
            if shape.startswith("table")}  # fmt: skip
    new = {one for one in columns_to_fill(connection) if one.split(".")[0] in known}
    assert new <= told, "a replica of the last release gives these no value"


def test_what_is_there_serves_the_version_before(database_url: str) -> None:
    """One that is older still has to be stopped first."""
    engine = sa.create_engine(sa.make_url(database_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.exec_driver_sql("update sql_definitions set digest = 'of the last version'")
        before = found_schema(connection)
    migrate(database_url)
    migrate(database_url)
    with engine.connect() as connection:
        served = connection.exec_driver_sql("select served from sql_definitions").scalar_one()
    engine.dispose()
    assert served == before
    assert served.endswith(" of the last version")


@pytest.fixture
def waiting_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LOCK_S", 0.1), ("PAUSE_S", 0.0), ("TRIES", 3)):
        monkeypatch.setattr(migrating, name, value)


def read_by_somebody(url: str) -> psycopg.Connection:
    """Somebody reads for long what `migrate` has to make anew."""
    with psycopg.connect(url) as connection:
        connection.execute("update sql_definitions set digest = 'of another text'")
    reader = psycopg.connect(url, options="-c lock_timeout=1000")
    reader.execute("select from approvers limit 1")
    return reader


def test_while_migrate_waits_for_a_reader_others_are_let_through(
    database_url: str, monkeypatch: pytest.MonkeyPatch, waiting_briefly: None
) -> None:
    tries = list[int]()

    def between(_: sa.Connection) -> None:
        tries.append(len(tries))
        read_by_somebody(database_url).close()
        if len(tries) == 2:
            reader.close()

    monkeypatch.setattr(migrating, "_let_others_through", between)
    with read_by_somebody(database_url) as reader:
        assert migrate(database_url) == ["definitions"]
    assert len(tries) == 2


def test_migrate_gives_up_in_a_sentence_and_changes_nothing_where_somebody_never_stops(
    database_url: str, connection: sa.Connection, waiting_briefly: None
) -> None:
    before = held(connection)
    connection.rollback()
    given_up = pytest.raises(DatabaseNotReady, match="run the same command again")
    with read_by_somebody(database_url), given_up:
        migrate(database_url)
    assert held(connection) == before
    connection.rollback()
    assert migrate(database_url) == ["definitions"]


def test_an_older_program_does_not_migrate_back_what_a_newer_one_has_migrated(
    database_url: str,
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "update sql_definitions set digest = 'of a later version', served = %s",
            [schema_expected()],
        )
        assert migrate(database_url) == []
        connection.execute("update sql_definitions set served = '0001 of long ago'")
        connection.execute("update alembic_version set version_num = '9999'")
        with pytest.raises(DatabaseNotReady, match="of a later version"):
            migrate(database_url)
        told = connection.execute("select digest, served from sql_definitions").fetchone()
        assert told == ("of a later version", "0001 of long ago")
        connection.execute("update alembic_version set version_num = %s", [head_revision()])
    assert migrate(database_url) == ["definitions"]
