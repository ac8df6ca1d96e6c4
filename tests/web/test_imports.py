"""Files on the web: looked at first, then taken in just as they were seen."""

import re
from datetime import timedelta

import aiohttp
import pytest

from models.actions.uploaded_files import LIFETIME
from models.db.database import Database
from tests.harness.books import make_bills, send_out
from tests.harness.browser_side import Answer, BrowserSide, Visitor, browser_side
from tests.harness.cast import People
from tests.harness.files import load, rows_of
from tests.harness.slack_people import NOW

USAGE = "customer,year,month,api_usage\n"


@pytest.fixture
async def ana(served: BrowserSide, people: People) -> Visitor:
    return await served.signed_in(people.ana)


async def send(visitor: Visitor, book: str, content: str, name: str = "file.csv") -> Answer:
    form = aiohttp.FormData({"book": book}, quote_fields=False)
    form.add_field("file", content.encode(), filename=name, content_type="text/csv")
    return await visitor.post("/import", data=form)


async def looked_at(visitor: Visitor, book: str, content: str) -> Answer:
    kept = await send(visitor, book, content)
    assert kept.status == 303, kept.text
    return await visitor.get(kept.headers["Location"])


async def take_in(visitor: Visitor, page: Answer) -> Answer:
    """Press the button of the page."""
    [action] = re.findall(r'<form method="post" action="(/import/\d+)"', page.text)
    [agreed] = re.findall(r'name="agreed" value="(\w+)"', page.text)
    return await visitor.post(action, data={"agreed": agreed})


def cells(page: Answer) -> list[list[str]]:
    """Each row of a table, as it is read where there is room."""
    wide = re.sub(r'<span class="slim under">.*?</span>', "", page.text)
    rows = re.findall(r"<tr>(.*?)</tr>", wide, re.S)
    plain = [
        re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)
        for row in rows
        if 'scope="col"' not in row
    ]
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in plain]


async def test_a_file_says_what_it_would_do_and_does_it_once_agreed(
    ana: Visitor, db: Database, people: People
) -> None:
    [waiting, sent] = await make_bills(db, people.ana, customers=2)
    await send_out(db, people, sent)
    file = "Customer 1,2026,10,1600\nCustomer 2,2026,10,1700\nCustomer 1,2026,9,7\n"
    page = await looked_at(ana, "usage", USAGE + file)
    assert "1 added, 2 changed, 0 unchanged" in page.text
    assert await rows_of(db, "select count(*), max(version) from bills") == [(2, 5)]
    assert await rows_of(db, "select count(*) from usages where api_usage <> 1500") == [(0,)]
    assert [row[1:4] for row in cells(page)][:2] == [
        ["October 2026", "$100.00", "$120.00"],
        ["October 2026", "$100.00 billed", "+$40.00"],
    ]
    assert cells(page)[2:] == [
        ["2", "Customer 1 2026-10", "Calls", "1,500", "1,600"],
        ["3", "Customer 2 2026-10", "Calls", "1,500", "1,700"],
        ["4", "Customer 1 2026-09", "New", "none", "7"],
    ]
    done = await take_in(ana, page)
    assert (done.status, done.headers["Location"]) == (303, "/import")
    assert "1 added, 2 changed, 0 unchanged" in (await ana.get("/import")).text
    assert await rows_of(db, "select kind, status from bills order by id") == [
        ("overage", "pending"),
        ("overage", "sent"),
        ("adjustment", "pending"),
    ]
    assert await rows_of(db, "select distinct source from usage_changes") == [("web",)]
    assert await rows_of(db, "select content from uploaded_files") == [(b"",)]
    again = await take_in(ana, page)
    assert (again.status, "is in already. Nothing was done again." in again.text) == (409, True)
    [address] = re.findall(r'action="(/import/\d+)"', page.text)
    back = (await ana.get(address)).text
    assert "It is in: you took it in, " in back and "What changed" in back
    assert "Take it in" not in back
    assert waiting


async def test_where_the_books_have_changed_since_it_is_seen_again(
    ana: Visitor, db: Database, people: People
) -> None:
    await make_bills(db, people.ana)
    page = await looked_at(ana, "usage", f"{USAGE}Customer 1,2026,10,1600\n")
    await load(db, people.ana, "usage", f"{USAGE}Customer 1,2026,10,1550\n")
    stale = await take_in(ana, page)
    again = await ana.get(stale.headers["Location"])
    assert "The books have changed since you looked at this file." in again.text
    assert await rows_of(db, "select api_usage from usages") == [(1550,)]
    assert cells(again)[-1][-2:] == ["1,550", "1,600"]
    assert (await take_in(ana, again)).headers["Location"] == "/import"
    assert await rows_of(db, "select api_usage from usages") == [(1600,)]


async def test_a_file_with_faults_is_refused_with_every_one_and_not_kept(
    ana: Visitor, db: Database, people: People
) -> None:
    await make_bills(db, people.ana)
    page = await send(ana, "usage", f"{USAGE}Nobody <b>,2026,10,1\nCustomer 1,2026,13,1,100\n")
    assert page.status == 422
    assert [row[:2] for row in cells(page)] == [["2", "customer"], ["3", ""]]
    assert "<b>" not in page.text
    thrice = await send(ana, "usage", USAGE + "".join(f"Nobody,2026,{m},1\n" for m in (7, 8, 9)))
    [[line, *_]] = cells(thrice)
    assert (line, "3 faults" in thrice.text) == ("2and 2 more", True)
    assert await rows_of(db, "select count(*) from uploaded_files") == [(0,)]
    many = "".join(f"Nobody,2026,{1 + n % 9},{n}\n" for n in range(300)) + "Customer 1,2026,13,1\n"
    faults = await send(ana, "usage", USAGE + many)
    assert [row[:2] for row in cells(faults)] == [["2and 299 more", "customer"], ["302", "month"]]
    assert "301 faults." in faults.text
    none = await ana.post("/import", data={"book": "usage"})
    assert (none.status, "Choose a file first." in none.text) == (422, True)
    odd = await send(ana, "bills", USAGE)
    assert (odd.status, "Say what the file is about." in odd.text) == (422, True)


async def test_customers_show_what_changes_of_whom(
    ana: Visitor, db: Database, people: People
) -> None:
    columns = "name,csm,monthly_api_limit,overage_unit_cost,tax_rate_percent,require_csm_approval"
    start = f"{columns}\nAcme,Kim,1000,0.10,19,yes\n"
    assert (await take_in(ana, await looked_at(ana, "customers", start))).status == 303
    page = await looked_at(
        ana,
        "customers",
        start.replace("Kim,1000,0.10,19,yes", "Lee,2000,0.1,19,no") + "Beta,,5,,,yes\n",
    )
    assert "No bill moves." in page.text
    tax = "Tax rate in percent: 0"
    assert cells(page) == [
        ["2", "Acme", "CSM", "Kim", "Lee"],
        ["2", "Acme", "Included calls a month", "1,000", "2,000"],
        ["2", "Acme", "The CSM must approve", "yes", "no"],
        ["3", "Beta", "New", "", f"Included calls a month: 5{tax}The CSM must approve: yes"],
    ]
    same = await looked_at(ana, "customers", start)
    assert "Nothing to do" in same.text and "All rows of this file" in same.text
    empty = await looked_at(ana, "customers", start.partition("\n")[0] + "\n")
    assert "This file has no rows below its head." in empty.text
    assert "All rows" not in empty.text


async def test_people_show_whose_role_changes(ana: Visitor, people: People) -> None:
    file = "name,email,role,slack_user_id\nKim,,Manager,\nNew One,,Sales,\n"
    page = await looked_at(ana, "people", file)
    assert cells(page)[0] == ["2", "Kim", "Role", "Customer Success", "Manager"]
    assert cells(page)[1:] == [["3", "New One", "New", "", "Role: Sales"]]
    assert (await take_in(ana, page)).status == 303


async def test_people_come_as_a_file_and_go_back_unchanged(ana: Visitor) -> None:
    assert 'href="/api/users.csv"' in (await ana.get("/people")).text
    everybody = await ana.get("/api/users.csv")
    assert everybody.headers["Content-Disposition"] == 'attachment; filename="people.csv"'
    assert "Kim" in everybody.text
    page = await looked_at(ana, "people", everybody.text)
    assert "Nothing to do" in page.text and "0 added, 0 changed" in page.text


async def test_a_file_is_its_owners_alone_and_for_an_hour(db: Database, people: People) -> None:
    moment = NOW
    async with db.transaction() as session:
        (await session.merge(people.max)).role = "Finance"
    async with browser_side(db, now=lambda: moment) as served:
        ana, max_ = await served.signed_in(people.ana), await served.signed_in(people.max)
        kept = await send(ana, "people", "name,email,role,slack_user_id\nNew,,Sales,\n")
        address = kept.headers["Location"]
        assert (await ana.get(address)).status == 200
        assert (await max_.get(address)).status == 404
        assert (await max_.post(address, data={"agreed": ""})).status == 404
        moment = NOW + LIFETIME - timedelta(seconds=1)
        assert (await ana.get(address)).status == 200
        moment = NOW + LIFETIME
        assert (await ana.get(address)).status == 404
        await send(max_, "people", "name,email,role,slack_user_id\nOther,,Sales,\n")
        assert await rows_of(db, "select count(*) from uploaded_files") == [(1,)]


async def test_nothing_is_locked_while_somebody_looks(
    ana: Visitor, db: Database, people: People
) -> None:
    await make_bills(db, people.ana)
    await looked_at(ana, "usage", f"{USAGE}Customer 1,2026,10,1600\n")
    assert await rows_of(
        db,
        "select count(*) from pg_locks l join pg_class c on c.oid = l.relation"
        " join pg_database d on d.oid = l.database and d.datname = current_database()"
        " where c.relname in ('usages', 'bills', 'customers') and l.pid <> pg_backend_pid()",
    ) == [(0,)]


@pytest.mark.parametrize(
    ("book", "content", "told"),
    [
        ("customers", f"{USAGE}Acme,2026,10,5\n", "a file of usage"),
        ("customers", "customer_id,year,month,api_usage\n1,2026,10,5\n", "a file of usage"),
        ("people", "name,monthly_api_limit\nAcme,5\n", "a file of customers"),
        ("usage", "name,email,role,slack_user_id\nNoa,,Sales,\n", "a file of people"),
    ],
)
async def test_a_file_of_another_kind_is_told_for_what_it_is(
    ana: Visitor, book: str, content: str, told: str
) -> None:
    refused = await send(ana, book, content)
    assert (refused.status, f"this first line is that of {told}" in refused.text) == (422, True)
    assert refused.text.count("<td>") == 2
