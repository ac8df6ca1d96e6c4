"""The same bill in Slack and in a browser: what is done by one door is seen at the other."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from bot.app import App
from models.db.database import Database
from models.people.sessions import open_session
from models.people.users import User
from tests.harness.cast import People
from tests.harness.slack_people import Json, Team, read
from tests.sandbox.page_browser import PATIENCE_MS, PHONE, needs_chromium
from tests.stories.conftest import sign_up, team_with_bot
from tests.stories.test_main_job import generate, reads

pytestmark = [pytest.mark.browser, needs_chromium]
SOON_S = 2.0
LOW: ViewportSize = {"width": PHONE["width"], "height": 240}
"""A phone whose keyboard takes the rest: lower than most dialogs."""


class Door:
    """The browser side of the running bot, in a browser."""

    def __init__(self, team: Team, app: App, browser: Browser) -> None:
        self._team = team
        self._base = f"http://127.0.0.1:{app.port}"
        self._browser = browser
        self.complaints: list[str] = []

    @asynccontextmanager
    async def opened_by(self, user: User, path: str, **options: object) -> AsyncIterator[Page]:
        """A browser of its own in which this person is signed in, at a page."""
        async with self._team.db.transaction() as session:
            token = await open_session(session, user, self._team.clock())
        context = await self._browser.new_context(**options)  # type: ignore[arg-type]
        await context.add_cookies([{"name": "session", "value": token, "url": self._base}])
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(self._base + path)
        yield page
        await context.close()


@pytest.fixture
async def doors(db: Database, people: People, browser: Browser) -> AsyncIterator[tuple[Team, Door]]:
    """Acme and Bolt need Kim's approval, and Ana has generated their October."""
    async with team_with_bot(db) as (team, app):
        async with db.transaction() as session:
            for name in ("Acme Corp", "Bolt Ltd"):
                kims = {"csm_id": people.kim.id, "require_csm_approval": True}
                await sign_up(session, name, billing_email="pay@example.com", **kims)
        await generate(team)
        door = Door(team, app, browser)
        yield team, door
        assert door.complaints == []


async def test_an_open_page_follows_slack_and_a_card_follows_the_browser(
    doors: tuple[Team, Door], people: People
) -> None:
    team, door = doors
    card = await team.kim.card("Acme Corp")
    async with door.opened_by(people.max, "/bills/1") as looking:
        await expect(looking.get_by_text("Waits for Kim (CSM)")).to_be_visible()
        began = time.monotonic()
        assert await team.kim.clicks("Approve", on=card) == []
        await expect(looking.get_by_text("Approved by Kim (CSM)")).to_be_visible()
        assert time.monotonic() - began < SOON_S + 1
        await expect(looking.locator("#bill-history")).to_contain_text(
            "approved $35,000.00 in Slack"
        )

    other = await team.kim.card("Bolt Ltd")
    async with door.opened_by(people.kim, "/bills/2") as deciding:
        await deciding.get_by_role("link", name="Reject").click()
        dialog = deciding.get_by_role("dialog", name="Reject this bill")
        await dialog.get_by_label("What is wrong?").select_option("limit_wrong")
        await dialog.get_by_label("Tell Finance more").fill("They moved to the larger plan.")
        await dialog.get_by_role("button", name="Reject").click()
        await expect(deciding.get_by_role("status")).to_contain_text("Rejected.")
        await reads(team, other, "Rejected by Kim (CSM)", "They moved to the larger plan.")
        told = await team.ana.told("the limit is wrong")
        assert "Bolt Ltd" in read(told)


async def test_whoever_is_too_late_in_a_dialog_is_told_who_decided_and_loses_no_word(
    doors: tuple[Team, Door], people: People
) -> None:
    team, door = doors
    async with door.opened_by(people.kim, "/bills/1") as page:
        await page.get_by_role("link", name="Reject").focus()
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Tell Finance more").fill("Wait for the audit.")
        await dialog.get_by_label("What is wrong?").select_option("other")
        await team.kim.clicks("Approve", on=await team.kim.card("Acme Corp"))
        await expect(page.locator("#bill-history")).to_contain_text("approved")
        await expect(dialog.get_by_label("Tell Finance more")).to_have_value("Wait for the audit.")
        await dialog.get_by_role("button", name="Reject").click()
        await expect(dialog).to_contain_text("You approved this bill")
        await expect(dialog.get_by_label("What you wrote")).to_have_value("Wait for the audit.")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(page.get_by_text("Approved by Kim (CSM)", exact=True)).to_be_visible()


async def test_kim_approves_all_that_waits_on_a_phone_and_both_cards_say_so(
    doors: tuple[Team, Door], people: People
) -> None:
    team, door = doors
    cards = [await team.kim.card(name) for name in ("Acme Corp", "Bolt Ltd")]
    async with door.opened_by(people.kim, "/dashboard", viewport=PHONE) as page:
        await expect(page.get_by_role("link", name="For you")).to_have_attribute(
            "aria-current", "page"
        )
        await page.get_by_role("checkbox", name="Acme Corp, October 2026").check()
        await page.set_viewport_size(LOW)
        await page.get_by_role("button", name="Approve all shown").click()
        asked = page.get_by_role("dialog", name="Approve 2 bills?")
        await expect(asked).to_contain_text("$70,000.00")
        await _opens_with_its_title(asked)
        await asked.get_by_role("button", name="Approve").click()
        told = page.get_by_role("dialog", name="2 of 2 approved")
        await _opens_with_its_title(told)
        await page.get_by_role("link", name="Done").click()
        await expect(page.get_by_role("cell", name="approved")).to_have_count(2)
    for card in cards:
        await reads(team, card, "Approved by Kim (CSM)")


async def _opens_with_its_title(dialog: Locator) -> None:
    title = dialog.get_by_role("heading", level=1)
    await expect(title).to_be_focused()
    await expect(title).to_be_in_viewport(ratio=1)


async def test_from_the_card_to_the_page_and_back_to_the_thread(
    doors: tuple[Team, Door], people: People
) -> None:
    team, door = doors
    card = await team.kim.card("Acme Corp")
    [menu] = [one for one in _elements(card) if one["type"] == "overflow"]
    [option] = [one for one in menu["options"] if one["text"]["text"] == "Web page"]
    assert await team.kim.clicks("bill:more", on=card, selected_option=option) == []
    path = option["url"].partition("/bills/")[2]
    async with door.opened_by(people.kim, f"/bills/{path}") as page:
        await expect(page.get_by_role("heading", level=1)).to_have_text("Acme Corp")
        back = await page.get_by_role("link", name="Open its thread").get_attribute("href")
        place = f"archives/{team.kim.dm}/p{card['ts'].replace('.', '')}"
        assert back == f"{team.sandbox.base_url}/{place}"
        await page.get_by_label("Comment").fill("Seen on the web.")
        await page.get_by_role("button", name="Comment").click()
        await reads(team, card, "Seen on the web.")
        await page.goto(back)
        assert page.url.endswith(f"#UKIM/{team.kim.dm}/{card['ts']}")
        await expect(page.get_by_test_id("person-switcher")).to_contain_text("Kim")
    async with door.opened_by(people.max, f"/bills/{path}") as page:
        await expect(page.get_by_role("link", name="Open its thread")).to_have_count(0)


async def test_all_of_it_works_without_javascript(doors: tuple[Team, Door], people: People) -> None:
    team, door = doors
    async with door.opened_by(people.kim, "/dashboard", java_script_enabled=False) as page:
        await page.get_by_role("link", name="Acme Corp").click()
        await page.get_by_role("link", name="Approve").click()
        await page.get_by_role("button", name="Approve").click()
        await expect(page.get_by_role("status")).to_have_text("Approved.")
    await reads(team, await team.kim.card("Acme Corp"), "Approved by Kim (CSM)")


def _elements(card: Json) -> list[Json]:
    rows = [block["elements"] for block in card["blocks"] if block["type"] == "actions"]
    return [element for row in rows for element in row]
