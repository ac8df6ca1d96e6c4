"""Customers added and changed on the web, and the usage of a month."""

import re

import pytest
import sqlalchemy as sa

from handlers.http.once import FIELD
from models.actions.approve import approve_bill
from models.db.database import Database
from models.people.users import User
from tests.harness.books import act, make_bills
from tests.harness.browser_side import Answer, BrowserSide, Visitor
from tests.harness.cast import People
from tests.harness.files import rows_of
from tests.web.form_fields import fields_of

ACME = {"name": "Acme", "monthly_api_limit": "1000", "overage_unit_cost": "0.2", "currency": "USD"}


@pytest.fixture
async def ana(served: BrowserSide, people: People) -> Visitor:
    return await served.signed_in(people.ana)


def shown(page: Answer) -> dict[str, str]:
    """What a browser would send of the form as it stands, but for its own key."""
    fields = fields_of(page.text[page.text.index("data-dialog-body") :])
    return {name: value for name, value in fields.items() if name != FIELD}


def errors(page: Answer) -> dict[str, str]:
    return dict(re.findall(r'<p class="error" id="e-(\w+)">(.*?)</p>', page.text))


async def customer(db: Database, user: User) -> tuple[int, int]:
    """One with a bill of October that waits; their ids."""
    [bill] = await make_bills(db, user)
    [[one]] = await rows_of(db, "select id from customers")
    return one, bill


async def test_finance_adds_a_customer(ana: Visitor, db: Database, people: People) -> None:
    empty = shown(await ana.get("/customers/new"))
    assert (empty["currency"], empty["limit_proration"]) == ("USD", "full")
    typed = empty | ACME | {"csm": "Kim", "require_csm_approval": "yes", "country": "de"}
    done = await ana.post("/customers/new", data=typed | {"billing_address": "1 Road\r\nTown"})
    assert done.status == 303
    assert (await ana.get(done.headers["Location"])).status == 200
    assert await rows_of(
        db, "select name, csm_id, country, billing_address, require_csm_approval from customers"
    ) == [("Acme", people.kim.id, "DE", "1 Road\nTown", True)]


async def test_everybody_reads_what_was_changed_and_why(
    served: BrowserSide, ana: Visitor, db: Database, people: People
) -> None:
    one, _ = await customer(db, people.ana)
    form = shown(await ana.get(f"/customers/{one}/edit"))
    typed = form | {"country": "de", "require_csm_approval": "yes", "reason": "They <moved>"}
    asked = await ana.post(f"/customers/{one}/edit", data=typed)
    if asked.status == 200:
        asked = await ana.post(f"/customers/{one}/edit", data=shown(asked))
    assert asked.status == 303
    more = {"tax_id": "DE1", "reason": "By their letter"}
    assert (await ana.patch(f"/api/customers/{one}", json=more)).status == 200
    page = (await (await served.signed_in(people.max)).get(f"/customers/{one}")).text
    _, _, told = page.partition("What was changed")
    assert "Ana (Finance)</strong> through the API" in told and "By their letter" in told
    assert "Country: DE, was none" in told and "The CSM must approve: yes, was no" in told
    assert "They &lt;moved&gt;" in told


async def test_the_story_of_a_price_says_from_which_month_it_holds(
    ana: Visitor, db: Database, people: People
) -> None:
    one, _ = await customer(db, people.ana)
    for month in ({"valid_from": "2026-12"}, {}):
        given = {"json": {"overage_unit_cost": "0.5"} | month}
        assert (await ana.patch(f"/api/customers/{one}", **given)).status == 200
    _, _, told = (await ana.get(f"/customers/{one}")).text.partition("What was changed")
    prices = re.findall(r"Price of a call over from (.*?) on: ([\d.]+), was", told)
    assert prices == [("November 2026", "0.5"), ("December 2026", "0.5")]


async def test_every_field_is_checked_in_its_place_and_what_was_typed_is_kept(
    ana: Visitor, db: Database
) -> None:
    wrong = ACME | {"country": "UK", "start_date": "02/01/2026", "name": "<b>", "tax_id": '"none"'}
    page = await ana.post("/customers/new", data=wrong)
    assert page.status == 422
    assert errors(page).keys() == {"country", "start_date", "tax_id"}
    assert {name: shown(page)[name] for name in wrong} == wrong
    assert "<b>" not in page.text
    assert await rows_of(db, "select count(*) from customers") == [(0,)]


async def test_a_name_in_use_is_told_beside_all_else_that_is_wrong(
    ana: Visitor, db: Database
) -> None:
    assert (await ana.post("/customers/new", data=ACME)).status == 303
    page = await ana.post("/customers/new", data=ACME | {"name": "ACME", "country": "UK"})
    assert errors(page).keys() == {"name", "country"}
    again = await ana.post("/customers/new", data=ACME | {"tax_id": "DE1"})
    assert errors(again).keys() == {"name"}
    assert await rows_of(db, "select tax_id from customers") == [(None,)]


async def test_all_that_is_wrong_in_a_change_is_told_at_once(
    ana: Visitor, db: Database, people: People
) -> None:
    one, _ = await customer(db, people.ana)
    other = await ana.post("/customers/new", data=ACME | {"name": "Taken"})
    assert other.status == 303
    wrong = {
        **{"name": "taken", "currency": "XXQ", "valid_from": "2026-13", "country": "UK"},
        **{"start_date": "31 June", "billing_email": "nobody"},
    }
    form = shown(await ana.get(f"/customers/{one}/edit"))
    page = await ana.post(f"/customers/{one}/edit", data=form | wrong)
    assert (page.status, errors(page).keys()) == (422, wrong.keys())
    assert "is not a currency" in errors(page)["currency"]
    alone = await ana.post(f"/customers/{one}/edit", data=form | {"valid_from": "2026-13"})
    assert (alone.status, errors(alone).keys()) == (422, {"valid_from"})


async def test_terms_that_stand_as_they_are_can_be_asked_for_from_another_month(
    ana: Visitor, db: Database, people: People
) -> None:
    """Those shown are today's, in force again once others that were still ahead are taken back."""
    one, _ = await customer(db, people.ana)
    form = shown(await ana.get(f"/customers/{one}/edit"))
    ahead = form | {"currency": "EUR", "valid_from": "2027-02"}
    assert (await ana.post(f"/customers/{one}/edit", data=ahead)).status == 303
    form = shown(await ana.get(f"/customers/{one}/edit"))
    assert form["currency"] == "USD"
    back = await ana.post(f"/customers/{one}/edit", data=form | {"valid_from": "2027-02"})
    assert back.status == 303
    assert "Saved." in (await ana.get(back.headers["Location"])).text
    assert await rows_of(db, "select distinct currency from customer_terms") == [("USD",)]
    form = shown(await ana.get(f"/customers/{one}/edit"))
    same = await ana.post(f"/customers/{one}/edit", data=form | {"valid_from": "2027-02"})
    assert "Nothing was changed." in (await ana.get(same.headers["Location"])).text


async def test_what_moves_no_bill_is_saved_at_once(
    ana: Visitor, db: Database, people: People
) -> None:
    one, _ = await customer(db, people.ana)
    form = shown(await ana.get(f"/customers/{one}/edit"))
    done = await ana.post(f"/customers/{one}/edit", data=form | {"tax_id": "DE1"})
    assert (done.status, done.headers["Location"]) == (303, f"/customers/{one}")
    assert await rows_of(db, "select tax_id from customers") == [("DE1",)]


async def test_whoever_saves_second_reads_who_changed_what_and_saves_on_top_of_it(
    ana: Visitor, db: Database, people: People
) -> None:
    one, _ = await customer(db, people.ana)
    address = f"/customers/{one}/edit"
    form = shown(await ana.get(address))
    first = form | {"tax_id": "DE1", "country": "de", "require_csm_approval": "yes"}
    assert (await ana.post(address, data=first)).status == 303
    late = await ana.post(address, data=form | {"tax_id": "DE2", "tax_note": "By <us>"})
    assert late.status == 409
    assert f"{people.ana.name} (Finance) changed this customer while you were looking." in late.text
    assert "Country: DE, was none" in late.text and "DE1, was none" in late.text
    again = shown(late)
    assert (again["tax_id"], again["country"], again["tax_note"]) == ("DE2", "DE", "By <us>")
    assert (await ana.post(address, data=again)).status == 303
    assert await rows_of(
        db, "select tax_id, country, tax_note, require_csm_approval from customers"
    ) == [("DE2", "DE", "By <us>", True)]


async def test_usage_that_somebody_else_recorded_meanwhile_is_told_and_can_be_replaced(
    ana: Visitor, db: Database, people: People
) -> None:
    one, _ = await customer(db, people.ana)
    address = f"/customers/{one}/usage/2026-09"
    stale = shown(await ana.get(address))
    assert (await ana.post(address, data=stale | {"api_usage": "1100"})).status == 303
    late = await ana.post(address, data=stale | {"api_usage": "1200"})
    assert late.status == 409 and "it is 1,100 calls now" in late.text
    assert (await ana.post(address, data=shown(late))).status == 303
    assert await rows_of(db, "select api_usage from usages where month = 9") == [(1200,)]


async def test_other_terms_say_first_which_bills_move(
    ana: Visitor, db: Database, people: People
) -> None:
    one, bill = await customer(db, people.ana)
    form = shown(await ana.get(f"/customers/{one}/edit"))
    typed = form | {"overage_unit_cost": "0.4", "valid_from": "2026-10"}
    asked = await ana.post(f"/customers/{one}/edit", data=typed)
    assert asked.status == 200, asked.text
    assert "One bill moves with it." in asked.text
    assert "$100.00" in asked.text and "$200.00" in asked.text
    assert "Price of a call over" in asked.text and "The terms hold from 2026-10 on." in asked.text
    assert await rows_of(db, "select version, overage_amount = 100 from bills") == [(1, True)]
    agreed = shown(asked)
    assert {name: agreed[name] for name in typed} == typed
    done = await ana.post(f"/customers/{one}/edit", data=agreed)
    assert done.status == 303
    assert await rows_of(db, "select id, version, overage_amount = 200 from bills") == [
        (bill, 2, True)
    ]


async def test_what_would_happen_is_asked_again_where_something_changed_meanwhile(
    ana: Visitor, db: Database, people: People
) -> None:
    one, _ = await customer(db, people.ana)
    address = f"/customers/{one}/usage/2026-10"
    form = shown(await ana.get(address))
    assert form["api_usage"] == form["seen"] == "1500"
    asked = await ana.post(address, data=form | {"api_usage": "1,234,567"})
    first = shown(asked)
    other = await ana.post(f"/customers/{one}/edit", data=await changed_price(ana, one))
    assert other.status == 303
    again = await ana.post(address, data=first)
    assert again.status == 200
    assert "Something has changed since you looked." in again.text
    done = await ana.post(address, data=shown(again))
    assert (done.status, await rows_of(db, "select api_usage from usages")) == (303, [(1_234_567,)])
    stale = await ana.post(address, data=form | {"api_usage": "7"})
    assert stale.status == 409
    assert "Somebody recorded something else" in stale.text


async def test_the_story_of_a_bill_says_who_corrected_its_figures(
    ana: Visitor, db: Database, people: People
) -> None:
    one, bill = await customer(db, people.ana)
    address = f"/customers/{one}/usage/2026-10"
    form = shown(await ana.get(address))
    agreed = shown(await ana.post(address, data=form | {"api_usage": "1600"}))
    assert (await ana.post(address, data=agreed)).status == 303
    assert (await ana.post(f"/customers/{one}/edit", data=await changed_price(ana, one))).status
    told = re.findall(r"because (.*?) corrected usage or terms", await story(ana, bill))
    assert told == ["Ana (Finance)"] * 2
    actions = (await ana.get(f"/api/bills/{bill}")).json["actions"]
    assert [one["corrected_by"] for one in actions] == [None, "Ana", "Ana"]


async def story(ana: Visitor, bill: int) -> str:
    return re.sub(r"<[^>]+>", "", (await ana.get(f"/bills/{bill}")).text)


async def changed_price(ana: Visitor, one: int) -> dict[str, str]:
    """What is sent once the question about it was answered."""
    form = shown(await ana.get(f"/customers/{one}/edit"))
    typed = form | {"overage_unit_cost": "0.3", "valid_from": "2026-10"}
    return shown(await ana.post(f"/customers/{one}/edit", data=typed))


@pytest.mark.parametrize("typed", ["", "1,100", "-1", "1.5e9", "9" * 30])
async def test_calls_that_cannot_be_read_are_told_beside_them(
    ana: Visitor, db: Database, people: People, typed: str
) -> None:
    one, _ = await customer(db, people.ana)
    page = await ana.post(f"/customers/{one}/usage/2026-10", data={"api_usage": typed})
    assert (page.status, errors(page).keys()) == (422, {"api_usage"})


async def test_a_month_that_has_no_figure_gets_one_and_one_ahead_none(
    ana: Visitor, db: Database, people: People
) -> None:
    one, _ = await customer(db, people.ana)
    address = f"/customers/{one}/usage/2026-09"
    form = shown(await ana.get(address))
    assert form["api_usage"] == form["seen"] == ""
    done = await ana.post(address, data=form | {"api_usage": "0"})
    assert done.status == 303
    assert (await ana.get(f"/customers/{one}/usage/soon")).status == 404
    ahead = await ana.post(f"/customers/{one}/usage/2027-01", data={"api_usage": "1"})
    assert (ahead.status, "has not begun" in ahead.text) == (422, True)


async def test_a_bill_held_for_want_of_a_price_leads_to_its_customer(
    served: BrowserSide, ana: Visitor, db: Database, people: People
) -> None:
    one, bill = await customer(db, people.ana)
    form = shown(await ana.get(f"/customers/{one}/edit"))
    typed = form | {"overage_unit_cost": "", "valid_from": "2026-10"}
    agreed = shown(await ana.post(f"/customers/{one}/edit", data=typed))
    assert (await ana.post(f"/customers/{one}/edit", data=agreed)).status == 303
    cure = f'href="/customers/{one}/edit?month=2026-10"'
    assert cure in (await ana.get(f"/bills/{bill}")).text
    kim = await served.signed_in(people.kim)
    assert cure not in (await kim.get(f"/bills/{bill}")).text
    assert "without a price beyond them" in (await ana.get(f"/customers/{one}")).text
    form = shown(await ana.get(f"/customers/{one}/edit"))
    saved = await ana.post(f"/customers/{one}/edit", data=form | {"overage_unit_cost": "0.3"})
    page = re.sub(r"<[^>]+>", "", (await ana.get(saved.headers["Location"])).text)
    assert "October 2026 stays held: it has no price. Give one from that month on." in page
    assert "With a price from its month on it goes on by itself." in page
    form = shown(await ana.get(f"/customers/{one}/edit?month=2026-10"))
    assert (form["valid_from"], form["overage_unit_cost"]) == ("2026-10", "")
    typed = form | {"overage_unit_cost": "0.4"}
    asked = await ana.post(f"/customers/{one}/edit?month=2026-10", data=typed)
    [row] = cells(asked)
    assert row[1:] == ["October 2026", "no amount", "$200.00", "asks for approval"]
    done = await ana.post(f"/customers/{one}/edit?month=2026-10", data=shown(asked))
    assert "stays held" not in (await ana.get(done.headers["Location"])).text
    assert await rows_of(db, "select status, overage_amount = 200 from bills") == [
        ("pending", True)
    ]


def cells(page: Answer) -> list[list[str]]:
    """The bills that would move."""
    moved = page.text[page.text.index('aria-label="Bills that would move"') :]
    rows = re.findall(r"<tr>(.*?)</tr>", moved[: moved.index("</table>")], re.DOTALL)[1:]
    told = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in told]


async def test_sending_asks_with_its_address_and_its_delay(
    ana: Visitor, db: Database, people: People
) -> None:
    _, bill = await customer(db, people.ana)
    async with db.transaction() as session:
        await session.execute(sa.text("update customers set billing_email = 'ap@acme.example'"))
        await approve_bill(session, bill, 1, act(people.sam, 1))
    asked = await ana.get(f"/bills/{bill}/send")
    assert "It goes to ap@acme.example." in asked.text
    assert re.search(r"It goes out .*called back", asked.text)
