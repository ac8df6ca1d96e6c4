"""Customers through the JSON API: the list, one with its terms, added and changed."""

from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa

from models.db.database import Database
from models.imports.files import Imported
from tests.harness.books import make_bills
from tests.harness.browser_side import Answer, BrowserSide, Visitor
from tests.harness.cast import People
from tests.harness.files import load, rows_of

ACME = {"name": "Acme", "monthly_api_limit": 1_000_000, "overage_unit_cost": "0.0040"}


async def added(visitor: Visitor, **fields: Any) -> Any:
    answer = await visitor.post("/api/customers", json=ACME | fields)
    assert answer.status == 201, answer.text
    return answer.json


async def change(visitor: Visitor, customer: Any, seen: str | None = None, **fields: Any) -> Answer:
    headers = {"If-Match": seen} if seen else {}
    return await visitor.patch(f"/api/customers/{customer['id']}", json=fields, headers=headers)


async def test_finance_adds_a_customer_and_everybody_sees_it(
    served: BrowserSide, people: People
) -> None:
    ana, max_ = await served.signed_in(people.ana), await served.signed_in(people.max)
    acme = await added(ana, csm_id=people.kim.id, sales="sam", require_csm_approval=True)
    assert (acme["csm"], acme["sales_id"]) == ("Kim", people.sam.id)
    assert (acme["overage_unit_cost"], acme["currency"]) == ("0.004", "USD")
    assert [one["monthly_api_limit"] for one in acme["terms"]] == [1_000_000]
    seen = await max_.get(f"/api/customers/{acme['id']}")
    assert (seen.json, seen.headers["ETag"]) == (acme, f'"{acme["version"]}"')
    listed = (await max_.get("/api/customers", params={"name": "ac"})).json
    assert [one["name"] for one in listed["customers"]] == ["Acme"]


async def test_of_two_who_edit_the_second_is_told_and_reads_again(
    served: BrowserSide, people: People
) -> None:
    ana = await served.signed_in(people.ana)
    acme = await added(ana)
    seen = f'"{acme["version"]}"'
    first = await change(ana, acme, seen, tax_id="DE1", start_date="2026-01-01")
    assert (first.status, first.json["start_date"]) == (200, "2026-01-01")
    late = await change(ana, acme, seen, tax_id="DE2")
    assert (late.status, late.json["title"]) == (409, "Conflict")
    assert late.json["detail"] == (
        "Ana (Finance) changed this customer while you were looking. Tax number: DE1, was none;"
        " First day in contract: 2026-01-01, was none. Nothing was changed."
    )
    for other in ('"99"', f"W/{first.headers['ETag']}", "1"):
        assert (await change(ana, acme, other, tax_id="DE2")).status == 409
    for same in ("*", f'"99", {first.headers["ETag"]}'):
        assert (await change(ana, acme, same, tax_id="DE1")).status == 200
    again = await change(ana, acme, first.headers["ETag"], tax_id=None, csm_id=people.kim.id)
    assert (again.json["tax_id"], again.json["start_date"]) == (None, "2026-01-01")
    gone = await change(ana, acme, csm_id=None)
    assert gone.json["csm"] is None


async def test_terms_change_from_a_month_on_and_bills_follow(
    served: BrowserSide, people: People, db: Database
) -> None:
    [bill] = await make_bills(db, people.ana)
    ana = await served.signed_in(people.ana)
    [one] = (await ana.get("/api/customers")).json["customers"]
    dearer = await change(ana, one, overage_unit_cost="0.4", valid_from="2026-10")
    assert [(t["valid_from"], t["overage_unit_cost"]) for t in dearer.json["terms"]][-1] == (
        "2026-10",
        "0.4",
    )
    assert await rows_of(
        db, f"select overage_amount = 200, version from bills where id = {bill}"
    ) == [(True, 2)]


AT_FAULT = (
    ({"name": ""}, {"name"}),
    ({"id": 7}, {"id"}),
    ({"created_at": "2020-01-01", "merged_into_id": 1}, {"created_at", "merged_into_id"}),
    ({"monthly_api_limit": 1.5}, {"monthly_api_limit"}),
    ({"monthly_api_limit": -1}, {"monthly_api_limit"}),
    ({"overage_unit_cost": 0.1}, {"overage_unit_cost"}),
    ({"overage_unit_cost": "1e400"}, {"overage_unit_cost"}),
    ({"country": "UK", "locale": "xx_YY"}, {"country", "locale"}),
    ({"csm_id": 999_999}, {"csm_id"}),
    ({"csm_id": 1, "csm": "Kim"}, {"csm_id"}),
    ({"sales": "Kim"}, {"sales"}),
    ({"start_date": "yesterday"}, {"start_date"}),
    ({"billing_address": "\ud800"}, {"billing_address"}),
)


async def test_every_field_at_fault_is_named(
    served: BrowserSide, people: People, subtests: pytest.Subtests
) -> None:
    for fields, at_fault in AT_FAULT:
        with subtests.test(fields=fields, at_fault=at_fault):
            ana = await served.signed_in(people.ana)
            refused = await ana.post("/api/customers", json=ACME | fields)
            assert refused.status == 422, refused.text
            told = refused.json
            assert told["field"] in at_fault
            assert {
                one["field"] for one in told.get("errors", [{"field": told["field"]}])
            } == at_fault


async def test_refusals_come_in_their_order(served: BrowserSide, people: People) -> None:
    stranger, kim = served.visitor(), await served.signed_in(people.kim)
    ana = await served.signed_in(people.ana)
    bad = {"json": {"country": "nowhere"}}
    assert (await stranger.patch("/api/customers/1", **bad)).status == 401
    assert (await kim.patch("/api/customers/999", **bad)).status == 403
    assert (await ana.patch("/api/customers/999", **bad)).status == 404
    assert (await ana.patch("/api/customers/x", data=b"{")).status == 404
    acme = await added(ana)
    assert (await ana.patch(f"/api/customers/{acme['id']}", **bad)).status == 422
    assert (await ana.get("/api/customers/999")).status == 404


async def test_the_list_goes_on_by_its_cursor_and_is_filtered(
    served: BrowserSide, people: People
) -> None:
    ana = await served.signed_in(people.ana)
    names = ["Beta", "Alpha", "alphabet", "Gamma"]
    for name in names:
        await added(ana, name=name, csm="Kim" if name == "Beta" else None)
    seen, cursor = list[str](), ""
    while True:
        asked = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await ana.get("/api/customers", params=asked)).json
        seen += [one["name"] for one in page["customers"]]
        if not (cursor := page["next_cursor"] or ""):
            break
    assert seen == names
    alike = (await ana.get("/api/customers", params={"name": "ALPHA"})).json["customers"]
    assert [one["name"] for one in alike] == ["Alpha", "alphabet"]
    hers = (await ana.get("/api/customers", params={"csm_id": str(people.kim.id)})).json
    assert [one["name"] for one in hers["customers"]] == ["Beta"]
    for bad in ({"cursor": "x"}, {"limit": "0"}, {"csm": "Kim"}):
        assert (await ana.get("/api/customers", params=bad)).status == 422


async def test_the_list_as_csv_is_safe_in_a_spreadsheet_and_read_back_unchanged(
    served: BrowserSide, people: People, db: Database
) -> None:
    ana, max_ = await served.signed_in(people.ana), await served.signed_in(people.max)
    await added(ana, name="=1+1", billing_address="-1 Road\nTown", tax_note="@home", csm="Kim")
    await added(ana, name="Plain", end_date="2027-01-31")
    book = await max_.get("/api/customers.csv")
    assert book.headers["Content-Type"].startswith("text/csv")
    assert book.headers["Content-Disposition"] == 'attachment; filename="customers.csv"'
    assert "'=1+1," in book.text and "'@home" in book.text
    done = await load(db, people.ana, "customers", BytesIO(book.text.encode()).read())
    assert done == Imported(0, 0, 2)
    one = await max_.get("/api/customers.csv", params={"name": "pl"})
    assert one.text.splitlines()[1:] == book.text.splitlines()[-1:]
    async with db.transaction() as session:
        await session.execute(sa.text("update users set role = null where name = 'Max'"))
    assert (await max_.get("/api/customers.csv")).status == 403
