"""What a customer sees by the link in a document, asks there, and how Finance keeps such links."""

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.async_api import Browser, expect

from handlers.documents.bill_email import BillEmail
from models.actions.comment import add_comment
from models.actions.incoming import QUESTION_CHARS
from models.actions.send import send_bill
from models.actions.void import void_bill
from models.bills.bill import Bill, get_bill
from models.bills.documents import Document
from models.bills.invoice_data import InvoiceData
from models.db.database import Database
from models.people.access_attempts import LINK_QUESTION_LIMITS, LINK_VISIT_LIMITS
from models.queries.bill_loader import load_bill_details
from models.settings import BillingSettings, Company
from tests.harness.billing import DELAY, approved, clock, issue
from tests.harness.browser_side import PUBLIC_URL, Answer, BrowserSide, browser_side
from tests.harness.cast import People
from tests.harness.drawing import draw_here
from tests.harness.files import rows_of
from tests.harness.issuing import issue_bill, mark_delivered
from tests.harness.pdf import pdf_text
from tests.harness.scene import NOW, act
from tests.harness.slack_people import Clock
from tests.web.every_page import PHONE
from tests.web.form_fields import fields_of, form_to

MERIDIAN = BillingSettings(public_url=PUBLIC_URL, company=Company("Meridian API AG"))
ADDRESS = re.compile(rf"{PUBLIC_URL}(/u/csu_[\w-]{{43}})")
DEAD = "This link leads nowhere"


@dataclass(frozen=True)
class Issued:
    """A bill that has gone out, and the path of the link in its document."""

    bill: Bill
    facts: InvoiceData
    content: bytes
    path: str


async def send_out(
    db: Database, people: People, rules: BillingSettings = MERIDIAN, name: str = "Acme Corp"
) -> Issued:
    """Acme's October, of which Kim and Ana talk among themselves before it goes out."""
    async with db.transaction() as session:
        bill = await approved(session, people, name)
        await add_comment(session, bill.id, act(people.kim), "Their CFO is furious")
        automatic = replace(clock(people, NOW + DELAY), settings=rules)
        await send_bill(session, bill.id, bill.version, act(people.ana))
        await issue_bill(session, bill.id, automatic, draw_here)
        await mark_delivered(session, bill.id, automatic, "250 OK")
        document = await session.get_one(Document, bill.id)
        facts = InvoiceData.from_json(document.facts or "")
    path = ADDRESS.fullmatch(facts.link.address) if facts.link else None
    return Issued(bill, facts, document.content, path[1] if path else "")


@pytest.fixture
async def side(db: Database, clock: Clock) -> AsyncIterator[BrowserSide]:
    async with browser_side(db, now=clock, billing=MERIDIAN) as served:
        yield served


def words(answer: Answer) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def test_the_customer_follows_the_link_of_the_invoice_and_sees_what_it_says(
    side: BrowserSide, db: Database, people: People
) -> None:
    issued = await send_out(db, people)
    mail = BillEmail.about(issued.facts)
    assert issued.path in "".join(pdf_text(issued.content).split())
    assert f"{PUBLIC_URL}{issued.path}\n" in mail.text
    assert f'href="{PUBLIC_URL}{issued.path}"' in mail.html
    assert "Until 31 January 2027 you can see here how this came about" in mail.text

    seen = await side.visitor().get(issued.path)
    assert seen.status == 200
    for told in (
        f"Invoice {issued.facts.number}",
        "From Meridian API AG to Acme Corp",
        "sees it, until 31 January 2027.",
        "API calls in October 2026",
        "Calls used 150,000",
        "50,000 calls × $0.10",
        "Total due $5,000.00",
        "Acme Corp made 150,000 calls in October 2026",
    ):
        assert told in words(seen)
    for internal in ("CFO", "Kim", "Ana", "Countersign", f"#{issued.bill.id}", "<script", "/bills"):
        assert internal not in seen.text
    assert seen.headers["Referrer-Policy"] == "no-referrer"
    assert seen.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "Set-Cookie" not in seen.headers


@pytest.mark.browser
async def test_whoever_has_asked_on_a_phone_sees_that_it_was_passed_on(
    side: BrowserSide, db: Database, people: People, browser: Browser
) -> None:
    issued = await send_out(db, people)
    page = await browser.new_page(viewport=PHONE)
    await page.goto(f"{side.base}{issued.path}")
    await page.get_by_label("Your question").fill("Which key made these calls?")
    await page.get_by_role("button", name="Ask").click()
    await page.wait_for_url("**?asked#question")
    await expect(page.get_by_role("status")).to_be_in_viewport()
    await expect(page.get_by_role("heading", name="Ask about it")).to_be_in_viewport()
    covered = await page.get_by_role("status").bounding_box()
    heading = await page.get_by_role("heading", name="Ask about it").bounding_box()
    assert covered and heading and covered["y"] + covered["height"] <= heading["y"]


async def test_the_customer_is_told_what_has_corrected_the_document_since(
    side: BrowserSide, db: Database, people: People
) -> None:
    issued = await send_out(db, people)
    async with db.transaction() as session:
        done = await void_bill(
            session, issued.bill.id, issued.bill.version, act(people.ana), "Agreed with them"
        )
        assert done.credit_id
        credit = await get_bill(session, done.credit_id)
        assert await issue(session, people, credit)
    assert "Credit note" not in words(await side.visitor().get(issued.path))
    async with db.transaction() as session:
        assert await mark_delivered(session, done.credit_id, clock(people), "250 OK")
    seen = words(await side.visitor().get(issued.path))
    assert "corrected since: Credit note CN-2026-000001 of 2 November 2026: −$5,000.00" in seen
    assert "Agreed with them" not in seen


async def test_what_the_customer_asks_is_a_comment_on_the_bill_and_finance_hears_of_it(
    side: BrowserSide, db: Database, people: People
) -> None:
    issued = await send_out(db, people)
    question = "Which key made these calls? <b>approve</b> <!channel>"
    for _ in "12":
        sent = await side.visitor().post(issued.path, data={"question": question})
        assert (sent.status, sent.headers["Location"]) == (303, f"{issued.path}?asked#question")
    told = await side.visitor().get(sent.headers["Location"])
    assert "Your question has been passed on" in words(told)
    assert "Which key" not in told.text

    async with db.transaction() as session:
        (facts,) = await load_bill_details(session, [issued.bill.id])
        notices = sa.text("select count(*) from messages where kind = 'mail_reply'")
        assert await session.scalar(notices) == 1
    own, asked = facts.comments
    assert own.text == "Their CFO is furious"
    assert (asked.text, asked.by.name, asked.link_of) == (question, "system", "Acme Corp")
    page = await (await side.signed_in(people.kim)).get(f"/bills/{issued.bill.id}")
    assert "Acme Corp (by its link)" in page.text
    assert "&lt;b&gt;approve&lt;/b&gt;" in page.text
    shown = await side.visitor(await side.token(people.kim)).get(f"/api/bills/{issued.bill.id}")
    (action,) = [one for one in shown.json["actions"] if one["link_of"]]
    assert (action["source"], action["link_of"]) == ("web", "Acme Corp")


@pytest.mark.parametrize("typed", ["", "  \n", "x" * (QUESTION_CHARS + 1)])
async def test_a_question_that_is_none_or_too_long_is_told_where_it_is_typed(
    side: BrowserSide, db: Database, people: People, typed: str
) -> None:
    issued = await send_out(db, people)
    refused = await side.visitor().post(issued.path, data={"question": typed})
    assert refused.status == 422
    assert "A question" in words(refused)
    assert typed.strip() in refused.text


async def test_a_link_that_is_wrong_over_or_revoked_leads_to_one_and_the_same_page(
    side: BrowserSide, db: Database, people: People, clock: Clock
) -> None:
    issued = await send_out(db, people)
    customer, ana = side.visitor(), await side.signed_in(people.ana)
    other = await ana.post(f"/bills/{issued.bill.id}/link")
    (another,) = ADDRESS.findall(other.text)
    await customer.get(another)

    clock.travel(days=90, hours=14)
    assert (await customer.get(issued.path)).status == 200
    clock.travel(hours=1)
    over = await customer.get(issued.path)
    wrong = await customer.get(f"{issued.path[:-1]}{'A' if issued.path[-1] != 'A' else 'B'}")
    clock.travel(days=-90, hours=-15)
    assert (await customer.get(issued.path)).status == 200
    revoked = await ana.post(f"/bills/{issued.bill.id}/link/revoke")
    assert revoked.status == 303
    gone = [await customer.get(path) for path in (issued.path, another, "/u/", "/u/x")]
    asked = await customer.post(issued.path, data={"question": "Why?"})

    answers = [over, wrong, gone[0], gone[1], gone[3], asked]
    assert {(one.status, one.text) for one in answers} == {(404, over.text)}
    assert DEAD in over.text
    assert "ask whoever sent you the document for another link" in over.text
    async with db.transaction() as session:
        assert not (await load_bill_details(session, [issued.bill.id]))[0].comments[1:]


async def test_a_form_that_makes_or_revokes_a_link_is_done_once(
    side: BrowserSide, db: Database, people: People
) -> None:
    issued = await send_out(db, people)
    ana, here = await side.signed_in(people.ana), f"/bills/{issued.bill.id}"
    done = []
    for place, action in ((here, f"{here}/link"), (f"{here}/link/revoke", f"{here}/link/revoke")):
        assert f"{here}/link/revoke" in (await ana.get(here)).text
        typed = fields_of(form_to((await ana.get(place)).text, action))
        done += [(await ana.post(action, data=typed)).status for _ in "12"]
    assert done == [200, 409, 303, 303]
    assert f"{here}/link/revoke" not in (await ana.get(here)).text, "nothing is left to revoke"
    assert await rows_of(db, "select count(*) from usage_links") == [(2,)]


async def test_programs_make_links_and_revoke_them(
    side: BrowserSide, db: Database, people: People
) -> None:
    issued = await send_out(db, people)
    ana = side.visitor(await side.token(people.ana))
    address = f"/api/bills/{issued.bill.id}/links"
    made = await ana.post(address)
    assert made.status == 201
    assert made.json["expires_at"] == "2027-02-01T00:00:00Z"
    (path,) = ADDRESS.findall(made.json["address"])
    assert (await side.visitor().get(path)).status == 200
    listed = await ana.get(address)
    assert [one["revoked_at"] for one in listed.json["links"]] == [None, None]
    assert "csu_" not in listed.text
    assert (await ana.delete(address)).status == 204
    assert (await side.visitor().get(path)).status == 404
    assert None not in [one["revoked_at"] for one in (await ana.get(address)).json["links"]]
    async with db.transaction() as session:
        kept = await session.scalars(sa.text("select revoked_by from usage_links"))
        assert set(kept) == {people.ana.id}


async def test_nobody_sees_what_was_not_issued_or_has_no_address_to_see_it_by(
    side: BrowserSide, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        bill = await approved(session, people, "Bolt Ltd")
    ana = side.visitor(await side.token(people.ana))
    early = await ana.post(f"/api/bills/{bill.id}/links")
    assert (early.status, "nothing that was not issued" in early.text) == (409, True)
    nowhere, none = replace(MERIDIAN, public_url=None), replace(MERIDIAN, usage_link_days=0)
    for rules, name in ((nowhere, "Acme Corp"), (none, "Cone AG")):
        issued = await send_out(db, people, rules, name)
        assert issued.facts.link is None
        assert "/u/" not in pdf_text(issued.content)
        assert BillEmail.about(issued.facts).address is None
        async with browser_side(db, now=lambda: NOW, billing=rules) as unreached:
            shown = await (await unreached.signed_in(people.ana)).get(f"/bills/{issued.bill.id}")
        assert "Whoever looks after Countersign sets PUBLIC_URL" in words(shown)
        assert "Make a link" not in shown.text
    async with db.transaction() as session:
        assert await session.scalar(sa.text("select count(*) from usage_links")) == 0


async def test_nobody_comes_or_asks_without_end(
    side: BrowserSide, db: Database, people: People
) -> None:
    issued = await send_out(db, people)
    fill = sa.text(
        "insert into access_attempts (kind, account, address, at) "
        "select :kind, '', '127.0.0.1', :at from generate_series(1, :count)"
    )
    most_asked, most_seen = LINK_QUESTION_LIMITS[1].most, LINK_VISIT_LIMITS[0].most
    given: dict[str, Any] = {"at": NOW}
    customer = side.visitor()
    async with db.transaction() as session:
        await session.execute(fill, given | {"kind": "link_question", "count": most_asked})
    refused = await customer.post(issued.path, data={"question": "Why?"})
    assert (refused.status, "Why?" in refused.text) == (429, True)
    async with db.transaction() as session:
        await session.execute(fill, given | {"kind": "link_visit", "count": most_seen - 2})
    answers = [await customer.get(issued.path) for _ in "12"]
    assert [one.status for one in answers] == [200, 429]
    assert 0 < int(answers[1].headers["Retry-After"]) <= 900
    assert "Meridian" not in answers[1].text
