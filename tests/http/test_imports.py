"""Customers and people by the API, many at once, as files have them."""

from io import BytesIO

import pytest

from models.db.database import Database
from tests.harness.browser_side import Answer, BrowserSide, Visitor
from tests.harness.cast import People
from tests.harness.files import rows_of
from tests.harness.scene import act, bill_for

CSV = {"Content-Type": "text/csv; charset=utf-8"}


@pytest.fixture
async def ana(served: BrowserSide, people: People) -> Visitor:
    return await served.signed_in(people.ana)


async def put(visitor: Visitor, book: str, text: str) -> Answer:
    return await visitor.put(f"/api/{book}", data=BytesIO(text.encode()), headers=CSV)


async def test_what_the_api_gives_as_csv_it_takes_back_unchanged(
    ana: Visitor, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        await bill_for(session, act(people.ana), "=Acme", csm_id=people.kim.id)
    for book, count in (("customers", 1), ("users", 5), ("usage", 1)):
        sheet = (await ana.get(f"/api/{book}.csv")).text
        taken = await put(ana, book, sheet)
        assert (taken.status, taken.json["unchanged"]) == (200, count), taken.text
        assert taken.json["added"] == taken.json["changed"] == 0


async def test_a_price_for_many_customers_moves_their_bills(
    ana: Visitor, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(session, act(people.system), csm_id=people.kim.id)
    dear = "name,overage_unit_cost,valid_from\nAcme Corp,1.00,2026-10\n"
    taken = await put(ana, "customers", dear)
    assert (taken.json["changed"], taken.json["bills"]) == (1, {"invalidated": 1})
    assert (await ana.get(f"/api/bills/{bill.id}")).json["version"] == 2


async def test_people_come_and_go_by_a_file(ana: Visitor, people: People, db: Database) -> None:
    taken = await put(ana, "users", "name,email,role,slack_user_id\nNoa,,Sales,U0NOA\nLee,,,\n")
    assert (taken.json["added"], taken.json["changed"]) == (1, 1)
    found = await rows_of(db, "select role from users where name in ('Noa', 'Lee') order by name")
    assert found == [(None,), ("Sales",)]


@pytest.mark.parametrize(
    ("book", "text", "field"),
    [
        ("customers", "name,monthly_api_limit\nAcme,1\nBolt,many\n", "monthly_api_limit"),
        ("users", "name,email,role,slack_user_id\nNoa,,Sales,\nBo,,Boss,\n", "role"),
    ],
)
async def test_a_bad_row_is_named_and_nothing_is_kept(
    ana: Visitor, db: Database, book: str, text: str, field: str
) -> None:
    refused = await put(ana, book, text)
    assert (refused.status, refused.json["field"]) == (422, field), refused.text
    assert [one["row"] for one in refused.json["errors"]] == [3]
    assert await rows_of(db, f"select 1 from {book} where name in ('Acme', 'Noa')") == []


async def test_another_kind_of_body_is_415(ana: Visitor) -> None:
    for book, kinds in (
        ("customers", "Send text/csv."),
        ("users", "Send text/csv."),
        ("usage", "Send application/json, application/x-ndjson or text/csv."),
    ):
        headers = {"Content-Type": "application/xml"}
        refused = await ana.put(f"/api/{book}", data=b"<a/>", headers=headers)
        assert (refused.status, refused.json["detail"]) == (415, kinds)
