"""A replica goes on while another one, of a newer version, brings the database up to date."""

import asyncio

import psycopg

from models.db.database import Database
from models.db.migrate import migrate
from tests.harness.cast import People
from tests.harness.slack_people import Team, read
from tests.harness.timings import BRIEF_S
from tests.harness.waiting import until
from tests.stories.conftest import sign_up, team_with_bot
from tests.stories.test_main_job import generate, recorded

OURS = """
select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind = 'r'
  and c.relname not in ('alembic_version', 'sql_definitions')
"""
LOOKS = (
    "/bill show #{}",
    "/bill history #{}",
    "/bill list",
    "/usage Acme Corp",
    "/customer Acme Corp",
    "/customer list",
    "/bill people",
)


def migrate_by_a_newer_version(db: Database) -> None:
    """Each table has a column more, and all functions and views are made anew."""
    with psycopg.connect(db.url, autocommit=True) as connection:
        connection.execute("set lock_timeout = '10s'")
        for (table,) in connection.execute(OURS).fetchall():
            connection.execute(f'alter table "{table}" add column of_later text')
        connection.execute("update sql_definitions set digest = 'of an earlier text'")
    migrate(db.url)
    with psycopg.connect(db.url) as connection:
        connection.execute(
            "update sql_definitions set served = (select version_num from alembic_version)"
            " || ' ' || digest, digest = 'of a later text'"
        )


async def a_day(team: Team, bill_id: int) -> None:
    """Whatever people look at and decide about a bill."""
    for line in LOOKS:
        told = await team.ana.types(line.format(bill_id))
        assert "went wrong" not in read(told), (line, read(told))
    await team.ana.opens_home()
    await team.kim.opens_home()
    card = await team.kim.card(bill_id)
    await team.kim.replies("Looks right to me.", to=card)
    await team.kim.clicks("Approve", on=card)

    async def done() -> bool:
        return (await recorded(team.db)).count("approve") == bill_id

    await until(done)


async def test_clicks_and_commands_go_on_while_a_newer_version_migrates(
    db: Database, people: People
) -> None:
    # With plans as the program keeps them: the tests' own connections keep all there are.
    own = Database(db.url, statement_s=BRIEF_S, lock_s=BRIEF_S)
    async with team_with_bot(own) as (team, app):
        async with team.db.transaction() as session:
            await sign_up(session, "Acme Corp", csm_id=people.kim.id)
            await sign_up(session, "Borealis", csm_id=people.kim.id)
        await generate(team)
        await a_day(team, 1)
        await asyncio.to_thread(migrate_by_a_newer_version, team.db)
        assert await app.reasons_not_ready() == []
        await a_day(team, 2)
        assert await app.reasons_not_ready() == []
    await own.close()
