"""The demo in a browser: the real page, the real bot, somebody who clicks.

With COUNTERSIGN_PICTURES set to a folder, the story leaves the README's pictures there.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.sandbox.page_browser import needs_chromium, visit

pytestmark = [pytest.mark.browser, needs_chromium]

PICTURES = os.environ.get("COUNTERSIGN_PICTURES")
START_S = 60


@dataclass
class Demo:
    """`make demo`, with a browser before it."""

    page: Page

    async def be(self, user: str) -> None:
        await self.page.get_by_test_id("person-switcher").click()
        await self.page.locator(f"[role=option][data-user={user}]").click()

    async def open(self, place: str) -> None:
        await self.page.locator(f"[data-channel={place}]").first.click()

    async def type(self, line: str) -> None:
        await self.page.get_by_test_id("composer").fill(line)
        await self.page.get_by_test_id("composer").press("Enter")

    def last(self, text: str) -> Locator:
        """The newest message that holds this text."""
        return self.page.locator("[data-ts]", has_text=text).last

    async def picture(self, name: str) -> None:
        if PICTURES:
            await self.page.screenshot(path=Path(PICTURES) / f"{name}.png")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """`make demo`, started once for these stories; each has bills of its own in it."""
    port, web_port = free_port(), free_port()
    command = [sys.executable, "-m", "sandbox", "--no-browser", "--port", f"{port}"]
    process = subprocess.Popen([*command, "--web-port", f"{web_port}"], stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/_control/state")
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def _wait_for(state: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            with urllib.request.urlopen(state, timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


@pytest.fixture
async def demo(browser: Browser, address: str) -> AsyncIterator[Demo]:
    page, complaints = await visit(browser, address)
    await page.set_viewport_size({"width": 1280, "height": 900})
    yield Demo(page)
    assert complaints == []


async def test_a_newcomer_bills_a_month_and_others_decide(demo: Demo) -> None:
    page = demo.page
    await page.get_by_role("button", name="Type it for me").click()
    await demo.picture("1-first-sight")
    await page.get_by_test_id("composer").press("Enter")
    preview = demo.last("Only visible to you")
    await expect(preview.get_by_role("button", name="Generate")).to_be_visible()
    await expect(preview).to_contain_text("Old Harbour Foods")
    await demo.picture("2-preview")
    await preview.get_by_role("button", name="Generate").click()
    await expect(demo.last("Run by Dana Ortiz")).to_contain_text("made")
    await demo.picture("3-summary")

    await demo.be("U0KIM")
    card = page.locator("[data-ts]", has_text="Acme Corp, October 2026").last
    await expect(card).to_contain_text("250,000 over × $0.004 = $1,000.00")
    await card.scroll_into_view_if_needed()
    await demo.picture("4-card")
    await card.get_by_role("button", name="Approve").click()
    await demo.picture("5-confirm")
    await page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    await expect(card).to_contain_text("Approved by Kim Lee")
    await demo.open("C0ACME")
    copy = page.locator("[data-ts]", has_text="Acme Corp, October 2026").last
    await expect(copy).to_contain_text("Approved by Kim Lee")
    await demo.picture("6-both-copies")

    await demo.type("/bill history Acme Corp 2026-10")
    await expect(demo.last("History")).to_contain_text("approved $1,000.00")
    await demo.picture("7-history")


async def test_a_csm_rejects_with_a_reason_and_finance_reads_it(demo: Demo) -> None:
    page = demo.page
    await demo.be("U0KIM")
    card = page.locator("[data-ts]", has_text="Old Harbour Foods, September").last
    await card.get_by_role("button", name="Reject").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox").fill("Their limit went up to 90,000 in September.")
    await dialog.get_by_role("button", name="Reject").click()
    await expect(dialog).to_contain_text("Please complete this required field.")
    await dialog.get_by_role("button", name="What is wrong?").click()
    await page.get_by_role("option").nth(1).click()
    await demo.picture("8-reject")
    await dialog.get_by_role("button", name="Reject").click()
    await expect(card).to_contain_text("Rejected by Kim Lee")
    await demo.be("U0DANA")
    await expect(demo.last("rejected bill")).to_contain_text("went up to 90,000")
    await demo.picture("9-finance-reads-why")


async def test_a_comment_in_one_thread_shows_on_the_other_copy(demo: Demo) -> None:
    page = demo.page
    await demo.be("U0PRIYA")
    card = page.locator("[data-ts]", has_text="Cobalt & Sons").last
    await card.hover()
    await card.get_by_role("button", name="Reply in thread").click()
    await page.get_by_test_id("thread-composer").fill("They asked for <one> invoice & no more")
    await page.get_by_test_id("thread-composer").press("Enter")
    await expect(card).to_contain_text("They asked for <one> invoice & no more")
    await demo.picture("10-thread")
    await demo.be("U0SAM")
    other = page.locator("[data-ts]", has_text="Cobalt & Sons").last
    await expect(other).to_contain_text("They asked for <one> invoice & no more")
