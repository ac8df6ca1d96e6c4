"""What people are called turns no text around it, wherever pages say it."""

import re

import sqlalchemy as sa

from models.db.database import Database
from tests.harness.books import make_bills
from tests.harness.browser_side import Answer, BrowserSide, Visitor
from tests.harness.cast import People
from tests.web.test_editing import shown
from tests.web.test_imports import send

TURNED = "Ada \u202e evil inc"
PLAIN = "Ada  evil inc"


def told(page: Answer) -> str:
    """What is read on a page and in its title; fields keep what was typed."""
    assert page.status in (200, 409, 422), (page.status, page.text)
    kept = re.sub(r'value="[^"]*"|<textarea.*?</textarea>', "", page.text, flags=re.S)
    assert not re.search("[\u202a-\u202e]", kept), kept
    return kept


async def followed(ana: Visitor, done: Answer) -> str:
    assert done.status == 303, done.text
    return told(await ana.get(done.headers["Location"]))


async def test_a_direction_mark_in_a_name_turns_nothing_around(
    served: BrowserSide, db: Database, people: People
) -> None:
    ana = await served.signed_in(people.ana)
    [bill] = await make_bills(db, people.ana)
    async with db.transaction() as session:
        one = await session.scalar(sa.text("select id from customers"))
    form = shown(await ana.get(f"/customers/{one}/edit"))
    done = await ana.post(f"/customers/{one}/edit", data=form | {"name": TURNED, "csm": "Kim"})
    assert PLAIN in await followed(ana, done)
    usage = f"/customers/{one}/usage/2026-10"
    for address in (
        *(f"/customers/{one}", f"/customers/{one}/edit", usage, "/customers", "/dashboard"),
        *(f"/bills/{bill}", f"/bills/{bill}/void", "/month/2026-10", "/dashboard?customer=Ada"),
    ):
        told(await ana.get(address))
    asked = await ana.post(usage, data=shown(await ana.get(usage)) | {"api_usage": "1600"})
    assert f"Record other usage of {PLAIN}" in told(asked)
    terms = shown(await ana.get(f"/customers/{one}/edit")) | {"overage_unit_cost": "0.4"}
    terms |= {"valid_from": "2026-10"}
    assert f"Change {PLAIN}?" in told(await ana.post(f"/customers/{one}/edit", data=terms))
    new = {"name": TURNED, "monthly_api_limit": "1", "currency": "USD"}
    taken = told(await ana.post("/customers/new", data=new))
    assert f"There is a customer {PLAIN} already." in taken
    added = await ana.post("/customers/new", data=new | {"name": f"{TURNED} 2"})
    assert f"{PLAIN} 2 is a customer now." in await followed(ana, added)


async def test_nor_does_one_in_a_file_or_in_what_a_person_is_called(
    served: BrowserSide, db: Database, people: People
) -> None:
    ana = await served.signed_in(people.ana)
    csv = f"name,email,role,slack_user_id\n{TURNED},a@example.com,Customer Success,\n"
    looked = await send(ana, "people", csv, f"{TURNED}.csv")
    assert looked.status == 303, looked.text
    page = await ana.get(looked.headers["Location"])
    assert PLAIN in told(page)
    agreed = re.search(r'name="agreed" value="(\w+)"', page.text)
    assert agreed is not None
    taken = await ana.post(looked.headers["Location"], data={"agreed": agreed[1]})
    assert f"{PLAIN}.csv is in" in await followed(ana, taken)
    bad = csv.replace("Customer Success", TURNED)
    assert PLAIN in told(await send(ana, "people", bad, f"{TURNED}.csv"))
    async with db.transaction() as session:
        find = sa.text("select id from users where name like 'Ada%'")
        ada = await session.scalar(find)
    for address in ("/people", f"/people/{ada}", "/customers", "/customers/new", "/dashboard"):
        told(await ana.get(address))
    changed = await ana.post(f"/people/{ada}", data={"role": "Sales", "active": "yes"})
    assert f"{PLAIN} is changed." in await followed(ana, changed)
