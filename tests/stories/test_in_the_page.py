"""Dialogs and menus as Finance uses them: in the sandbox's page, with a bot that hears HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.async_api import Browser, Locator, Page, expect
from pydantic import SecretStr

from bot.app import App
from models.db.database import Database
from tests.harness.cast import People
from tests.harness.running import settings_for, workspace
from tests.harness.slack_people import Team
from tests.harness.timings import QUICK
from tests.sandbox.page_browser import needs_chromium, visit
from tests.stories.conftest import TEAM, sign_up

pytestmark = [pytest.mark.browser, needs_chromium]
USAGE = b"customer,year,month,api_usage\nAcme Corp,2026,10,500000\nAcme Corp,2026,9,7\n"
FAULTY = b"customer,year,month,api_usage\nNobody,2026,10,1\n"


@pytest.fixture
async def heard_by_http(db: Database, people: People) -> AsyncIterator[Team]:
    async with db.transaction() as session:
        await sign_up(session, "Acme Corp")
        await sign_up(session, "Bolt <!channel> & Söhne")
    async with workspace(TEAM, mode="http") as slack:
        team = Team(slack, db)
        secret = {"slack_app_token": None, "slack_signing_secret": SecretStr(slack.signing_secret)}
        app = App(settings_for(slack, db.url, **secret), now=team.clock, timings=QUICK)
        await app.start()
        slack.bot_http_url = f"http://127.0.0.1:{app.port}/slack/events"
        try:
            yield team
        finally:
            await app.drain_and_stop()


async def types(page: Page, line: str) -> None:
    """Like a person: not before the dialog that lies over the box is gone."""
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.get_by_test_id("composer").fill(line)
    await page.get_by_test_id("composer").press("Enter")


async def puts(form: Locator, name: str, content: bytes) -> None:
    sheet: Any = {"name": name, "mimeType": "text/csv", "buffer": content}
    await form.locator("input[type=file]").set_input_files(sheet)
    await expect(form.get_by_text(name)).to_be_visible()
    await form.get_by_role("button", name="Preview").click()


async def test_ana_imports_finds_customers_and_gives_roles_in_the_page(
    browser: Browser, heard_by_http: Team
) -> None:
    page, complaints = await visit(browser, f"{heard_by_http.sandbox.base_url}/#UANA/CACME")
    await types(page, "/usage import")
    form = page.get_by_role("dialog", name="Import usage")
    await puts(form, "faulty.csv", FAULTY)
    await expect(form).to_contain_text("Line 2, customer: “Nobody” is no customer's name")
    await puts(form, "usage.csv", USAGE)
    await expect(form).to_contain_text("1 added, 1 changed, 0 unchanged.")
    await form.get_by_role("button", name="Apply").click()
    done = page.get_by_role("dialog", name="Done")
    await expect(done).to_contain_text("is in: 1 added, 1 changed, 0 unchanged.")
    await done.get_by_role("button", name="Close").last.click()

    await types(page, "/usage record")
    form = page.get_by_role("dialog", name="Record usage")
    await form.get_by_role("button", name="Customer: Type a part of the name").click()
    await page.get_by_role("combobox").fill("söhne")
    await page.get_by_role("option", name="Bolt <!channel> & Söhne").click()
    await form.get_by_role("textbox", name="Calls").fill("42")
    await form.get_by_role("button", name="Record usage").click()
    await expect(form).to_contain_text("42, until now 450,000.")
    await form.get_by_role("button", name="Record usage").click()
    await page.get_by_role("dialog", name="Done").get_by_role("button", name="Close").last.click()

    await types(page, "/bill people")
    listed = page.locator("[data-ts]", has_text="Customer Success").last
    await listed.get_by_role("button", name="Customer Success").first.click()
    await page.get_by_role("option", name="Sales").click()
    await page.get_by_role("dialog").get_by_role("button", name="Change the role").click()
    await expect(page.locator("[data-ts]").last).to_contain_text("Kim is Sales now.")

    await types(page, "/customer list")
    await page.get_by_role("button", name="Share here").last.click()
    await page.get_by_role("dialog").get_by_role("button", name="Share").click()
    shared = page.locator("[data-ts]", has_text="Bolt <!channel>").last
    await expect(shared.get_by_role("button", name="Share here")).to_have_count(0)
    async with heard_by_http.db.transaction() as session:
        usage = await session.scalars(sa.text("select api_usage from usages order by 1"))
        assert list(usage) == [7, 42, 500_000]
    assert complaints == []
