"""A month that a source told day by day: its days, and where its figure came from."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill
from models.actions.send import send_bill
from models.actions.uploaded_files import look_at_file, take_in_file
from models.bills.bill import Bill, get_bill
from models.bills.documents import Document
from models.bills.invoice_data import InvoiceData
from models.db.database import Database
from models.imports.books import Book
from models.usage.days import CountedDay, UsageDay, counted_days, days_of
from tests.harness.billing import DELAY, MAIL, clock, correct_usage
from tests.harness.browser_side import BrowserSide, browser_side
from tests.harness.cast import People
from tests.harness.database import TestDatabase
from tests.harness.drawing import draw_here
from tests.harness.issuing import issue_bill
from tests.harness.pdf import pdf_text
from tests.harness.pulled import pull_days
from tests.harness.scene import NOW, OCTOBER, act, add_customer, generate
from tests.web.test_customer_page import ADDRESS, MERIDIAN, words

DAYS = {date(2026, 10, day): 5_000 for day in range(1, 31)}
FINDING = (
    "Acme Corp made 150,000 calls in October 2026, most on 1 October (5,000); the limit was passed"
    " on 21 October."
)


@pytest.fixture
async def bill_id(database: TestDatabase, people: People) -> int:
    """Acme's October as its source told it: 5,000 calls a day but on the 31st."""
    return await database.seeded("usage days", partial(_pulled, database.db, people))


async def _pulled(db: Database, people: People) -> int:
    async with db.transaction() as session:
        acme = await add_customer(session, used=None, **MAIL)
        await pull_days(session, clock(people), acme.id, DAYS)
        await generate(session, act(people.ana))
        bill = (await session.scalars(sa.select(Bill))).one()
        await approve_bill(session, bill.id, bill.version, act(people.kim))
        return bill.id


async def send_out(session: AsyncSession, people: People, bill_id: int) -> Document:
    bill = await get_bill(session, bill_id)
    await send_bill(session, bill.id, bill.version, act(people.ana))
    by = replace(clock(people, NOW + DELAY), settings=MERIDIAN)
    assert await issue_bill(session, bill.id, by, draw_here)
    return await session.get_one(Document, bill.id)


async def test_the_bill_shows_its_days_and_which_pull_its_figure_came_by(
    served: BrowserSide, people: People, bill_id: int
) -> None:
    shown = await (await served.signed_in(people.kim)).get(f"/bills/{bill_id}")
    assert FINDING in words(shown)
    assert "October 2026: From the source events, pulled 2 Nov 2026, 09:00 by the clock." in words(
        shown
    )
    assert "21 October 2026 5,000 5,000" in words(shown)
    assert "31 October 2026 0 0" in words(shown)


async def test_a_script_gets_the_days_of_a_month_and_of_its_bill(
    served: BrowserSide, people: People, bill_id: int
) -> None:
    kim = served.visitor(await served.token(people.kim))
    (without,) = (await kim.get("/api/usage")).json["usage"]
    (month,) = (await kim.get("/api/usage", params={"days": "true"})).json["usage"]
    assert without["days"] is None
    assert month["days"] == [{"day": str(day), "api_usage": calls} for day, calls in DAYS.items()]
    assert sum(one["api_usage"] for one in month["days"]) == month["api_usage"] == 150_000
    ana = served.visitor(await served.token(people.ana))
    assert (await ana.put("/api/usage", json=[month])).json["unchanged"] == 1

    bill = (await kim.get(f"/api/bills/{bill_id}")).json
    assert bill["origin"] == month["origin"]
    assert len(bill["days"]) == 31
    assert bill["days"][20] == {"day": "2026-10-21", "api_usage": 5_000, "overage_units": 5_000}
    assert sum(one["overage_units"] for one in bill["days"]) == bill["overage_units"]


async def test_the_customer_gets_the_days_with_the_document_and_keeps_them(
    db: Database, people: People, bill_id: int
) -> None:
    async with db.transaction() as session:
        document = await send_out(session, people, bill_id)
        facts = InvoiceData.from_json(document.facts or "")
        customer_id = (await get_bill(session, bill_id)).customer_id
        await correct_usage(session, act(people.ana), customer_id, 160_000)
        assert await days_of(session, customer_id, OCTOBER) == ()
    assert facts.days == tuple(UsageDay(day, calls) for day, calls in DAYS.items())
    printed = " ".join(pdf_text(document.content).split())
    assert FINDING in printed
    assert "20 October 2026 5,000 0 21 October 2026 5,000 5,000" in printed
    assert facts.link
    path = ADDRESS.fullmatch(facts.link.address)
    assert path
    async with browser_side(db, now=lambda: NOW + timedelta(days=1), billing=MERIDIAN) as side:
        seen = words(await side.visitor().get(path[1]))
    assert FINDING in seen
    assert "21 October 2026 5,000 5,000" in seen
    assert "events" not in seen


async def test_a_figure_says_in_every_medium_where_it_came_from(
    served: BrowserSide, db: Database, people: People, bill_id: int
) -> None:
    ana = served.visitor(await served.token(people.ana))

    async def origin() -> dict[str, object]:
        (found,) = (await ana.get("/api/usage")).json["usage"]
        told: dict[str, object] = found["origin"]
        return told

    pulled = await origin()
    assert (pulled["source"], pulled["stakeholder"]) == ("clock", "system")
    assert (pulled["pulled_from"], pulled["file"]) == ("events", None)
    assert pulled["pulled_from_id"] and pulled["pull_id"]
    async with db.transaction() as session:
        by = act(people.ana)
        bill = await get_bill(session, bill_id)
        file = await look_at_file(
            session,
            Book.USAGE,
            "october.csv",
            b"customer,year,month,api_usage\nAcme Corp,2026,10,140000\n",
            by,
        )
        await take_in_file(session, file.id, file.would_do.digest, by)
    told = words(await (await served.signed_in(people.kim)).get(f"/bills/{bill_id}"))
    assert "By file october.csv, taken in 2 Nov 2026, 09:00 by Ana (Finance)." in told
    assert "Day by day" not in told
    assert (await origin())["file"] == "october.csv"
    (month,) = (await ana.get("/api/usage", params={"days": "true"})).json["usage"]
    assert (month["days"], month["origin"]["pull_id"]) == ([], None)
    bill_told = (await ana.get(f"/api/bills/{bill_id}")).json
    assert (bill_told["days"], bill_told["origin"]) == ([], month["origin"])
    await ana.put(
        "/api/usage",
        json=[{"customer_id": bill.customer_id, "year": 2026, "month": 10, "api_usage": 130000}],
    )
    told = words(await (await served.signed_in(people.kim)).get(f"/bills/{bill_id}"))
    assert "By the API, recorded" in told


def test_what_comes_after_the_limit_is_counted_day_by_day() -> None:
    used = [UsageDay(date(2026, 2, day), 10) for day in (1, 14, 27)]
    days = counted_days(OCTOBER.plus(-8), used, 15)
    assert len(days) == 28
    assert [one for one in days if one.calls] == [
        CountedDay(date(2026, 2, 1), 10, 0),
        CountedDay(date(2026, 2, 14), 10, 5),
        CountedDay(date(2026, 2, 27), 10, 10),
    ]
    assert counted_days(OCTOBER, [], 15) == ()
