"""What programs of the last release rely on: `python -m tests.released_shapes` writes it down.

To be run with each release, and never to get a test to pass: a function, view or table that changes
its shape gets a new name, and the old one stays for one version.
"""

import tempfile
from pathlib import Path

import sqlalchemy as sa

from models.db.embedded import EmbeddedPostgres
from models.db.migrate import migrate

RELEASED = Path(__file__).with_name("released_shapes.txt")

_SHAPES = """
select 'function ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ') returns '
       || pg_get_function_result(p.oid) as shape
from pg_proc p
where p.pronamespace = 'public'::regnamespace and p.proname not like 'procrastinate%'
  and p.prorettype <> 'trigger'::regtype
union all
select case c.relkind when 'v' then 'view ' else 'table ' end || c.relname || ' has ' || a.attname
       || ' ' || format_type(a.atttypid, a.atttypmod)
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v') and a.attnum > 0
  and not a.attisdropped and c.relname not like 'procrastinate%'
"""

_NEEDED = """
select c.relname || '.' || a.attname
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0
  and not a.attisdropped and a.attnotnull and not a.atthasdef and a.attidentity = ''
"""


def shapes(connection: sa.Connection) -> set[str]:
    """Functions by name, arguments and result; columns of tables and views by name and type."""
    return set(connection.execute(sa.text(_SHAPES)).scalars())


def columns_to_fill(connection: sa.Connection) -> set[str]:
    """Those that whoever adds a row has to give a value."""
    return set(connection.execute(sa.text(_NEEDED)).scalars())


def released() -> set[str]:
    return set(RELEASED.read_text(encoding="utf-8").splitlines())


def main() -> None:
    """Writes the shapes of a database that is migrated now."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder))
        migrate(server.url())
        engine = sa.create_engine(
            sa.make_url(server.url()).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool
        )
        with engine.connect() as connection:
            RELEASED.write_text("\n".join(sorted(shapes(connection))) + "\n", encoding="utf-8")
        server.stop()


if __name__ == "__main__":
    main()
