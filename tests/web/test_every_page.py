"""Every page in Chromium: for whoever cannot see, has a phone, or likes it dark.

With COUNTERSIGN_PICTURES set to a folder, it leaves a picture of each page there, in both
widths and themes; `python -m tests.web.pictures` makes those of the documentation of them.
"""

import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.async_api import Browser, Page
from sqlalchemy.ext.asyncio import AsyncSession

from bot.health.told_settings import told_settings
from bot.settings import Settings
from handlers.web.dashboard import ALL, VIEWS
from models.actions.edit_customer import edit_customer
from models.context import Context, Source
from models.customers.customers import Customer
from models.db.database import Database
from models.people.users import NAME_CHARS, User
from models.period import Period
from sandbox.demo import DANA, KIM, MAX, load
from tests.harness.browser_side import Answer, BrowserSide, Visitor, browser_side
from tests.harness.database import TestDatabase
from tests.harness.slack_people import NOW
from tests.sandbox.page_browser import needs_chromium
from tests.web.every_page import (
    PHONE,
    SMALLEST_PHONE,
    WIDE,
    WIDER,
    Examples,
    Inspection,
    Visited,
    Watch,
    Weights,
    all_pages,
    demo_examples,
)

pytestmark = [pytest.mark.browser, pytest.mark.long, needs_chromium]

MOST_DIALOGS = 3
NEWCOMER, STRANGER = "Newcomer", "a stranger"
LOOKED_OVER = ("Finance", "Customer Success", NEWCOMER, STRANGER)
THEIRS = {
    STRANGER: {"/welcome"},
    NEWCOMER: {"/access"},
    "Customer Success": {
        "/bills/{bill_id}/approve",
        "/bills/{bill_id}/reject",
        "/dashboard/approve",
    },
}
"""Pages that are not Finance's, which are looked over as theirs are."""

PICTURES = os.environ.get("COUNTERSIGN_PICTURES")


PARTS = 4
"""So many tests share the pages of whoever sees the most."""


@dataclass(frozen=True)
class Company:
    """The demo company as browsers see it, and an example of every page."""

    served: BrowserSide
    people: dict[str, User]
    pages: list[Visited]


@pytest.fixture
async def company(database: TestDatabase) -> AsyncIterator[Company]:
    db = database.db

    async def founded() -> Examples:
        await load(db, NOW)
        async with db.transaction() as session:
            dana = (await _people(session))[DANA.name]
            by = Context(dana, NOW, Source.WEB)
            examples = await demo_examples(session, Period.of(NOW.date()).plus(-1), by)
            newcomer = User(name=NEWCOMER)
            session.add(newcomer)
            await session.flush()
            return examples | {"/people/{user_id}/role": f"/people/{newcomer.id}/role"}

    pages = list(all_pages(await database.seeded("every page", founded)))
    async with db.transaction() as session:
        await session.execute(_WORKER)
        people = await _people(session)
    settings = told_settings(Settings(_env_file=None))
    async with browser_side(db, settings=settings) as served:
        yield Company(served, people, pages)


_WORKER = sa.text("insert into procrastinate_workers (last_heartbeat) values (clock_timestamp())")


async def _people(session: AsyncSession) -> dict[str, User]:
    return {user.name: user for user in await session.scalars(sa.select(User))}


@pytest.mark.parametrize("part", range(PARTS))
async def test_finance_sees_each_page_at_both_widths_and_in_both_themes(
    company: Company, browser: Browser, part: int
) -> None:
    finance = company.people[DANA.name]
    assert await _visit_all(browser, company, finance, company.pages[part::PARTS]) == []


@pytest.mark.parametrize("name", [KIM.name, MAX.name, NEWCOMER, STRANGER])
async def test_the_others_see_on_a_phone_what_is_theirs(
    company: Company, browser: Browser, name: str
) -> None:
    assert await _visit_all(browser, company, company.people.get(name), company.pages) == []


@pytest.mark.parametrize("name", [DANA.name, KIM.name])
async def test_no_list_of_bills_is_cut_on_the_smallest_phone(
    company: Company, browser: Browser, name: str
) -> None:
    page, _ = await _signed_in(browser, company.served, company.people[name])
    await page.set_viewport_size(SMALLEST_PHONE)
    faults = []
    for view in VIEWS:
        await page.goto(f"/dashboard?view={view}")
        faults += [f"{view}: {fault}" for fault in await page.evaluate(WIDER)]
        if view == ALL:
            left = "cells => new Set(cells.map(cell => cell.getBoundingClientRect().left)).size"
            assert await page.locator(".bills .tick:has(input) + td").count()
            assert await page.locator(".bills .tick + td").evaluate_all(left) == 2
    assert not faults, "\n".join(faults)


async def test_a_word_of_three_hundred_letters_fits_every_page_table_and_dialog(
    company: Company, browser: Browser, db: Database
) -> None:
    dana = company.people[DANA.name]
    async with db.transaction() as session:
        newcomer = await session.get_one(User, company.people[NEWCOMER].id)
        newcomer.name, newcomer.email = "W" * NAME_CHARS, f"{'w' * 60}@{'w' * 60}.example"
        by = Context(dana, NOW, Source.WEB)
        customers = list(await session.scalars(sa.select(Customer.id).order_by(Customer.id)))
        for number, customer_id in enumerate(customers):
            longest = {"name": f"{'W' * 298}{number:02}"}
            await edit_customer(session, customer_id, longest, by)
    page, asking = await _signed_in(browser, company.served, dana)
    faults = []
    for one in company.pages:
        if _is_page(await asking.get(one.address)):
            await page.goto(one.address)
            faults += [f"{one.address}: {fault}" for fault in await too_wide(page, one.name)]
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


async def _signed_in(
    browser: Browser, served: BrowserSide, user: User | None
) -> tuple[Page, Visitor]:
    """A browser's page, and whoever asks as the same person without one."""
    context = await browser.new_context(
        base_url=served.base, viewport=PHONE, reduced_motion="reduce"
    )
    if user:
        token = await served.token(user)
        await context.add_cookies([{"name": "session", "value": token, "url": served.base}])
    asking = await served.signed_in(user) if user else served.visitor()
    return await context.new_page(), asking


async def _visit_all(
    browser: Browser, company: Company, user: User | None, pages: list[Visited]
) -> list[str]:
    whose = (user.role or NEWCOMER) if user else STRANGER
    page, asking = await _signed_in(browser, company.served, user)
    watch, weights = Watch(page, company.served.base), Weights(asking)
    inspection = await Inspection.begin(page, PICTURES)
    looked_over = _looked_over_by(whose, pages)
    faults, refused = [], 0
    for one in pages:
        answer = await asking.get(one.address)
        found = _answered(one, user, answer)
        refused += answer.status == 403
        if _is_page(answer):
            found += await weights.too_heavy(answer.text)
            if answer.status != 403 or refused == 1:
                await page.goto(one.address)
                if one.route.path in looked_over:
                    found += await inspection.look(one.name)
                elif whose in LOOKED_OVER:
                    found += await inspection.violations({})
                found += watch.take()
        faults += [f"{one.address} as {whose}: {fault}" for fault in found]
    return faults


def _looked_over_by(whose: str, pages: Sequence[Visited]) -> set[str]:
    """The paths of the pages that somebody sees as they are meant."""
    if whose != "Finance":
        return THEIRS.get(whose, set())
    return {one.route.path for one in pages}.difference(*THEIRS.values())


def _is_page(answer: Answer) -> bool:
    return "text/html" in answer.headers.get("content-type", "")


def _answered(visited: Visited, user: User | None, answer: Answer) -> list[str]:
    """Whoever may not see a page is told so, or sent to where one signs in. What a role may do can
    be refused all the same, for the state of a bill or because another is asked.
    """
    allowed = {200, 204, 303, 409} if visited.may_open(user) else {403 if user else 303}
    if visited.route.path.startswith("/bills/{bill_id}/"):
        allowed.add(403)
    return [] if answer.status in allowed else [f"answered {answer.status}"]
