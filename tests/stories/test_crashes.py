"""Killed at any moment, and asked to stop at any moment: nothing is lost and nothing doubled."""

import asyncio
from datetime import UTC, datetime
from signal import SIGKILL, SIGSTOP, SIGTERM
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import sqlalchemy as sa

from models.db.database import Database
from models.people.sessions import open_session
from models.people.users import User
from models.period import Period
from sandbox.__main__ import bot_manifest
from tests.harness.browser_side import Visitor
from tests.harness.running import workspace
from tests.harness.timings import INTERRUPTED
from tests.harness.waiting import until
from tests.soak.audit import OPEN, audit
from tests.soak.company import FINANCE, Company
from tests.soak.month import Blow, Stage, play
from tests.soak.process import bot_process
from tests.soak.sending import send_month

pytestmark = pytest.mark.long

SMALL = Company(bills=60, approvers=8)


async def test_a_bot_that_is_killed_posts_every_card_once(database_url: str) -> None:
    blows = [Blow(generating=True), Blow(messages=18), Blow(messages=47)]
    outcome = await play(SMALL, database_url, blows)
    assert not outcome.violations
    assert len(outcome.exits) == 3
    assert outcome.stages == {Stage.GENERATION: 1, Stage.POSTING: 2}


async def test_a_bot_that_is_asked_to_stop_ends_well_and_loses_nothing(database_url: str) -> None:
    outcome = await play(SMALL, database_url, [Blow(messages=20, signal=SIGTERM)])
    assert not outcome.violations
    assert outcome.exits == [0]
    assert outcome.stages == {Stage.POSTING: 1}


async def test_a_bot_that_sleeps_long_enough_to_be_taken_for_dead_posts_every_card_once(
    database_url: str,
) -> None:
    naps = [
        Blow(messages=count, signal=SIGSTOP, pause_s=INTERRUPTED.stalled + 0.5) for count in (5, 30)
    ]
    outcome = await play(SMALL, database_url, naps)
    assert not outcome.violations
    assert outcome.stages[Stage.POSTING] == 2


async def test_a_month_asked_for_by_a_script_is_made_once_though_the_bot_is_killed_in_the_middle(
    db: Database, database_url: str
) -> None:
    """The next worker ends the run, and whoever asks again by the same key hears of that one."""
    company, month = Company(bills=120, approvers=20), Period.last_closed(datetime.now(UTC), UTC_)
    async with db.long_transaction() as session:
        await company.furnish(session, month)
        finance = await session.scalar(sa.select(User).where(User.slack_user_id == FINANCE))
        token = await open_session(session, finance, datetime.now(UTC))
    slack_of = {"given": company.workspace(), "manifest": bot_manifest()}
    async with (
        workspace(**slack_of) as slack,
        bot_process(slack, database_url) as bot,
        aiohttp.ClientSession(headers={"Idempotency-Key": "month-end"}) as http,
    ):
        script, asked = Visitor(bot.base, http, token), {"year": month.year, "month": month.month}
        async with db.transaction() as kept_waiting:
            await kept_waiting.execute(_NEAR_THE_MIDDLE)
            asking = asyncio.create_task(script.post("/api/bills", json=asked))
            await until(lambda: _made(db))
            await bot.strike(SIGKILL)
        with pytest.raises(aiohttp.ClientError):
            await asking
        assert await _made(db) == 100
        await bot.start()
        await until(lambda: _all_is_done(db))
        again = await script.post("/api/bills", json=asked)
        assert (again.status, again.json["bills"], again.json["existing"]) == (201, 120, 0)
        assert await audit(db, slack, company) == []


UTC_ = ZoneInfo("UTC")
_NEAR_THE_MIDDLE = sa.text("select id from customers where name = 'Customer 00110' for update")


async def _made(db: Database) -> int:
    async with db.transaction() as session:
        return await session.scalar(sa.text("select sum(added) from bill_runs")) or 0


async def _all_is_done(db: Database) -> bool:
    async with db.transaction() as session:
        return not any((await session.execute(OPEN)).one())


async def test_a_bot_that_is_killed_while_it_mails_gives_each_bill_one_number_and_one_letter(
    database_url: str,
) -> None:
    sent = await send_month(database_url, 30, [5, 15])
    assert not sent.violations
    assert (len(sent.letters), sent.kills) == (30, 2)
