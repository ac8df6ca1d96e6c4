"""Usage that a source tells: by the clock, in Slack and on the page, with Finance in between."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import duckdb
import pytest
import sqlalchemy as sa

from bot.app import App
from bot.worker.scheduler import Scheduler
from models.context import Source, system_context
from models.db.database import Database
from models.people.sessions import open_session
from models.period import Period
from models.settings import BillingSettings, MonthEnd
from models.usage.pull_requests import ask_source
from models.usage.sources import add_source
from tests.harness.browser_side import Visitor
from tests.harness.cast import People
from tests.harness.slack_people import Team, labels, read
from tests.harness.timings import QUICK
from tests.harness.waiting import until
from tests.stories.conftest import sign_up, team_with_bot

ZURICH = ZoneInfo("Europe/Zurich")
OCTOBER_20 = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
"""When October ends in Zurich."""

TAKEN_IN = ("2026-10", "applied")
NINE = MIDNIGHT + timedelta(hours=9)
QUERY = """
select customer, sum(calls)::bigint as calls from '{file}'
where happened >= :month_start and happened < :month_end
group by customer
"""


class Warehouse:
    """A file of events, which DuckDB is asked about."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def holds(self, *events: tuple[str, str, int]) -> None:
        told = ", ".join(f"('{name}', timestamptz '{at}', {calls})" for name, at, calls in events)
        query = f"select * from (values {told}) t (customer, happened, calls)"
        duckdb.sql(f"copy ({query}) to '{self.file}' (format csv)")

    def is_away(self) -> None:
        self.file.unlink()


ACME = ("Acme Corp", "2026-10-31 22:59:59+00", 450_000)
BETA = ("Beta", "2026-10-05 00:00:00+00", 120_000)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "events.csv")
    warehouse.holds(ACME, BETA)
    return warehouse


@pytest.fixture
async def company(
    db: Database, people: People, warehouse: Warehouse
) -> AsyncIterator[tuple[Team, App]]:
    """Ana is Finance; Acme and Beta are Kim's, and nothing of their usage is known."""
    settings = {"warehouse_files": (str(warehouse.file.parent),), "timezone": ZURICH}
    async with team_with_bot(db, **settings) as (team, app):
        async with db.transaction() as session:
            for name in ("Acme Corp", "Beta"):
                await sign_up(session, name, csm_id=people.kim.id)
            await session.execute(sa.text("delete from usages"))
        yield team, app


@pytest.fixture
def team(company: tuple[Team, App]) -> Team:
    return company[0]


async def add_events(team: Team, warehouse: Warehouse) -> int:
    async with team.db.transaction() as session:
        context = await system_context(session, OCTOBER_20, Source.CLI)
        query = QUERY.format(file=warehouse.file)
        return (await add_source(session, "Events", "duckdb://", query, context)).id


async def looked_at(team: Team, warehouse: Warehouse) -> None:
    """A source of which somebody has taken October in, as far as it went."""
    source_id = await add_events(team, warehouse)
    team.clock.now = OCTOBER_20
    async with team.db.transaction() as session:
        context = await system_context(session, OCTOBER_20, Source.WEB)
        await ask_source(session, source_id, Period(2026, 10), context)
    await pulled(team, TAKEN_IN)


async def ticks(team: Team, moment: datetime) -> None:
    """Two workers tick then, twice each."""
    rule = MonthEnd(1, 9, automatic=True)
    billing = BillingSettings("CAPPROVALS", zone=ZURICH, month_end=rule)
    team.clock.now = moment
    for _ in range(4):
        await Scheduler(team.db, billing, team.clock, QUICK).tick()


async def pulls(team: Team) -> list[tuple[str, str]]:
    """The month and the outcome of each, in their order."""
    async with team.db.transaction() as session:
        found = await session.execute(
            sa.text("select year || '-' || month, outcome from usage_pulls order by id")
        )
        return [(month, outcome) for month, outcome in found]


async def pulled(team: Team, *expected: tuple[str, str]) -> None:
    async def noted() -> bool | None:
        return (await pulls(team)) == list(expected) or None

    await until(noted)


async def test_the_clock_asks_each_day_and_bills_what_it_was_told(
    team: Team, warehouse: Warehouse
) -> None:
    await looked_at(team, warehouse)
    for hours in (0, 1):
        await ticks(team, OCTOBER_20 + timedelta(hours=hours))
        await pulled(team, TAKEN_IN, ("2026-10", "unchanged"))
    warehouse.holds(ACME, BETA, ("Beta", "2026-10-20 15:00:00+00", 50_000))
    await ticks(team, MIDNIGHT)
    await pulled(team, TAKEN_IN, ("2026-10", "unchanged"), TAKEN_IN)
    await ticks(team, NINE)
    card = await team.kim.card("Beta, October 2026")
    assert "Used 170,000 calls of 100,000 included" in read(card)


async def test_a_month_waits_for_a_source_that_is_away_and_finance_hears_once(
    team: Team, warehouse: Warehouse
) -> None:
    await looked_at(team, warehouse)
    await ticks(team, OCTOBER_20)
    await pulled(team, TAKEN_IN, ("2026-10", "unchanged"))
    warehouse.is_away()
    await ticks(team, NINE)
    told = await team.ana.told("Events was asked for October 2026")
    assert "October 2026 is not billed by itself before this is done." in read(told)
    assert "Pull again" in labels(told)
    async with team.db.transaction() as session:
        assert await session.scalar(sa.text("select count(*) from bill_runs")) == 0
    warehouse.holds(ACME, BETA)
    await team.ana.clicks("Pull again", on=told)
    await until(lambda: "Settled since" in read(team.again(told)) or None)
    assert "Pull again" not in labels(team.again(told))
    await ticks(team, NINE + timedelta(minutes=2))
    await team.kim.card("Acme Corp, October 2026")


async def test_what_takes_much_away_waits_for_finance(team: Team, warehouse: Warehouse) -> None:
    await looked_at(team, warehouse)
    warehouse.holds(ACME)
    await ticks(team, OCTOBER_20 + timedelta(days=1))
    told = await team.ana.told("Events was asked for October 2026")
    assert "1 of 2 customers with recorded calls would have none" in read(told)
    await team.ana.clicks("Apply all the same", on=told)
    await until(lambda: "Settled since" in read(team.again(told)) or None)
    usage = read(await team.ana.types("/usage Beta 2026-10"))
    assert "0" in usage


async def test_what_nobody_has_looked_at_is_not_asked_by_itself(
    team: Team, warehouse: Warehouse
) -> None:
    await add_events(team, warehouse)
    await ticks(team, OCTOBER_20)
    await ticks(team, NINE)
    assert await pulls(team) == []
    assert "is over" in read(await team.ana.told("October 2026 is over."))


async def test_ana_adds_a_source_in_slack_and_checks_it_first(
    team: Team, warehouse: Warehouse
) -> None:
    team.clock.now = NINE
    nothing = await team.ana.types("/usage sources")
    assert "No source of usage is known yet" in read(nothing)
    await team.ana.clicks("New source", on=nothing)
    query = QUERY.format(file=warehouse.file)
    await team.ana.submits(name="Events", url="duckdb://", query=query)
    assert "is there. Check a month before you pull it" in read(team.ana.dialog)
    listed = await team.ana.types("/usage sources")
    assert "Never asked yet" in read(listed)
    await team.ana.clicks("Ask one", on=listed)
    source = team.ana.dialog["blocks"][0]["element"]["options"][0]["value"]
    await team.ana.submits(source=source, month="2026-10", what="check")
    told = await team.ana.told("Events was asked for October 2026")
    assert "2 rows, 570,000 calls; it would be 2 added" in read(told)
    assert await pulls(team) == [("2026-10", "checked")]


async def test_a_script_adds_a_source_looks_and_takes_its_month_in(
    company: tuple[Team, App], people: People, warehouse: Warehouse
) -> None:
    team, app = company
    team.clock.now = NINE
    async with team.db.transaction() as session:
        token = await open_session(session, people.ana, NINE)
    async with aiohttp.ClientSession() as http:
        ana = Visitor(f"http://127.0.0.1:{app.port}", http, token)
        source = {"name": "Events", "url": "duckdb://", "query": QUERY.format(file=warehouse.file)}
        made = await ana.post("/api/sources", json=source)
        here = f"/api/sources/{made.json['id']}"

        async def asks(verb: str, number: int, **how: bool) -> Any:
            """The `number`th pull there is, a moment after this is asked."""
            asked = await ana.post(f"{here}/{verb}", json={"month": "2026-10"} | how)
            assert (asked.status, asked.json["period"]) == (202, "2026-10")

            async def answered() -> Any:
                told = (await ana.get(f"{here}/pulls")).json["pulls"]
                return told[0] if len(told) == number else None

            pull = await until(answered)
            return (await ana.get(f"{here}/pulls/{pull['id']}")).json

        checked = await asks("check", 1)
        assert (checked["outcome"], checked["added"], checked["total"]) == ("checked", 2, 570_000)
        assert {"customer": "Beta", "before": None, "after": 120_000} in checked["biggest"]
        assert (await asks("pull", 2))["outcome"] == "applied"
        warehouse.holds(ACME)
        held = await asks("pull", 3)
        assert (held["outcome"], held["to_zero"]) == ("held", 1)
        (month, *_) = (await ana.get(here)).json["months"][1:]
        assert (month["period"], month["held_pull_id"]) == ("2026-10", held["id"])
        assert (await asks("pull", 4, anyway=True))["outcome"] == "applied"
        usage = (await ana.get("/api/usage")).json["usage"]
        assert [one["api_usage"] for one in usage] == [450_000, 0]
        assert {one["origin"]["pulled_from_id"] for one in usage} == {made.json["id"]}
