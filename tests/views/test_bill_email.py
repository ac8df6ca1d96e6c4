"""The mail around a document, as a reader of mail shows it."""

import re
from dataclasses import replace
from html import unescape

import pytest
from playwright.async_api import Browser

from handlers.documents.bill_email import BillEmail
from tests.sandbox.page_browser import PHONE, needs_chromium
from tests.views.test_invoice import ACME

LONG = replace(ACME, customer="<b>Löwen & Söhne</b> " + "Donaudampfschifffahrts" * 8 + " عميل")


def words(html: str) -> list[str]:
    body = html.partition("<body")[2].partition(">")[2]
    return unescape(re.sub("<[^>]*>", " ", body)).split()


@pytest.mark.parametrize("facts", [ACME, LONG])
def test_text_and_html_say_the_same(facts: object) -> None:
    email = BillEmail.about(facts)  # type: ignore[arg-type]
    assert words(email.html) == email.text.split()


@pytest.mark.browser
@needs_chromium
async def test_it_is_read_on_a_phone_by_day_and_by_night_and_fetches_nothing(
    browser: Browser,
) -> None:
    for scheme, ink in (("light", "rgb(0, 0, 0)"), ("dark", "rgb(255, 255, 255)")):
        context = await browser.new_context(viewport=PHONE, color_scheme=scheme)  # type: ignore[arg-type]
        page = await context.new_page()
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        await page.set_content(BillEmail.about(LONG).html)
        look = await page.evaluate("""() => [document.documentElement.scrollWidth,
            getComputedStyle(document.querySelector('p')).color]""")
        assert look == [PHONE["width"], ink]
        assert asked == []
        await context.close()
