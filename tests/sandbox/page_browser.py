"""A browser for the page's tests, and how one arrives at the page."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

PLACES = ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")
"""The first shows pages like the second, and has no windows of its own: it takes half the time."""
CHROMIUM = os.environ.get("CHROMIUM") or next(
    (place for place in PLACES if Path(place).exists()), PLACES[-1]
)
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 30_000

needs_chromium = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason=f"no Chromium at {CHROMIUM}"
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield browser
        finally:
            await browser.close()


async def visit(browser: Browser, address: str, **options: Any) -> tuple[Page, list[str]]:
    """The page at an address, and what its console complains about, missing images aside."""
    context = await browser.new_context(**options)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda line: (
            complaints.append(line.text)
            if line.type == "error" and "404" not in line.text
            else None
        ),
    )
    await page.goto(address)
    await expect(page.get_by_test_id("person-switcher")).to_be_visible()
    return page, complaints
