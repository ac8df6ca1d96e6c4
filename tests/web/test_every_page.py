"""Every page in Chromium: for whoever cannot see, has a phone, or likes it dark.

With COUNTERSIGN_PICTURES set to a folder, it leaves a picture of each page there, in both
widths and themes.
"""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.async_api import APIResponse, Browser, BrowserContext, Page

from bot.health import told_settings
from bot.settings import Settings
from models.actions.edit_customer import edit_customer
from models.context import Context, Source
from models.customers.customers import Customer
from models.db.database import Database
from models.people.users import NAME_CHARS, User
from models.period import Period
from sandbox.demo import DANA, KIM, MAX, load
from tests.harness.browser_side import BrowserSide, browser_side
from tests.harness.slack_people import NOW
from tests.sandbox.page_browser import needs_chromium
from tests.web.every_page import (
    HEAVIEST,
    PHONE,
    WIDE,
    WIDER,
    Examples,
    Inspection,
    Visited,
    Watch,
    all_pages,
    demo_examples,
    weight,
)

pytestmark = [pytest.mark.browser, needs_chromium]

MOST_DIALOGS = 3
LOOKED_OVER = ("Customer Success", "nobody yet", "a stranger")
PICTURES = os.environ.get("COUNTERSIGN_PICTURES")


@pytest.fixture
async def company(db: Database) -> AsyncIterator[tuple[BrowserSide, Examples]]:
    await load(db, NOW)
    async with db.transaction() as session:
        dana = await session.scalar(sa.select(User).where(User.name == DANA.name))
        assert dana
        by = Context(dana, NOW, Source.WEB)
        examples = await demo_examples(session, Period.of(NOW.date()).plus(-1), by)
        await session.execute(_WORKER)
    settings = told_settings(Settings(_env_file=None))
    async with browser_side(db, settings=settings) as served:
        yield served, examples


_WORKER = sa.text("insert into procrastinate_workers (last_heartbeat) values (clock_timestamp())")


async def test_every_page_is_for_everybody(
    company: tuple[BrowserSide, Examples], browser: Browser, db: Database
) -> None:
    """Finance sees each page at both widths and in both themes; of the others each sees what is
    theirs, on a phone.
    """
    served, examples = company
    async with db.transaction() as session:
        newcomer = User(name="Newcomer")
        session.add(newcomer)
        people = {user.name: user for user in await session.scalars(sa.select(User))}
    pages = list(all_pages(examples | {"/people/{user_id}/role": _request_of(newcomer)}))
    faults: list[str] = []
    for user in (people[DANA.name], people[KIM.name], people[MAX.name], newcomer, None):
        faults += await _visit_all(browser, served, user, pages)
    assert not faults, "\n".join(faults)


def _request_of(newcomer: User) -> str:
    return f"/people/{newcomer.id}/role"


async def test_a_word_of_three_hundred_letters_fits_every_page_table_and_dialog(
    company: tuple[BrowserSide, Examples], browser: Browser, db: Database
) -> None:
    served, examples = company
    async with db.transaction() as session:
        newcomer = User(name="W" * NAME_CHARS, email=f"{'w' * 60}@{'w' * 60}.example")
        session.add(newcomer)
        await session.flush()
        dana = await session.scalar(sa.select(User).where(User.name == DANA.name))
        assert dana
        by = Context(dana, NOW, Source.WEB)
        customers = list(await session.scalars(sa.select(Customer.id).order_by(Customer.id)))
        for number, customer_id in enumerate(customers):
            longest = {"name": f"{'W' * 298}{number:02}"}
            await edit_customer(session, customer_id, longest, by)
    more = {"/people/{user_id}/role": _request_of(newcomer)}
    context = await browser.new_context(base_url=served.base, reduced_motion="reduce")
    token = await served.token(dana)
    await context.add_cookies([{"name": "session", "value": token, "url": served.base}])
    page = await context.new_page()
    faults = []
    for one in all_pages(examples | more):
        if _is_page(await context.request.get(one.address, max_redirects=0)):
            await page.goto(one.address)
            faults += [f"{one.address}: {fault}" for fault in await too_wide(page, one.name)]
    await context.close()
    assert not faults, "\n".join(faults)


async def too_wide(page: Page, name: str) -> list[str]:
    """What a page and each of its dialogs holds that is wider than its room, at either width."""
    faults = await _wider_parts(page, f"{name}-long")
    links = page.locator("main a[data-dialog]:visible")
    for at in range(min(await links.count(), MOST_DIALOGS)):
        await links.nth(at).click()
        await page.locator("dialog h1").wait_for()
        faults += await _wider_parts(page, f"{name}-long-dialog-{at}")
        await page.keyboard.press("Escape")
    return faults


async def _wider_parts(page: Page, name: str) -> list[str]:
    faults = []
    for width in (PHONE, WIDE):
        await page.set_viewport_size(width)
        faults += [f"at {width['width']} px, {one}" for one in await page.evaluate(WIDER)]
        if PICTURES:
            path = Path(PICTURES) / f"{name}-{width['width']}.png"
            await page.screenshot(path=path, full_page="dialog" not in name)
    return faults


async def _visit_all(
    browser: Browser, served: BrowserSide, user: User | None, pages: list[Visited]
) -> list[str]:
    context = await browser.new_context(
        base_url=served.base, viewport=PHONE, reduced_motion="reduce"
    )
    whose = (user.role or "nobody yet") if user else "a stranger"
    if user:
        token = await served.token(user)
        await context.add_cookies([{"name": "session", "value": token, "url": served.base}])
    page = await context.new_page()
    watch, inspection = Watch(page, served.base), Inspection(page, PICTURES)
    faults, refused = [], 0
    for one in pages:
        answer = await context.request.get(one.address, max_redirects=0)
        found = await _answered(one, user, answer, context)
        refused += answer.status == 403
        if _is_page(answer) and (answer.status != 403 or refused == 1):
            await page.goto(one.address)
            if whose == "Finance":
                found += await inspection.look(one.name)
            elif whose in LOOKED_OVER:
                found += await inspection.violations({})
            found += watch.take()
        faults += [f"{one.address} as {whose}: {fault}" for fault in found]
    await context.close()
    return faults


def _is_page(answer: APIResponse) -> bool:
    return "text/html" in answer.headers.get("content-type", "")


async def _answered(
    visited: Visited, user: User | None, answer: APIResponse, context: BrowserContext
) -> list[str]:
    """Whoever may not see a page is told so, or sent to where one signs in. What a role may do can
    be refused all the same, for the state of a bill or because another is asked.
    """
    faults = []
    allowed = {200, 204, 303, 409} if visited.may_open(user) else {403 if user else 303}
    if visited.route.path.startswith("/bills/{bill_id}/"):
        allowed.add(403)
    if answer.status not in allowed:
        faults.append(f"answered {answer.status}")
    if _is_page(answer):
        html = await answer.body()
        [style] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', html.decode())
        heavy = weight(html, await (await context.request.get(style)).body())
        if heavy > HEAVIEST:
            faults.append(f"weighs {heavy:,} bytes")
    return faults
