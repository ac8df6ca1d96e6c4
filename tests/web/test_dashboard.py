"""The index of bills: lists, filters, totals and ages, and approving many at once."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from models.actions.approve import approve_bill
from models.bills.bill import Bill, get_bill
from models.bills.states import State
from models.db.database import Database
from models.period import Period
from tests.harness.browser_side import Answer, BrowserSide, browser_side
from tests.harness.cast import People
from tests.harness.scene import act, add_customer, bill_for, generate
from tests.harness.slack_people import NOW

LATER = NOW + timedelta(days=9)


@pytest.fixture
async def served(db: Database) -> AsyncIterator[BrowserSide]:
    async with browser_side(db, now=lambda: LATER) as side:
        yield side


@pytest.fixture
async def bills(db: Database, people: People) -> dict[str, Bill]:
    """Kim has to approve Acme's and, with Sam, Bolt's, which is in euros; Lee has Cedar's."""
    kims = {"csm_id": people.kim.id, "require_csm_approval": True}
    async with db.transaction() as session:
        by, later = act(people.ana), act(people.ana, LATER)
        both = kims | {"require_sales_approval": True, "sales_id": people.sam.id}
        return {
            "acme": await bill_for(session, by, "Acme Corp", **kims),
            "bolt": await bill_for(session, later, "Bolt Ltd", currency="EUR", **both),
            "cedar": await bill_for(
                session, by, "Cedar <i>", csm_id=people.lee.id, require_csm_approval=True
            ),
        }


def _rows(shown: Answer) -> list[str]:
    return re.findall(r'<td><a href="/bills/\d+" class="named">([^<]+)</a>', shown.text)


def _waits(shown: Answer) -> list[str]:
    return re.findall(r'class="under">for ([^<]+)<', shown.text)


async def test_what_waits_for_whoever_looks_comes_first(
    served: BrowserSide, people: People, bills: dict[str, Bill]
) -> None:
    kim, ana = await served.signed_in(people.kim), await served.signed_in(people.ana)
    assert _rows(await kim.get("/dashboard")) == ["Acme Corp", "Bolt Ltd"]
    everything = await ana.get("/dashboard")
    assert _rows(everything) == ["Acme Corp", "Cedar &lt;i&gt;", "Bolt Ltd"]
    told = re.sub(r"<[^>]+>|\s+", " ", everything.text)
    assert re.search(r"EUR +€5,000.00 +USD +\$10,000.00", told), told
    assert re.search(r"Waiting under 3 days +1 .*Waiting 7 to 14 days +2 ", told), told


async def test_each_bill_says_for_whom_it_waits_and_to_whoever_that_is_that_it_is_they(
    served: BrowserSide, people: People, bills: dict[str, Bill], db: Database
) -> None:
    kim, max_ = await served.signed_in(people.kim), await served.signed_in(people.max)
    assert _waits(await kim.get("/dashboard?view=all")) == [
        "you",
        "Lee (CSM)",
        "you and Sam (Sales)",
    ]
    async with db.transaction() as session:
        await approve_bill(session, bills["bolt"].id, 1, act(people.kim, LATER))
        await bill_for(session, act(people.ana, LATER), "Dune", csm_id=people.kim.id)
        await bill_for(session, act(people.ana, LATER), "Echo", overage_unit_cost=None)
    shown = await max_.get("/dashboard?view=all")
    anybody = "anybody in Customer Success or Sales"
    assert _waits(shown) == ["Kim (CSM)", "Lee (CSM)", "Sam (Sales)", anybody, "Finance"]
    customer = await max_.get(f"/customers/{bills['bolt'].customer_id}")
    assert _waits(customer) == ["Sam (Sales)"]
    assert 'class="slim">, a moment ago</span>' in customer.text


async def test_lists_are_narrowed_by_state_month_customer_and_csm(
    served: BrowserSide, people: People, bills: dict[str, Bill]
) -> None:
    max_ = await served.signed_in(people.max)
    found = {
        query: _rows(await max_.get(f"/dashboard?{query}"))
        for query in (
            "view=approved",
            "view=pending&customer=acme",
            "month=2026-09",
            f"csm={people.lee.id}&month=oct+2026",
        )
    }
    assert list(found.values()) == [[], ["Acme Corp"], [], ["Cedar &lt;i&gt;"]]
    spoken = (await max_.get("/dashboard?view=all&month=October+2026")).text
    assert 'value="2026-10"' in spoken and "October+2026" not in spoken
    wrong = await max_.get("/dashboard?customer=Zzz&month=then")
    assert (wrong.status, wrong.text.count('class="error"')) == (422, 2)
    assert 'value="Zzz"' in wrong.text


NO_FILTERS = (
    ("status=zzz", "There is no list zzz. There are: mine, all, pending, "),
    ("view=nearly", "There is no list nearly."),
    ("view=all&status=nearly", "There is no list nearly."),
    ("stauts=sent", "There is no filter stauts. There are: view, status, month, customer, csm"),
    ("status=held&status=sent", "That is there more than once"),
    ("month=2026-13", "2026-13 is not a month."),
    ("month=1999-01", "1999-01 is out of reach: months go from 2000-01 to 2200-12."),
    ("csm=999", "That person is not here."),
    ("csm=kim", "There is nothing under that number."),
)


async def test_a_filter_that_is_none_is_refused_and_named(
    served: BrowserSide, people: People, bills: dict[str, Bill], subtests: pytest.Subtests
) -> None:
    for query, told in NO_FILTERS:
        with subtests.test(query=query, told=told):
            max_ = await served.signed_in(people.max)
            refused = await max_.get(f"/dashboard?{query}")
            assert (refused.status, _rows(refused)) == (422, [])
            assert told in refused.text
            as_in_the_api = await max_.get("/dashboard?status=pending&customer=acme")
            assert _rows(as_in_the_api) == ["Acme Corp"]


async def test_a_long_list_goes_on_page_by_page(
    served: BrowserSide, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        for number in range(30):
            await add_customer(session, f"Customer {number:02}", period=Period(2026, 10))
        await generate(session, act(people.ana))
    max_ = await served.signed_in(people.max)
    first = await max_.get("/dashboard?month=2026-10")
    [following] = re.findall(r'href="([^"]+)" rel="next"', first.text)
    second = await max_.get(following.replace("&amp;", "&"))
    names = [*_rows(first), *_rows(second)]
    assert len(names) == len(set(names)) == 30


async def test_many_are_approved_each_by_itself_with_its_own_outcome(
    served: BrowserSide, db: Database, people: People, bills: dict[str, Bill]
) -> None:
    kim = await served.signed_in(people.kim)
    listed = await kim.get("/dashboard?view=all")
    seen = re.findall(r'name="shown" value="([^"]+)"', listed.text)
    query = "&".join(f"shown={one}" for one in seen)
    asked = await kim.get(f"/dashboard/approve?all=yes&{query}")
    assert "Approve 3 bills?" in asked.text
    assert "€5,000.00</strong> and <strong>$10,000.00" in asked.text
    form = [("bill", one) for one in re.findall(r'name="bill" value="([^"]+)"', asked.text)]
    told = await kim.post("/dashboard/approve", data=form)
    again = await kim.post("/dashboard/approve", data=form)
    for answer in (told, again):
        assert "<h1>1 of 3 approved, 1 waits for another approval</h1>" in answer.text
    assert "Waits for Sam (Sales)." in told.text
    assert "Not approved</span>: " in told.text and "Lee" in told.text
    assert told.text.index("Not approved</span>: ") < told.text.index("Approved</span>")
    async with db.transaction() as session:
        states = {name: (await get_bill(session, one.id)).status for name, one in bills.items()}
    assert states == {"acme": State.APPROVED, "bolt": State.PENDING, "cedar": State.PENDING}


async def test_what_changed_since_it_was_seen_is_left_out_and_named(
    served: BrowserSide, db: Database, people: People, bills: dict[str, Bill]
) -> None:
    before = LATER - timedelta(seconds=30)
    async with db.transaction() as session:
        await approve_bill(session, bills["acme"].id, 1, act(people.kim, before))
    kim = await served.signed_in(people.kim)
    chosen = "&".join(f"bill={bills[name].id}-1" for name in ("acme", "bolt"))
    asked = await kim.get(f"/dashboard/approve?{chosen}")
    assert "Approve 1 bill?" in asked.text and "changed since you saw it" in asked.text
    late = await kim.post("/dashboard/approve", data={"bill": f"{bills['acme'].id}-1"})
    assert "You approved this bill a moment ago." in late.text
    assert (await kim.post("/dashboard/approve", data={"bill": "1 or 1=1"})).status == 422


async def test_an_empty_list_says_what_to_do_next(served: BrowserSide, people: People) -> None:
    kim = await served.signed_in(people.kim)
    assert "No bill yet" in (await kim.get("/dashboard")).text
    assert "Nothing waits for you" in (await kim.get("/dashboard?view=mine")).text
