"""From the bill to the document on its way: by keyboard alone, and mostly without JavaScript."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, expect

from models.bills.bill import get_bill
from models.bills.states import State
from models.db.database import Database
from models.people.users import User
from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People
from tests.harness.scene import act, bill_for

MOST_KEYS = 40

FOCUSED = """() => {
  const one = document.activeElement;
  const label = one.id && document.querySelector(`label[for="${one.id}"]`);
  return (label || one).textContent.trim();
}"""
SEEN = """() => {
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
}"""


@asynccontextmanager
async def _at(
    browser: Browser, served: BrowserSide, user: User, *, scripts: bool = False
) -> AsyncIterator[Page]:
    context = await browser.new_context(base_url=served.base, java_script_enabled=scripts)
    token = await served.token(user)
    await context.add_cookies([{"name": "session", "value": token, "url": served.base}])
    page = await context.new_page()
    yield page
    await context.close()


async def _reach(page: Page, words: str) -> None:
    """Press the tabulator until what says this has the focus, and shows it."""
    for _ in range(MOST_KEYS):
        await page.keyboard.press("Tab")
        if (await page.evaluate(FOCUSED)).startswith(words):
            assert await page.evaluate(SEEN), f"{words}: nobody sees where the focus is"
            return
    raise AssertionError(f"{words} is not reached by keyboard on {page.url}")


async def _press(page: Page, words: str, then: str) -> None:
    """Press what says this, and wait for the heading of where that leads."""
    await _reach(page, words)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name=then).last).to_be_visible()


@pytest.mark.browser
async def test_a_bill_goes_out_by_keyboard_alone(
    browser: Browser, served: BrowserSide, db: Database, people: People
) -> None:
    """Kim and Sam approve, Max looks on, Ana sends; Sam alone has scripts, and so a dialog."""
    async with db.transaction() as session:
        names = {"csm_id": people.kim.id, "sales_id": people.sam.id}
        needs = {"require_csm_approval": True, "require_sales_approval": True}
        more = names | needs | {"billing_email": "billing@acme.example"}
        bill = await bill_for(session, act(people.ana), **more)
    for who, told in (
        (people.kim, "Approved. It waits for Sam (Sales)."),
        (people.sam, "Approved by Sam (Sales)"),
    ):
        async with _at(browser, served, who, scripts=who is people.sam) as page:
            await page.goto("/dashboard")
            await _press(page, "Acme Corp", "Acme Corp")
            await _press(page, "Approve", "Approve")
            await expect(page.get_by_role("dialog")).to_have_count(int(who is people.sam))
            await _press(page, "Approve", "Acme Corp")
            await expect(page.get_by_text(told).first).to_be_visible()
    async with _at(browser, served, people.max) as page:
        await _open_approved(page)
        await expect(page.get_by_text("Approved by Sam (Sales)").first).to_be_visible()
        await expect(page.locator(".display ~ .acts > *")).to_have_count(0)
    async with _at(browser, served, people.ana) as page:
        await _open_approved(page)
        await _press(page, "Send", "Send")
        await _press(page, "Send", "Acme Corp")
        await expect(page.get_by_role("status")).to_be_visible()
    async with db.transaction() as session:
        assert (await get_bill(session, bill.id)).status == State.SENDING


async def _open_approved(page: Page) -> None:
    await page.goto("/dashboard")
    await _reach(page, "Approved")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/dashboard?view=approved")
    await _press(page, "Acme Corp", "Acme Corp")
