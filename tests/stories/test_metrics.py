"""What Prometheus reads, while people work."""

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from bot.app import App
from bot.metrics_page import MetricsPage
from models.db.database import Database
from tests.harness.books import make_bills
from tests.harness.cast import People
from tests.harness.running import settings_for
from tests.harness.slack_people import Clock
from tests.harness.timings import QUICK
from tests.harness.waiting import until
from tests.stories.conftest import sign_up, team_with_bot
from tests.stories.test_main_job import generate

TOKEN = "a-token-of-the-tests"
Sample = tuple[str, frozenset[tuple[str, str]]]


async def read(port: int | None, token: str = TOKEN) -> dict[Sample, float]:
    """Each sample by its name and labels, by the library's own parser."""
    heads = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session:
        answer = await session.get(f"http://127.0.0.1:{port}/metrics", headers=heads)
        answer.raise_for_status()
        text = await answer.text()
    return samples(text)


def samples(text: str) -> dict[Sample, float]:
    families = text_string_to_metric_families(text)
    found = [sample for family in families for sample in family.samples]
    told = {(one.name, frozenset(one.labels.items())): one.value for one in found}
    assert len(told) == len(found), "no sample is told twice"
    return told


def of(told: dict[Sample, float], name: str, **labels: str) -> float:
    return told.get((f"countersign_{name}", frozenset(labels.items())), 0)


async def test_prometheus_sees_a_bill_wait_a_click_drawn_and_what_slack_refuses(
    db: Database, people: People
) -> None:
    async with team_with_bot(db, metrics_token=SecretStr(TOKEN)) as (team, app):
        async with team.db.transaction() as session:
            await sign_up(session, "Acme Corp", csm_id=people.kim.id)
        before = await read(app.port)
        assert of(before, "database_up") == 1
        assert of(before, "workers") >= 1
        await generate(team)
        card = await team.kim.card("Acme Corp")
        await team.sandbox.fault(method="chat.update", kind="error", error="no_permission")
        await team.kim.clicks("Approve", on=card)

        async def drawn() -> bool:
            return of(await read(app.port), "redraw_seconds_count") > of(
                before, "redraw_seconds_count"
            )

        await until(drawn)
        after = await read(app.port)
        refused = ("slack_errors_total", "no_permission")
        assert of(after, refused[0], code=refused[1]) - of(before, refused[0], code=refused[1]) == 1
        page = MetricsPage(team.db, team.clock)
        now = samples((await page.text()).decode())
        assert of(now, "bills", state="approved", age_days="") == 1
        assert of(now, "bill_oldest_age_seconds", state="approved") >= 0
        assert abs(of(now, "clock_lag_seconds")) < 1

        async with aiohttp.ClientSession() as session:
            address = f"http://127.0.0.1:{app.port}/metrics"
            for heads in ({}, {"Authorization": "Bearer wrong"}):
                assert (await session.get(address, headers=heads)).status == 401


async def test_what_waits_is_told_with_its_age_and_read_once_for_many_who_ask(
    db: Database, people: People, clock: Clock
) -> None:
    """Nobody works here: a bill and a message wait, and grow old."""
    await make_bills(db, people.ana)
    clock.travel(days=8)
    page = MetricsPage(db, clock)
    told = samples((await page.text()).decode())
    assert of(told, "bills", state="pending", age_days="7") == 1
    assert of(told, "bill_oldest_age_seconds", state="pending") >= 8 * 86_400
    assert of(told, "messages", state="waiting") >= 1
    assert of(told, "jobs", task="post", status="todo") >= 1
    assert of(told, "job_oldest_age_seconds") >= 0
    assert of(told, "workers") == 0

    clock.travel(days=8)
    again = samples((await page.text()).decode())
    assert of(again, "bills", state="pending", age_days="7") == 1


async def test_without_its_database_it_says_so() -> None:
    gone = Database("postgresql://nobody@127.0.0.1:1/nothing")
    told = samples((await MetricsPage(gone, Clock()).text()).decode())
    await gone.close()
    assert of(told, "database_up") == 0
    assert ("countersign_workers", frozenset()) not in told


async def test_a_worker_alone_is_watched_at_a_port_of_its_own(
    db: Database, database_url: str, people: People
) -> None:
    async with team_with_bot(db) as (team, _):
        settings = settings_for(team.sandbox, database_url, metrics_token=SecretStr(TOKEN))
        closed = App(settings, "worker", timings=QUICK)
        await closed.start()
        assert closed.port is None
        await closed.drain_and_stop()
        open_one = App(settings.model_copy(update={"worker_port": 0}), "worker", timings=QUICK)
        await open_one.start()
        assert of(await read(open_one.port), "database_up") == 1
        await open_one.drain_and_stop()
