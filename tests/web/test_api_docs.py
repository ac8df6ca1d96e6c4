"""The page on which the API is tried."""

from playwright.async_api import Browser, expect

from models.db.database import Database
from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People
from tests.harness.scene import act, bill_for


async def test_every_operation_is_told_also_without_javascript(served: BrowserSide) -> None:
    shown = await served.visitor().get("/api/docs")
    document = (await served.visitor().get("/api/openapi.json")).json
    assert shown.status == 200
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in shown.text
    assert "`" not in shown.text
    assert shown.text.count("<h2") == len(
        {path.split("/")[2].removesuffix(".csv") for path in document["paths"]}
    )


async def test_finance_tries_the_api_on_the_page(
    served: BrowserSide, people: People, db: Database, browser: Browser
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(session, act(people.system))
    context = await browser.new_context(base_url=served.base)
    token = await served.token(people.ana)
    await context.add_cookies([{"name": "session", "value": token, "url": served.base}])
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto("/api/docs")
    void = page.locator('[id="bills.void_bill"]')
    await void.locator("summary").click()
    await void.get_by_label("bill_id").fill(str(bill.id))
    await void.get_by_label("Body").fill('{"version": 1, "reason": "Tried"}')
    await void.get_by_role("button", name="Try it").click()
    await expect(void.locator("pre")).to_contain_text("200 OK")
    await expect(void.locator("pre")).to_contain_text('"status": "void"')
    assert all(url.startswith(served.base) for url in asked)
