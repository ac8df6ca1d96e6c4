"""Customers on the web: the list that finds anybody, and one customer with all there is to know."""

import re
from datetime import date
from decimal import Decimal

import pytest

from models.actions.merge_customers import merge_customers
from models.actions.rename_customer import rename_customer
from models.context import Context, Source
from models.customers.customers import Customer
from models.db.database import Database
from models.period import Period
from models.queries import customer_list
from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People
from tests.harness.scene import OCTOBER, add_customer, bill_for, record_usage
from tests.harness.slack_people import NOW
from tests.harness.terms import change_terms

LONG = "Consolidated " * 20 + "Corp"


def by(people: People) -> Context:
    return Context(people.ana, NOW, Source.WEB)


def names(text: str) -> list[str]:
    return re.findall(r'<a href="/customers/\d+" class="named">([^<]*)</a>', text)


@pytest.fixture
async def customers(db: Database, people: People) -> dict[str, int]:
    """Acme and Beta are Kim's, and Acme is over; nobody looks after Çelik, who used nothing."""
    async with db.transaction() as session:
        acme = await add_customer(session, "Acme Corp", 150_000, csm_id=people.kim.id)
        beta = await add_customer(session, "Beta <b>Ltd</b>", 100_000, csm_id=people.kim.id)
        celik = await add_customer(session, "Çelik A.Ş.", None)
        return {"acme": acme.id, "beta": beta.id, "celik": celik.id}


FINDS = (
    ("", ["Acme Corp", "Beta &lt;b&gt;Ltd&lt;/b&gt;", "Çelik A.Ş."]),
    ("name=corp", ["Acme Corp"]),
    ("name=ÇELİK", ["Çelik A.Ş."]),
    ("name=%20BETA%20%20", ["Beta &lt;b&gt;Ltd&lt;/b&gt;"]),
    ("name=nobody", []),
    ("name=%25", []),
    ("csm=0", ["Çelik A.Ş."]),
    ("over=yes", ["Acme Corp"]),
    ("over=yes&csm=0", []),
)


async def test_the_list_finds_who_is_meant(
    served: BrowserSide, people: People, customers: dict[str, int], subtests: pytest.Subtests
) -> None:
    del customers
    for asked, found in FINDS:
        with subtests.test(asked=asked, found=found):
            answer = await (await served.signed_in(people.max)).get(f"/customers?{asked}")
            assert (answer.status, names(answer.text)) == (200, found)
            assert ("No customer fits" in answer.text) == (not found)
            assert "New customer" not in answer.text


async def test_whoever_looks_after_them_can_be_chosen(
    served: BrowserSide, people: People, customers: dict[str, int]
) -> None:
    del customers
    kims = await (await served.signed_in(people.kim)).get(f"/customers?csm={people.kim.id}")
    assert names(kims.text) == ["Acme Corp", "Beta &lt;b&gt;Ltd&lt;/b&gt;"]
    assert f'<option value="{people.kim.id}" selected>Kim</option>' in kims.text
    for nobody in ("999999", "kim"):
        refused = await (await served.signed_in(people.kim)).get(f"/customers?csm={nobody}")
        assert (refused.status, names(refused.text)) == (422, [])
        assert 'id="e-csm">Nobody by that number looks after a customer.' in refused.text


async def test_usage_of_the_last_closed_month_is_beside_each(
    served: BrowserSide, people: People, customers: dict[str, int]
) -> None:
    del customers
    page = (await (await served.signed_in(people.ana)).get("/customers")).text
    assert "Used in October 2026" in page
    assert '150,000<span class="under">50,000 over</span>' in page
    assert page.count("not recorded") == 1
    assert "New customer" in page


async def test_a_month_outside_the_contract_is_not_taken_for_one_that_lacks_its_usage(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        acme = await add_customer(session, "Acme Corp", 150_000)
        acme.start_date = date(2026, 9, 15)
        (await add_customer(session, "Later Ltd", None)).start_date = date(2026, 11, 20)
        await record_usage(session, acme, Period(2026, 7), 7)
    ana = await served.signed_in(people.ana)
    page = (await ana.get(f"/customers/{acme.id}?from=2026-06&to=2026-10")).text
    listed = (await ana.get("/customers")).text
    assert (listed.count("not in contract"), listed.count("not recorded")) == (1, 0)
    rows = re.findall(r'<tr>\n<th scope="row" class="whole">.*?</tr>', page, re.DOTALL)
    assert ["not in contract" in row for row in rows] == [False, False, True, True, True]
    assert ["not recorded" in row for row in rows] == [False, True, False, False, False]
    assert ["/usage/2026-" in row for row in rows] == [True, True, False, True, False]


async def test_a_long_list_is_leafed_through_and_every_customer_is_seen_once(
    served: BrowserSide, people: People, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_list.list_customers, "__defaults__", (None, 2))
    wanted = [f"Customer {letter}" for letter in "abcde"]
    async with db.transaction() as session:
        for name in reversed(wanted):
            await add_customer(session, name, None)
    ana, address, seen = await served.signed_in(people.ana), "/customers", []
    while address:
        page = (await ana.get(address)).text
        seen += names(page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert seen == wanted


async def test_whoever_is_over_is_looked_for_a_few_thousand_at_a_time(
    served: BrowserSide, people: People, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_list, "LOOKED_THROUGH", 2)
    async with db.transaction() as session:
        for name in "abc":
            await add_customer(session, f"Within {name}", 5)
        await add_customer(session, "Zenith", 150_000)
    ana = await served.signed_in(people.ana)
    first = (await ana.get("/customers?over=yes")).text
    assert "Look further" in first
    following = re.search(r'<a class="button" href="([^"]+)">Look further', first)
    assert following
    second = await ana.get(following[1].replace("&amp;", "&"))
    assert names(second.text) == ["Zenith"]


async def test_a_name_it_had_and_one_merged_into_it_find_the_customer(
    served: BrowserSide, people: People, db: Database, customers: dict[str, int]
) -> None:
    async with db.transaction() as session:
        await rename_customer(session, customers["acme"], "Apex Inc", by(people))
        await merge_customers(session, customers["celik"], customers["acme"], by(people))
    ana = await served.signed_in(people.ana)
    renamed = (await ana.get("/customers?name=acme")).text
    assert names(renamed) == ["Apex Inc"]
    assert "also Acme Corp" in renamed
    assert names((await ana.get("/customers?name=celik")).text) == []
    assert names((await ana.get("/customers?name=çelik")).text) == ["Apex Inc"]
    assert names((await ana.get("/customers")).text) == [
        "Apex Inc",
        "Beta &lt;b&gt;Ltd&lt;/b&gt;",
    ]
    page = (await ana.get(f"/customers/{customers['acme']}")).text
    assert "Acme Corp" in page
    assert "merged into it" in page
    gone = (await ana.get(f"/customers/{customers['celik']}")).text
    assert f'merged into <a href="/customers/{customers["acme"]}">Apex Inc</a>' in gone
    assert "/edit" not in gone


async def test_without_customers_the_list_says_what_to_do(
    served: BrowserSide, people: People
) -> None:
    finance = (await (await served.signed_in(people.ana)).get("/customers")).text
    assert "No customers yet" in finance
    assert 'href="/import"' in finance
    others = (await (await served.signed_in(people.kim)).get("/customers")).text
    assert "once Finance has added" in others
    assert "/import" not in others


async def test_a_customer_is_shown_with_its_terms_and_what_they_changed(
    served: BrowserSide, people: People, db: Database, customers: dict[str, int]
) -> None:
    acme = customers["acme"]
    async with db.transaction() as session:
        ahead = Period(2027, 1)
        await change_terms(session, acme, by(people), 200_000, Decimal("0.08"), ahead)
        await change_terms(
            session, acme, by(people), 200_000, Decimal("0.05"), ahead.plus(1), "EUR"
        )
    page = (await (await served.signed_in(people.kim)).get(f"/customers/{acme}")).text
    assert "from 100,000 calls (+100 %) and from $0.10 (\N{MINUS SIGN}20 %)" in page
    assert "from $0.08" in page
    assert "in force" in page
    assert page.count("ahead") == 2
    assert "Acme Corp made 150,000 calls in October 2026" in page
    assert "/edit" not in page


async def test_what_is_held_missing_or_amiss_is_said_first(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(
            session,
            by(people),
            "Old Harbour",
            used=450_000,
            overage_unit_cost=None,
            start_date=date(2026, 8, 1),
        )
        customer = await session.get_one(Customer, bill.customer_id)
        await record_usage(session, customer, Period(2026, 11), 90_000)
    page = (await (await served.signed_in(people.ana)).get(f"/customers/{bill.customer_id}")).text
    told = page[: page.index('id="usage"')]
    assert "October 2026 is held because the customer has no overage price." in told
    assert f'<a href="/bills/{bill.id}">' in told
    assert "No usage is recorded for August 2026 and September 2026." in told
    assert "There is no billing e-mail address" in told
    assert "November 2026 has used 90 % of the limit so far." in told


async def test_years_can_be_chosen_and_finance_edits_each_month_that_has_begun(
    served: BrowserSide, people: People, db: Database, customers: dict[str, int]
) -> None:
    async with db.transaction() as session:
        acme = await session.get_one(Customer, customers["acme"])
        await record_usage(session, acme, Period(2024, 5), 7)
    ana = await served.signed_in(people.ana)
    page = (await ana.get(f"/customers/{acme.id}")).text
    edits = re.findall(rf"/customers/{acme.id}/usage/([\d-]+)", page)
    assert edits == [str(Period(2026, 11).plus(-ago)) for ago in range(12)]
    assert all(f"?year={year}" in page for year in (2024, 2025, 2026))
    assert "?year=2023" not in page
    assert (
        len(re.findall(r"/usage/", (await ana.get(f"/customers/{acme.id}?months=24")).text)) == 24
    )
    early = (await ana.get(f"/customers/{acme.id}?year=2024")).text
    assert "made 7 calls in May 2024" in early
    assert "December 2025" not in early
    assert (
        "/usage/"
        not in (await (await served.signed_in(people.kim)).get(f"/customers/{acme.id}")).text
    )


async def test_its_bills_are_listed_newest_first(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(session, by(people), LONG)
    page = (await (await served.signed_in(people.max)).get(f"/customers/{bill.customer_id}")).text
    assert page.count(f'href="/bills/{bill.id}"') == 2
    assert "$5,000.00" in page
    assert "waiting for approval" in page
    assert str(OCTOBER) in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/customers/999999999", 404),
        ("/customers/99999999999999999999", 404),
        ("/customers/x", 404),
        ("/customers?csm=x", 422),
        ("/customers.csv?over=x", 422),
    ],
)
async def test_what_is_not_there_is_said(
    served: BrowserSide, people: People, path: str, status: int
) -> None:
    assert (await (await served.signed_in(people.ana)).get(path)).status == status


async def test_the_form_of_the_list_is_taken_as_it_stands(
    served: BrowserSide, people: People, customers: dict[str, int]
) -> None:
    """A browser sends what was left at All, too."""
    max_ = await served.signed_in(people.max)
    for path in ("/customers?name=acme&csm=&over=", "/customers.csv?name=acme&csm=&over="):
        found = await max_.get(path)
        assert (found.status, "Acme" in found.text) == (200, True)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("/customers?over=maybe", "There is no such choice."),
        ("/customers/{acme}?months=", ""),
        ("/customers/{acme}?months=25", "The number of months is a whole number from 1 to 24."),
        ("/customers/{acme}?months=-1", "The number of months is a whole number from 1 to 24."),
        ("/customers/{acme}?year=abc", "A year is a whole number from 2000 to 2200."),
        ("/customers/{acme}?from=x", "is not a month"),
    ],
)
async def test_a_filter_that_cannot_be_read_is_told_on_the_page_itself(
    served: BrowserSide, people: People, customers: dict[str, int], query: str, told: str
) -> None:
    answer = await (await served.signed_in(people.max)).get(query.format_map(customers))
    assert (answer.status, told in answer.text) == (422 if told else 200, True)
    assert "<h1>Customers</h1>" in answer.text or "<h1>Acme" in answer.text
