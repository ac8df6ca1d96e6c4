"""A bill's page as it is served: what it tells, and decisions taken on it without JavaScript."""

import re
from collections.abc import Mapping

import pytest
import sqlalchemy as sa
from playwright.async_api import Browser, Locator, Route, expect

from models.actions.approve import approve_bill
from models.bills.bill import Bill, get_bill
from models.bills.states import State
from models.context import Source
from models.db.database import Database
from models.people.users import User
from models.queries.history import load_history
from models.usage.usage import Usage
from tests.harness.browser_side import Answer, BrowserSide, Visitor
from tests.harness.cast import People
from tests.harness.scene import act, bill_for


@pytest.fixture
async def bill(db: Database, people: People) -> Bill:
    """Acme's October: 50,000 calls over at 0.10, which Kim and Sam have to approve."""
    async with db.transaction() as session:
        needs = {"require_csm_approval": True, "require_sales_approval": True}
        names = {"csm_id": people.kim.id, "sales_id": people.sam.id}
        return await bill_for(session, act(people.ana), **needs, **names)


async def _state(db: Database, bill: Bill) -> tuple[str, int]:
    async with db.transaction() as session:
        found = await get_bill(session, bill.id)
        return found.status, found.version


def _hidden(form: Answer) -> Mapping[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form.text))


async def _decide(visitor: Visitor, bill: Bill, verb: str, **typed: str) -> Answer:
    """Open the form from the bill's page, and send it."""
    shown = await visitor.get(f"/bills/{bill.id}")
    [link] = re.findall(rf'href="(/bills/{bill.id}/{verb}\?version=\d+)" data-dialog', shown.text)
    form = await visitor.get(link)
    assert form.status == 200, form.text
    return await visitor.post(f"/bills/{bill.id}/{verb}", data={**_hidden(form), **typed})


async def test_the_page_tells_the_sum_who_is_asked_and_what_each_may_do(
    served: BrowserSide, people: People, bill: Bill
) -> None:
    offered = {}
    for reader in (people.kim, people.max, people.ana):
        shown = await (await served.signed_in(reader)).get(f"/bills/{bill.id}")
        assert "50,000 over × $0.10 = $5,000.00" in shown.text
        assert "Waits for Kim (CSM) and Sam (Sales)" in shown.text
        assert "Acme Corp made 150,000 calls in October 2026" in shown.text
        offered[reader.name] = re.findall(r"/(\w+)\?version=1", shown.text)
        assert ("<textarea" in shown.text) is (reader is not people.max)
    finance_may = ["revise", "void", "reassign"]
    assert offered == {"Kim": ["approve", "reject"], "Max": [], "Ana": finance_may}


async def test_kim_and_sam_approve_and_the_page_says_who_is_still_needed(
    served: BrowserSide, db: Database, people: People, bill: Bill
) -> None:
    kim, sam = await served.signed_in(people.kim), await served.signed_in(people.sam)
    done = await _decide(kim, bill, "approve", comment="Checked with <Acme>.")
    assert (done.status, done.headers["Location"]) == (303, f"/bills/{bill.id}")
    shown = await kim.get(f"/bills/{bill.id}")
    assert "Approved. It waits for Sam (Sales)." in shown.text
    assert "Checked with &lt;Acme&gt;." in shown.text
    assert "<strong>Kim (CSM)</strong> approved $5,000.00 on the web" in shown.text
    await _decide(sam, bill, "approve")
    assert await _state(db, bill) == (State.APPROVED, 2)
    async with db.transaction() as session:
        history = await load_history(session, bill.id)
    assert {entry.source for entry in history[1:]} == {Source.WEB}


async def test_what_goes_out_tells_what_the_customer_owes(
    served: BrowserSide, db: Database, people: People, bill: Bill
) -> None:
    async with db.transaction() as session:
        await session.execute(sa.text("update customers set tax_rate_percent = 19"))
        for who in (people.kim, people.sam):
            await approve_bill(session, bill.id, 1, act(who))
    ana = await served.signed_in(people.ana)
    assert "= $5,000.00, with tax $5,950.00" in (await ana.get(f"/bills/{bill.id}")).text


async def test_a_rejection_without_a_reason_is_asked_for_it_and_keeps_the_words(
    served: BrowserSide, db: Database, people: People, bill: Bill
) -> None:
    kim = await served.signed_in(people.kim)
    refused = await _decide(kim, bill, "reject", reason="The plan is larger.", reason_code="")
    assert (refused.status, "Choose what is wrong." in refused.text) == (422, True)
    assert "The plan is larger.</textarea>" in refused.text
    await _decide(kim, bill, "reject", reason="The plan is larger.", reason_code="limit_wrong")
    assert (await _state(db, bill))[0] == State.REJECTED
    shown = await kim.get(f"/bills/{bill.id}")
    assert "Rejected by Kim (CSM)" in shown.text and "the limit is wrong" in shown.text


async def test_whoever_comes_too_late_reads_who_decided_and_keeps_what_they_wrote(
    served: BrowserSide, db: Database, people: People, bill: Bill
) -> None:
    sam = await served.signed_in(people.sam)
    form = await sam.get(f"/bills/{bill.id}/reject?version=1")
    kim = await served.signed_in(people.kim)
    await _decide(kim, bill, "reject", reason="Not this month.", reason_code="other")
    typed = {"reason": "I have talked to them.", "reason_code": "usage_wrong"}
    late = await sam.post(f"/bills/{bill.id}/reject", data={**_hidden(form), **typed})
    assert late.status == 409
    assert "Kim (CSM) rejected this bill a moment ago." in late.text
    assert "I have talked to them.</textarea>" in late.text
    opened = await sam.get(f"/bills/{bill.id}/reject?version=1")
    assert (opened.status, "Kim (CSM) rejected this bill" in opened.text) == (409, True)
    assert f'href="/bills/{bill.id}">Back to the bill' in opened.text


async def test_what_is_sent_twice_by_a_double_click_is_done_once_and_told_as_done(
    served: BrowserSide, db: Database, people: People, bill: Bill
) -> None:
    kim = await served.signed_in(people.kim)
    form = _hidden(await kim.get(f"/bills/{bill.id}/approve?version=1"))
    for _ in range(2):
        done = await kim.post(f"/bills/{bill.id}/approve", data=form)
        assert (done.status, done.headers["Location"]) == (303, f"/bills/{bill.id}")
    assert "Approved. It waits for Sam (Sales)." in (await kim.get(f"/bills/{bill.id}")).text
    async with db.transaction() as session:
        assert [one.verb for one in await load_history(session, bill.id)].count("approve") == 1
    sam = await served.signed_in(people.sam)
    rejecting = {**_hidden(await sam.get(f"/bills/{bill.id}/reject")), "reason_code": "other"}
    await _decide(sam, bill, "approve")
    late = await sam.post(f"/bills/{bill.id}/reject", data={**rejecting, "reason": "No."})
    assert (late.status, "You approved this bill a moment ago" in late.text) == (409, True)
    assert "Nothing was rejected." in late.text


async def test_figures_that_moved_are_told_and_the_form_is_for_the_new_ones(
    served: BrowserSide, db: Database, people: People, bill: Bill
) -> None:
    kim = await served.signed_in(people.kim)
    form = await kim.get(f"/bills/{bill.id}/reject?version=1")
    async with db.transaction() as session:
        usage = sa.update(Usage).where(Usage.customer_id == bill.customer_id)
        await session.execute(usage.values(api_usage=140_000))
    typed = {"reason": "Too much.", "reason_code": "usage_wrong"}
    late = await kim.post(f"/bills/{bill.id}/reject", data={**_hidden(form), **typed})
    assert late.status == 409
    assert "usage was corrected from 150,000 to 140,000 calls" in late.text
    assert "Too much.</textarea>" in late.text
    assert _hidden(late)["version"] == "2"
    again = await kim.post(f"/bills/{bill.id}/reject", data={**_hidden(late), **typed})
    assert again.status == 303
    assert (await _state(db, bill))[0] == State.REJECTED


async def test_a_comment_is_on_the_bill_and_an_empty_one_is_not(
    served: BrowserSide, people: People, bill: Bill
) -> None:
    ana = await served.signed_in(people.ana)
    empty = await ana.post(f"/bills/{bill.id}/comments", data={"comment": " "})
    assert (empty.status, 'id="e-comment"' in empty.text) == (422, True)
    told = await ana.post(f"/bills/{bill.id}/comments", data={"comment": "Is <this> right?"})
    assert told.headers["Location"] == f"/bills/{bill.id}#comments"
    assert "Is &lt;this&gt; right?" in (await ana.get(f"/bills/{bill.id}")).text


async def test_finance_revises_and_takes_it_back(
    served: BrowserSide, db: Database, people: People, bill: Bill
) -> None:
    ana = await served.signed_in(people.ana)
    wrong = await _decide(ana, bill, "revise", units="many", reason="As agreed.")
    assert "Write a whole number of calls" in wrong.text and 'value="many"' in wrong.text
    await _decide(ana, bill, "revise", units="30000", reason="As agreed.")
    shown = await ana.get(f"/bills/{bill.id}")
    assert "20,000 fewer as agreed: 30,000 × $0.10 = $3,000.00" in shown.text
    await _decide(ana, bill, "undo", reason="They changed their mind.")
    assert "50,000 over × $0.10 = $5,000.00" in (await ana.get(f"/bills/{bill.id}")).text


async def test_what_is_undone_is_what_was_read(
    served: BrowserSide, db: Database, people: People, bill: Bill
) -> None:
    """The first of two approvals changes no version, so that a version does not tell which."""
    ana, kim = await served.signed_in(people.ana), await served.signed_in(people.kim)
    await _decide(kim, bill, "approve")
    form = await ana.get(f"/bills/{bill.id}/undo?version=1")
    assert "the approval of $5,000.00 by Kim (CSM)" in form.text
    await _decide(kim, bill, "undo", reason="Not yet.")
    await _decide(await served.signed_in(people.sam), bill, "approve")
    late = await ana.post(f"/bills/{bill.id}/undo", data={**_hidden(form), "reason": "Wait."})
    assert late.status == 409
    assert "Waits for Kim (CSM)" in (await ana.get(f"/bills/{bill.id}")).text


async def test_an_open_page_is_told_that_more_was_done_to_its_bill(
    served: BrowserSide, db: Database, people: People, bill: Bill
) -> None:
    max_ = await served.signed_in(people.max)
    shown = await max_.get(f"/bills/{bill.id}")
    [(address, version)] = re.findall(r'data-live="([^"]+)" data-version="(\w+)"', shown.text)
    known = {"headers": {"If-None-Match": f'"{version}"'}}
    assert (await max_.get(address, **known)).status == 304
    async with db.transaction() as session:
        await approve_bill(session, bill.id, 1, act(people.kim))
    for asked in (address, "/live"):
        assert (await max_.get(asked, **known)).status == 204


async def test_there_is_no_page_of_a_bill_that_is_not_there(
    served: BrowserSide, people: People
) -> None:
    kim = await served.signed_in(people.kim)
    for path in ("/bills/99", "/bills/x", "/bills/99/approve", f"/bills/{2**64}"):
        assert (await kim.get(path)).status == 404, path


async def test_a_form_sent_signed_out_leads_back_to_its_page_after_signing_in(
    served: BrowserSide, bill: Bill
) -> None:
    sent = {"data": {"comment": "Is this right?"}}
    for came, back in (
        (f"{served.base}/bills/{bill.id}", f"%2Fbills%2F{bill.id}"),
        ("https://elsewhere.example/bills/1", "%2F"),
    ):
        headers = {"Referer": came}
        left = await served.visitor().post(f"/bills/{bill.id}/comments", headers=headers, **sent)
        assert (left.status, left.headers["Location"]) == (303, f"/welcome?next={back}")


async def test_an_open_page_says_that_it_is_signed_out_and_sends_a_double_click_once(
    served: BrowserSide, db: Database, people: People, bill: Bill, browser: Browser
) -> None:
    context = await browser.new_context(base_url=served.base)
    cookie = {"name": "session", "value": await served.token(people.kim), "url": served.base}
    await context.add_cookies([cookie])
    page = await context.new_page()
    await page.goto(f"/bills/{bill.id}")
    await page.get_by_role("link", name="Approve").click()
    await page.locator("dialog button", has_text="Approve").dblclick()
    await expect(page.get_by_text("Approved. It waits for Sam (Sales).")).to_be_visible()
    await page.get_by_label("Comment").fill("Half a thought")
    await context.clear_cookies()
    await expect(page.get_by_text("You are signed out.")).to_be_visible()
    await expect(page.get_by_text("$5,000.00").first).to_be_hidden()
    await page.get_by_role("button", name="Comment").click()
    await expect(page.get_by_role("link", name="Sign in on another tab")).to_be_visible()
    await context.add_cookies([cookie])
    await expect(page.get_by_text("You are signed out.")).to_be_hidden()
    await expect(page.get_by_label("Comment")).to_have_value("Half a thought")
    await page.goto("/account")
    await page.goto(f"/bills/{bill.id}")
    await expect(page.get_by_text("What you typed is here again.")).to_be_visible()
    await expect(page.get_by_label("Comment")).to_have_value("Half a thought")


async def test_a_form_opens_once_however_often_it_is_asked_for(
    served: BrowserSide, people: People, bill: Bill, browser: Browser
) -> None:
    context = await browser.new_context(base_url=served.base)
    token = await served.token(people.kim)
    await context.add_cookies([{"name": "session", "value": token, "url": served.base}])
    page = await context.new_page()
    asked: list[Route] = []

    def ask(route: Route) -> None:
        asked.append(route)

    await page.route("**/approve?*", ask)

    async def opens_once(asking: Locator) -> None:
        await asking.dblclick()
        await expect(asking).to_have_attribute("aria-busy", "true")
        while asked:
            await asked.pop().continue_()
        await expect(page.get_by_role("dialog")).to_have_count(1)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(asking).to_be_focused()

    await page.goto(f"/bills/{bill.id}")
    await opens_once(page.get_by_role("link", name="Approve"))
    await page.goto("/dashboard")
    await opens_once(page.get_by_role("button", name="Approve all shown"))


async def test_what_was_sent_just_after_being_signed_out_is_there_after_signing_in(
    served: BrowserSide, people: People, bill: Bill, browser: Browser
) -> None:
    context = await browser.new_context(base_url=served.base)
    page = await context.new_page()
    await page.route("**/live?*", lambda asked: asked.abort())
    comment = page.get_by_label("Comment", exact=True)

    async def signed_in(user: User) -> None:
        token = await served.token(user)
        await context.add_cookies([{"name": "session", "value": token, "url": served.base}])

    async def sent_signed_out() -> None:
        await comment.fill("Half a thought")
        await context.clear_cookies()
        await page.get_by_role("button", name="Comment").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    await signed_in(people.kim)
    await page.goto(f"/bills/{bill.id}")
    await sent_signed_out()
    await signed_in(people.kim)
    await page.goto(page.url)
    await expect(comment).to_have_value("Half a thought")
    await expect(page.get_by_text("What you typed is here again.")).to_be_visible()

    await comment.fill("")
    await sent_signed_out()
    await signed_in(people.sam)
    await page.goto(page.url)
    await expect(comment, "nobody reads what another person typed").to_have_value("")

    await page.get_by_role("link", name="Reject").click()
    reason = page.locator("dialog textarea")
    await page.locator("dialog select").select_option("other")
    await reason.fill("Not what was agreed")
    await context.clear_cookies()
    await page.locator("dialog button", has_text="Reject").click()
    await expect(page.locator("dialog").get_by_text("You are signed out.")).to_be_visible()
    await expect(reason).to_have_value("Not what was agreed")
