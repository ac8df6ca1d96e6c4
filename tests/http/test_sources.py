"""Sources of usage through the JSON API: kept, changed, asked, and what came of that."""

from typing import Any

import pytest

from handlers.slack.blocks.sources import source_added
from models.db.database import Database
from models.usage.pulls import Answer as Answered
from models.usage.pulls import Asking, PullEnd, PullOutcome, record_pull
from models.usage.sources import UsageSource, source_named
from tests.harness.browser_side import BrowserSide, Visitor
from tests.harness.cast import People
from tests.harness.files import rows_of
from tests.harness.scene import OCTOBER, act
from tests.harness.sources import QUERY, asked_source

EVENTS = {
    "name": "Events",
    "url": "postgresql://reader:${WAREHOUSE_PASSWORD}@warehouse/events",
    "query": QUERY,
}
IN_OCTOBER = {"json": {"month": "2026-10"}}
JOBS = "select args from procrastinate_jobs where task_name = 'pull_usage' order by id"


@pytest.fixture
async def ana(served: BrowserSide, people: People) -> Visitor:
    return served.visitor(await served.token(people.ana))


async def test_a_source_is_kept_changed_switched_off_and_on_again(ana: Visitor) -> None:
    made = await ana.post("/api/sources", json=EVENTS | {"connect_args": {"options": "-c x=1"}})
    assert made.status == 201
    kept = made.json
    assert {name: kept[name] for name in EVENTS} == EVENTS
    assert (kept["engine"], kept["connect_args"]) == ("postgresql", {"options": "-c x=1"})
    assert [month["period"] for month in kept["months"]] == ["2026-11", "2026-10", "2026-09"]
    here = f"/api/sources/{kept['id']}"

    changed = (await ana.patch(here, json={"url": "duckdb://"})).json
    assert (changed["url"], changed["engine"]) == ("duckdb://", "duckdb")
    assert {**kept, "url": "duckdb://", "engine": "duckdb"} == changed
    assert (await ana.patch(here, json={})).json == changed

    assert (await ana.delete(here)).status == 204
    assert (await ana.get(here)).json["switched_off_at"]
    assert (await ana.delete(here)).status == 409
    assert (await ana.post(f"{here}/check", **IN_OCTOBER)).status == 409
    off = await ana.patch(here, json={"connect_args": {}, "switched_off": True})
    assert (off.json["connect_args"], off.json["switched_off_at"] is None) == ({}, False)
    on = (await ana.patch(here, json={"switched_off": False})).json
    assert on["switched_off_at"] is None
    (listed,) = (await ana.get("/api/sources")).json["sources"]
    assert listed == {name: on[name] for name in listed}


async def test_a_driver_that_is_not_installed_is_named_as_soon_as_a_source_is_added(
    ana: Visitor, served: BrowserSide, people: People
) -> None:
    needed = "The driver for Spark is not installed. Install countersign[spark] wherever sources"
    by_script = await ana.post("/api/sources", json=EVENTS | {"url": "hive://warehouse:10000"})
    assert by_script.json["missing_driver"].startswith(needed)
    browser = await served.signed_in(people.ana)
    typed = EVENTS | {"name": "Others", "url": "hive://warehouse:10000", "connect_args": ""}
    added = await browser.post("/sources/new", data=typed)
    assert added.status == 303, added.text
    shown = (await browser.get(added.headers["Location"])).text
    assert shown.count(needed) == 2, "told and shown"
    assert needed in source_added(UsageSource(id=1, name="Spark", url="hive://warehouse")).text

    there = await ana.patch(f"/api/sources/{by_script.json['id']}", json={"url": "duckdb://"})
    assert there.json["missing_driver"] is None


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"url": "oracle://x"}, "url"),
        ({"url": "postgresql://reader:hunter2@warehouse/events"}, "url"),
        ({"url": "duckdb://" + "x" * 2_000}, "url"),
        ({"query": "select 1"}, "query"),
        ({"query": "delete from events"}, "query"),
        ({"connect_args": {"password": "hunter2"}}, "connect_args"),
        ({"connect_args": []}, "connect_args"),
        ({"name": " "}, "name"),
        ({"name": "EVENTS"}, "name"),
        ({"password": "hunter2"}, "password"),
    ],
)
async def test_what_no_source_can_be_is_refused_with_its_field(
    ana: Visitor, other: dict[str, Any], field: str
) -> None:
    await ana.post("/api/sources", json=EVENTS)
    refused = await ana.post("/api/sources", json=EVENTS | {"name": "Others"} | other)
    assert (refused.status, refused.json["field"]) == (422, field)
    assert "hunter2" not in refused.text
    assert len((await ana.get("/api/sources")).json["sources"]) == 1


async def test_a_month_is_asked_for_once_however_often_the_request_comes(
    ana: Visitor, db: Database
) -> None:
    here = f"/api/sources/{(await ana.post('/api/sources', json=EVENTS)).json['id']}"
    by_key = {"headers": {"Idempotency-Key": "october"}, **IN_OCTOBER}
    for _ in "12":
        asked = await ana.post(f"{here}/pull", **by_key)
        assert (asked.status, asked.json["period"]) == (202, "2026-10")
    assert (await ana.post(f"{here}/pull", **IN_OCTOBER)).status == 409, "it is being asked"
    check = await ana.post(f"{here}/check", json={"year": 2026, "month": 9})
    assert (check.status, check.json["period"]) == (202, "2026-09")
    source = (await ana.get(here)).json
    assert source["underway"] == ["2026-09", "2026-10"]
    assert [one["underway"] for one in source["months"]] == [False, True, True]
    jobs = [args for (args,) in await rows_of(db, JOBS)]
    assert [(one["month"], one["asked_in"], one["is_check"]) for one in jobs] == [
        ("2026-10", "api", False),
        ("2026-09", "api", True),
    ]
    for wrong, field in (
        ({"month": 9}, "year"),
        ({"month": "2026-13"}, "month"),
        ({"month": "2027-01"}, "month"),
        ({}, "month"),
    ):
        refused = await ana.post(f"{here}/check", json=wrong)
        assert (refused.status, refused.json["field"]) == (422, field), wrong


async def test_what_came_of_asking_is_told_page_by_page(
    ana: Visitor, served: BrowserSide, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        held = await asked_source(session, act(people.ana), OCTOBER)
        source = await source_named(session, "Events")
        for ago in range(1, 5):
            asking = Asking(source, OCTOBER.plus(-ago), act(people.ana))
            await record_pull(session, asking, Answered(), PullEnd(PullOutcome.FAILED, "Away"))
    here = f"/api/sources/{held.source_id}/pulls"
    seen, cursor = list[str](), ""
    while True:
        page = (
            await ana.get(here, params={"limit": "2", **({"cursor": cursor} if cursor else {})})
        ).json
        seen += [one["period"] for one in page["pulls"]]
        if not (cursor := page["next_cursor"] or ""):
            break
    assert seen == ["2026-06", "2026-07", "2026-08", "2026-09", "2026-10"]
    for asked in ({"month": "2026-10"}, {"outcome": "held"}):
        (one,) = (await ana.get(here, params=asked)).json["pulls"]
        assert (one["id"], one["rows"], one["total"]) == (held.id, 212, 81_500_000)
        assert (one["changed"], one["to_zero"], one["unknown"]) == (40, 31, 1)
    whole = (await ana.get(f"{here}/{held.id}")).json
    assert whole == {
        **one,
        "biggest": [],
        "unknown_names": ["Nobody Ltd"],
        "missing_names": [],
        "overlaps": whole["overlaps"],
        "refused": [],
    }
    assert [(one["source"], one["names"]) for one in whole["overlaps"]] == [
        ("Archive", ["Acme Corp"])
    ]
    page = await (await served.signed_in(people.ana)).get(here.removeprefix("/api") + f"/{held.id}")
    assert "Also told by Archive, pulled <time" in page.text
    assert "leave them out of one of both." in page.text
    for wrong in ({"month": "10"}, {"outcome": "lost"}, {"cursor": "x"}, {"limit": "0"}):
        assert (await ana.get(here, params=wrong)).status == 422, wrong
    assert (await ana.get(f"/api/sources/{held.source_id + 1}/pulls/{held.id}")).status == 404
