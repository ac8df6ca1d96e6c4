"""What stops, dies or gets lost in the middle of posting is taken up again."""

import asyncio
import gc

import sqlalchemy as sa
from structlog.testing import capture_logs

from bot.slack.client import SlackClient
from bot.worker.worker import Worker
from handlers.slack.blocks.access import access_granted
from models.db.database import Database
from models.outbox.messages import Message, MessageKind, user_recipient
from models.people.permissions import Role
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import all_posted, grant, no_jobs, rows, said_to, states, told_to
from tests.harness.books import make_bills
from tests.harness.cast import People
from tests.harness.database import TestDatabase, TestPostgres
from tests.harness.running import worker_only
from tests.harness.waiting import until


async def test_stopping_in_the_middle_loses_and_doubles_nothing(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    for role in Role:
        await grant(db, people.max, role)
    async with worker_only(db, gateway, pace=0.5):
        await until(lambda: told_to(slack, "UMAX", 2))
    assert len(said_to(slack, "UMAX")) < len(Role)
    async with worker_only(db, gateway):
        await until(lambda: all_posted(db))
    assert said_to(slack, "UMAX") == [access_granted(role).text for role in Role]


async def test_a_job_that_does_not_end_in_time_is_put_back(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    await slack.fault(method="chat.postMessage", kind="delay", seconds=1)
    await grant(db, people.max)
    async with worker_only(db, gateway) as first:
        await until(lambda: _is_on_its_way(db))
        await first.stop(deadline_s=0.1)
        (job,) = await rows(db, "select status from procrastinate_jobs")
        assert job.status == "todo"
    async with worker_only(db, gateway, settle=1.5):
        await until(lambda: all_posted(db))
    assert len(said_to(slack, "UMAX")) == 1


async def _is_on_its_way(db: Database) -> bool:
    return await states(db) == ["sending"]


async def test_a_job_whose_worker_died_is_taken_up_by_another(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    await grant(db, people.max)
    await rows(
        db,
        """with dead as (insert into procrastinate_workers (last_heartbeat)
               values (now() - interval '1 minute') returning id)
           update procrastinate_jobs set status = 'doing', worker_id = dead.id
           from dead returning worker_id""",
    )
    async with worker_only(db, gateway):
        await until(lambda: all_posted(db))
    assert len(said_to(slack, "UMAX")) == 1


async def test_a_posting_whose_job_got_lost_is_sent_for(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    async with db.transaction() as session:
        session.add(
            Message(
                key="lonely",
                kind=MessageKind.ACCESS_GRANTED,
                recipient=user_recipient(people.max.id),
                facts={"role": "Manager"},
            )
        )
    await until(lambda: all_posted(db))


async def test_cards_that_a_killed_command_left_unannounced_are_sent_for(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    await make_bills(db, people.ana, 2)
    await rows(db, "update bill_runs set finished_at = null, source = 'cli' returning id")
    await rows(db, "delete from procrastinate_jobs returning id")
    async with worker_only(db, gateway):
        await grant(db, people.max)
        await until(lambda: _is_posted(db, "access_granted"))
        assert not said_to(slack, "UKIM")
        await rows(db, "update messages set created_at = now() - interval '61 s' returning id")
        await until(lambda: all_posted(db))


async def _is_posted(db: Database, kind: str) -> bool:
    found = await rows(db, "select state from messages where kind = :kind", kind=kind)
    return {row.state for row in found} == {"posted"}


async def test_the_worker_goes_on_after_the_database_was_away(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    others = """select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()"""
    async with db.transaction() as session:
        await session.execute(sa.text(others))
    await until(lambda: _granted(db, people))
    await until(lambda: all_posted(db))
    assert len(said_to(slack, "UMAX")) == 1


async def _granted(db: Database, people: People) -> bool:
    await grant(db, people.max)
    return True


async def test_what_a_job_came_to_is_written_down_once_the_database_is_back(
    db: Database,
    database: TestDatabase,
    postgres: TestPostgres,
    people: People,
    slack: Sandbox,
    gateway: SlackClient,
) -> None:
    """And nothing goes wrong that nobody hears of."""
    unheard = list[str]()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, told: unheard.append(told["message"]))
    await slack.fault(method="chat.postMessage", kind="delay", seconds=0.5, times=0)
    for user in (people.kim, people.lee, people.max):
        await grant(db, user)
    try:
        async with worker_only(db, gateway):
            await until(lambda: _all_on_their_way(db))
            postgres.cut(database.name)
            await asyncio.sleep(1.5)
            postgres.mend(database.name)
            await until(lambda: all_posted(db))
            await until(lambda: no_jobs(db))
        gc.collect()
    finally:
        postgres.mend(database.name)
        loop.set_exception_handler(None)
    assert unheard == []
    assert [len(said_to(slack, user)) for user in ("UKIM", "ULEE", "UMAX")] == [1, 1, 1]


async def _all_on_their_way(db: Database) -> bool:
    return set(await states(db)) == {"sending"}


async def test_a_database_that_goes_away_is_logged_in_a_line_each_time(
    db: Database, database: TestDatabase, postgres: TestPostgres, gateway: SlackClient
) -> None:
    with capture_logs() as logged:
        try:
            async with worker_only(db, gateway):
                await asyncio.sleep(0.5)
                postgres.cut(database.name)
                await asyncio.sleep(1.5)
                postgres.mend(database.name)
                await until(lambda: no_jobs(db))
        finally:
            postgres.mend(database.name)
    told = [line for line in logged if line["event"].endswith(" interrupted")]
    assert {line["event"] for line in told} >= {"sweep interrupted"}
    assert all(line["log_level"] == "warning" and line["cause"] for line in told), told
    assert not any("exc_info" in line for line in logged), logged


async def test_what_else_interrupts_a_sweep_is_logged_with_its_trace(
    db: Database, gateway: SlackClient
) -> None:
    async with db.transaction() as session:
        await session.execute(sa.text("alter table messages rename to mislaid"))
    with capture_logs() as logged:
        async with worker_only(db, gateway):
            await asyncio.sleep(0.5)
    told = [line for line in logged if line["event"] == "sweep interrupted"]
    assert told
    assert all(line["log_level"] == "error" and line["exc_info"] for line in told)
