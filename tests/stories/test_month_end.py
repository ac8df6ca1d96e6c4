"""The end of a month, as Finance sees it: the clock brings it about, whoever is there."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bot.worker.scheduler import Scheduler
from models.db.database import Database
from models.settings import BillingSettings, MonthEnd
from tests.harness.cast import People
from tests.harness.slack_people import Team, labels, read
from tests.harness.timings import QUICK
from tests.harness.waiting import until
from tests.stories.conftest import sign_up

OCTOBER_20 = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)
NOVEMBER_1 = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
"""Nine o'clock in Zurich."""


async def ticks(team: Team, *moments: datetime, automatic: bool = False) -> None:
    """Two workers tick then."""
    rule = MonthEnd(1, 9, automatic)
    billing = BillingSettings("CAPPROVALS", zone=ZoneInfo("Europe/Zurich"), month_end=rule)
    for moment in moments:
        team.clock.now = moment
        for _ in range(2):
            await Scheduler(team.db, billing, team.clock, QUICK).tick()


@pytest.fixture
async def team(team: Team, people: People) -> Team:
    """Ana and Max are Finance; Acme is Kim's."""
    async with team.db.transaction() as session:
        await session.execute(sa.text("update users set role = 'Finance' where name = 'Max'"))
        await sign_up(session, "Acme Corp", csm_id=people.kim.id)
    return team


async def runs(db: Database) -> int:
    async with db.transaction() as session:
        return await session.scalar(sa.text("select count(*) from bill_runs")) or 0


async def test_finance_is_shown_the_month_and_one_of_them_generates_it(team: Team) -> None:
    await ticks(team, OCTOBER_20, NOVEMBER_1)
    preview = await team.ana.told("October 2026 is over.")
    assert "October 2026 would make 1 bill for approval ($35,000.00)" in read(preview)
    assert labels(preview) == ["Generate", "Cancel"]
    copy = await team.max.told("October 2026 is over.")
    await team.ana.clicks("Generate", on=preview)
    await until(lambda: "1 bill made for October 2026" in read(team.again(copy)))
    assert "Run by Ana (Finance)" in read(team.again(copy))
    assert "Generate" not in labels(team.again(copy))
    await team.max.clicks("Generate", on=copy)
    await until(lambda: "Ana (Finance) was first" in read(team.again(copy)))
    assert "Approve" in labels(await team.kim.card("Acme Corp, October 2026"))
    assert await runs(team.db) == 1


async def test_a_month_is_generated_by_itself_and_finance_reads_what_it_made(team: Team) -> None:
    await ticks(team, OCTOBER_20, NOVEMBER_1, automatic=True)
    for person in (team.ana, team.max):
        summary = await person.told("1 bill made for October 2026: $35,000.00.")
        assert "Run by Countersign" in read(summary)
        assert len(person.messages()) == 1
    history = read(await team.ana.types("/bill history #1"))
    assert "on schedule" in history


async def test_a_month_without_usage_is_named_not_passed_over(team: Team) -> None:
    async with team.db.transaction() as session:
        await session.execute(sa.text("delete from usages"))
    await ticks(team, OCTOBER_20, NOVEMBER_1, automatic=True)
    told = await team.ana.told("October 2026 is over.")
    assert "looks again each day whether its usage is there" in read(told)
    assert "No usage is recorded for the month." in read(told)
    assert labels(told) == []
    assert await runs(team.db) == 0


async def test_on_monday_finance_reads_the_week(team: Team) -> None:
    monday = datetime(2026, 11, 9, 8, 0, tzinfo=UTC)
    await ticks(team, OCTOBER_20, monday - timedelta(hours=1), monday)
    told = await team.ana.told("Your week in Countersign")
    assert "No bill waits" in read(told)
    assert "October 2026: not generated yet" in read(told)
    await team.max.told("Your week in Countersign")
