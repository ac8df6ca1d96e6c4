"""Every list there is comes as CSV too, which a spreadsheet opens safely and holds no secret."""

import csv
import io
from collections.abc import Iterator
from typing import Any, get_origin

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from handlers.api.app import ROUTERS
from models.actions.send import send_bill
from models.db.database import Database
from models.webhooks import reading
from tests.harness.billing import DELAY, approved, clock
from tests.harness.browser_side import BrowserSide, Visitor
from tests.harness.cast import People
from tests.harness.drawing import draw_here
from tests.harness.issuing import issue_bill
from tests.harness.scene import NOW, OCTOBER, act
from tests.harness.sources import asked_source

FORMULA = "=HYPERLINK(1)"
HOOK = {"address": "https://8.8.8.8/", "events": ["bill.sent", "bill.voided"]}
PAGES = {
    "/api/bills.csv": "/dashboard",
    "/api/bills/{bill_id}/links.csv": "/bills/{bill_id}",
    "/api/customers.csv": "/import",
    "/api/sessions.csv": "/account",
    "/api/sources.csv": "/sources",
    "/api/sources/{source_id}/pulls.csv": "/sources/{source_id}",
    "/api/tokens.csv": "/account",
    "/api/usage.csv": "/import",
    "/api/users.csv": "/people",
    "/api/webhooks.csv": "/webhooks",
    "/api/webhooks/{webhook_id}/deliveries.csv": "/webhooks/{webhook_id}",
}
"""Each list as CSV, and a page that leads to it."""


def _questions() -> Iterator[APIRoute]:
    for route in (route for router in ROUTERS for route in router.routes):
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            yield route


def _is_list(answered: Any) -> bool:
    """Rows, or a page of rows and nothing else."""
    if get_origin(answered) is list:
        return True
    if not (isinstance(answered, type) and issubclass(answered, BaseModel)):
        return False
    kinds = [one.annotation for name, one in answered.model_fields.items() if name != "next_cursor"]
    return len(kinds) == 1 and get_origin(kinds[0]) is list


def test_every_list_comes_as_csv_and_a_page_leads_to_it() -> None:
    lists = {f"/api{one.path}.csv" for one in _questions() if _is_list(one.response_model)}
    files = {f"/api{one.path}" for one in _questions() if one.path.endswith(".csv")}
    assert lists == files == PAGES.keys()


@pytest.fixture
async def ana(served: BrowserSide, people: People) -> Visitor:
    """Signed in on two devices."""
    await served.token(people.ana)
    return await served.signed_in(people.ana)


async def test_ana_opens_her_lists_in_a_spreadsheet_and_finds_no_secret(
    ana: Visitor, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        bill = await approved(session, people)
        await send_bill(session, bill.id, bill.version, act(people.ana))
        await issue_bill(session, bill.id, clock(people, NOW + DELAY), draw_here)
        pull = await asked_source(session, act(people.ana), OCTOBER)
    token = (await ana.post("/api/tokens", json={"name": FORMULA})).json["token"]
    webhook = (await ana.post("/api/webhooks", json=HOOK)).json

    def numbered(address: str) -> str:
        ids = {"webhook_id": webhook["id"], "bill_id": bill.id, "source_id": pull.source_id}
        return address.format(**ids)

    assert (await ana.post(f"/api/webhooks/{webhook['id']}/test")).status == 202
    for path, page in (map(numbered, both) for both in PAGES.items()):
        sheet = await ana.get(path)
        assert (sheet.status, sheet.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
        assert not any(secret in sheet.text for secret in (token, webhook["secret"], "whsec_"))
        assert f'href="{path}' in (await ana.get(page)).text


async def test_a_list_as_csv_tells_what_it_tells_as_json(
    ana: Visitor, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        pull = await asked_source(session, act(people.ana), OCTOBER)
    await ana.post("/api/tokens", json={"name": FORMULA})
    webhook = (await ana.post("/api/webhooks", json=HOOK)).json["id"]
    for _ in range(3):
        await ana.post(f"/api/webhooks/{webhook}/test")
    deliveries = f"/api/webhooks/{webhook}/deliveries"
    sources = ("/api/sources", f"/api/sources/{pull.source_id}/pulls")
    for path in ("/api/sessions", "/api/tokens", "/api/webhooks", deliveries, *sources):
        answer = (await ana.get(path)).json
        told = answer if isinstance(answer, list) else next(iter(answer.values()))
        sheet = csv.DictReader(io.StringIO((await ana.get(f"{path}.csv")).text))
        assert [*sheet] == [{name: _cell(value) for name, value in row.items()} for row in told]
        assert told
    assert "'=HYPER" in (await ana.get("/api/tokens.csv")).text
    by_state = [await ana.get(f"{deliveries}.csv?status={one}") for one in ("waiting", "failed")]
    assert [one.text.count("webhook.test") for one in by_state] == [3, 0]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value == FORMULA:
        return f"'{value}"
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else str(value)


async def test_a_long_list_of_deliveries_comes_whole(
    ana: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LONG_PAGE", 2)
    webhook = (await ana.post("/api/webhooks", json=HOOK)).json["id"]
    made = [(await ana.post(f"/api/webhooks/{webhook}/test")).json["id"] for _ in range(4)]
    sheet = (await ana.get(f"/api/webhooks/{webhook}/deliveries.csv")).text
    assert [row["id"] for row in csv.DictReader(io.StringIO(sheet))] == [*map(str, made[::-1])]
