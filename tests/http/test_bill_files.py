"""Lists of bills as CSV, and the documents of bills."""

import csv
import io

from models.bills.bill import get_bill
from models.db.database import Database
from models.text import without_guard
from tests.harness.billing import MAIL, go_out
from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People
from tests.harness.database import TestDatabase, unguarded
from tests.harness.scene import act, bill_for

NAMES = ("Acme, “Corp”", "=1+1", "'=1+1", "@SUM(A1)", "-3", "+49 30", "Ünïcode\u3000")


async def test_a_spreadsheet_opens_the_list_safely_and_names_come_back(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        bills = [await bill_for(session, act(people.ana), name) for name in NAMES]
    max_ = await served.signed_in(people.max)
    sheet = await max_.get("/api/bills.csv")
    assert sheet.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(sheet.text)))
    assert [row["id"] for row in rows] == [str(bill.id) for bill in bills]
    assert all(row["customer"][0] not in "=+-@" for row in rows)
    listed = (await max_.get("/api/bills")).json["bills"]
    assert [without_guard(row["customer"]) for row in rows] == [one["customer"] for one in listed]
    by_header = await max_.get("/api/bills", headers={"Accept": "text/csv"})
    assert by_header.text == sheet.text


async def test_the_file_has_what_the_filter_means(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        theirs = await bill_for(session, act(people.ana), csm_id=people.kim.id)
        await bill_for(session, act(people.ana), "Bolt Ltd")
    max_ = await served.signed_in(people.max)
    for filters, count in (
        ({"csm_id": people.kim.id}, 1),
        ({"customer_id": theirs.customer_id, "status": "pending"}, 1),
        ({"year": 2026, "month": 10}, 2),
        ({"month": "2026-10"}, 2),
        ({"month": "2026-10", "year": 2026}, 2),
        ({"month": "2025-10"}, 0),
        ({"month": 9}, 0),
        ({"status": "sent"}, 0),
    ):
        sheet = await max_.get("/api/bills.csv", params=filters)
        found = await max_.get("/api/bills", params=filters)
        assert len(list(csv.DictReader(io.StringIO(sheet.text)))) == count
        assert len(found.json["bills"]) == count


async def test_a_document_is_answered_where_it_is_a_pdf(
    served: BrowserSide, people: People, database: TestDatabase
) -> None:
    async with database.db.transaction() as session:
        bill = await bill_for(session, act(people.ana), csm_id=people.kim.id, **MAIL)
    max_ = await served.signed_in(people.max)
    path = f"/api/bills/{bill.id}/invoice.pdf"
    early = await max_.get(path)
    assert (early.status, "It gets one when it is issued" in early.text) == (404, True)
    kim = await served.signed_in(people.kim)
    assert (await kim.patch(f"/api/bills/{bill.id}/approve", json={"version": 1})).status == 200
    async with database.db.transaction() as session:
        await go_out(session, people, await get_bill(session, bill.id))
    text = await max_.get(path)
    assert (text.status, "is no PDF but text" in text.text) == (404, True)
    with unguarded(database._owner):
        database._owner.execute(
            "update documents set media_type = 'application/pdf', content = '%PDF-1.7'"
        )
    found = await max_.get(path)
    assert (found.status, found.text) == (200, "%PDF-1.7")
    page = await max_.get(f"/bills/{bill.id}")
    assert f'<a href="{path}">2026-000001.pdf</a>' in page.text
    assert found.headers["Content-Type"] == "application/pdf"
