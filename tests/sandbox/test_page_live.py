"""The page on the real sandbox, with an app connected by Socket Mode."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Request, expect
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from tests.sandbox.page_browser import PHONE, needs_chromium, visit
from tests.sandbox.slack_bot import WORKSPACE, Bot, connected, dialog, field_block, text_input
from tests.sandbox.test_fake_smtp import PDF, letter, sent

Json = dict[str, Any]

pytestmark = [pytest.mark.browser, needs_chromium]

CONFIRM: Json = {
    "title": {"type": "plain_text", "text": "Approve?"},
    "text": {"type": "plain_text", "text": "Acme <Corp>, 35,000.00 USD"},
    "confirm": {"type": "plain_text", "text": "Approve it"},
    "deny": {"type": "plain_text", "text": "Cancel"},
}


@pytest.fixture
async def live() -> AsyncIterator[Sandbox]:
    """A sandbox on the wall's clock, so that what happens now is shown as now."""
    async with serve(Sandbox(workspace=WORKSPACE, rate_limits=False)) as running:
        yield running


@pytest.fixture
async def app(live: Sandbox) -> AsyncIterator[Bot]:
    bot = Bot()
    async with connected(live, bot):
        yield bot


def client_of(sandbox: Sandbox) -> AsyncWebClient:
    return AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)


def press(text: str, **more: Any) -> Json:
    return {
        "type": "button",
        "action_id": text.lower(),
        "text": {"type": "plain_text", "text": text},
        **more,
    }


def card(*blocks: Json) -> list[Json]:
    said = {"type": "section", "text": {"type": "mrkdwn", "text": "*Acme* &lt;Corp&gt;"}}
    return [said, *blocks]


async def test_an_open_page_sees_the_app_come_and_go(browser: Browser, live: Sandbox) -> None:
    page, complaints = await visit(browser, f"{live.base_url}/#UANA/CGENERAL")
    alone = page.get_by_text("is not connected yet")
    await expect(alone).to_be_visible()
    async with connected(live, Bot()):
        await expect(alone).to_have_count(0)
    await expect(alone).to_be_visible()
    assert complaints == []


async def test_a_narrow_table_scrolls_and_breaks_no_word(browser: Browser, live: Sandbox) -> None:
    words = ["September", "1,250,000", "Larkspur", "approved", "Meridian", "Overage"]
    rows = [[{"type": "raw_text", "text": word} for word in words]] * 2
    table = {"type": "table", "rows": rows}
    await client_of(live).chat_postMessage(channel="CGENERAL", text="Usage", blocks=[table])
    page, _ = await visit(browser, f"{live.base_url}/#UANA/CGENERAL", viewport=PHONE)
    for cell in await page.locator(".grid td").all():
        height = await cell.evaluate(
            "cell => cell.clientHeight / parseFloat(getComputedStyle(cell).lineHeight)"
        )
        assert height < 2, await cell.text_content()


async def test_a_typed_command_is_answered_in_private_and_a_click_redraws_the_card(
    browser: Browser, live: Sandbox, app: Bot
) -> None:
    async def list_bills(ack: Any, **_: Any) -> None:
        await ack({"text": "One bill waits", "response_type": "ephemeral"})

    async def approved(ack: Any, body: Json, client: Any, **_: Any) -> None:
        blocks = card({"type": "context", "elements": [{"type": "mrkdwn", "text": "Approved"}]})
        place = {"channel": body["channel"]["id"], "ts": body["message"]["ts"]}
        await client.chat_update(**place, text="Approved", blocks=blocks)
        await ack()

    app.answers.update(command=list_bills, action=approved)
    page, complaints = await visit(browser, f"{live.base_url}/#UANA/CGENERAL")
    await page.get_by_test_id("composer").fill("/bill list & <all>")
    await page.get_by_test_id("composer").press("Enter")
    await expect(page.get_by_text("One bill waits")).to_be_visible()
    await expect(page.get_by_text("Only visible to you")).to_be_visible()
    buttons = {"type": "actions", "elements": [press("Approve", value="1", confirm=CONFIRM)]}
    await client_of(live).chat_postMessage(channel="CGENERAL", text="Acme", blocks=card(buttons))
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Acme <Corp>, 35,000.00 USD")
    await page.get_by_role("button", name="Approve it").click()
    await expect(page.get_by_text("Approved", exact=True)).to_be_visible()
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    assert [body["actions"][0]["value"] for body in app.bodies("action")] == ["1"]
    assert complaints == []


async def test_a_dialog_goes_from_a_click_by_way_of_errors_to_its_submission(
    browser: Browser, live: Sandbox, app: Bot
) -> None:
    view = dialog(
        field_block("customer", {"type": "external_select", "action_id": "find"}),
        field_block("sheet", {"type": "file_input", "action_id": "file", "filetypes": ["csv"]}),
        text_input("reason", multiline=True),
    )

    async def open_it(ack: Any, body: Json, client: Any, **_: Any) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()

    async def offer(ack: Any, body: Json, **_: Any) -> None:
        text = {"type": "plain_text", "text": f"{body['value']} & Söhne"}
        await ack(options=[{"text": text, "value": "7"}])

    async def judge(ack: Any, **_: Any) -> None:
        again = len(app.bodies("submission")) > 1
        await ack() if again else await ack(
            response_action="errors", errors={"reason": "Say more than that."}
        )

    app.answers.update(action=open_it, options=offer, submission=judge)
    actions = {"type": "actions", "elements": [press("Reject", style="danger")]}
    await client_of(live).chat_postMessage(channel="CGENERAL", text="Acme", blocks=card(actions))
    page, complaints = await visit(browser, f"{live.base_url}/#UANA/CGENERAL")
    await page.get_by_role("button", name="Reject").click()
    form = page.get_by_role("dialog", name="Reject")
    await form.get_by_role("button", name="Reason: Select an option").click()
    await page.get_by_role("combobox").fill("Acme")
    await page.get_by_role("option", name="Acme & Söhne").click()
    sheet: Any = {"name": "usage.csv", "mimeType": "text/csv", "buffer": b"customer,year\n"}
    await form.locator("input[type=file]").set_input_files(sheet)
    await expect(form.get_by_text("usage.csv")).to_be_visible()
    await form.get_by_role("textbox", name="Reason").fill("No <b>")
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_text("Say more than that.")).to_be_visible()
    await expect(form.get_by_role("textbox", name="Reason")).to_have_value("No <b>")
    await form.get_by_role("button", name="Send").click()
    await expect(form).to_have_count(0)
    values = app.bodies("submission")[-1]["view"]["state"]["values"]
    assert values["customer"]["find"]["selected_option"]["value"] == "7"
    assert values["sheet"]["file"]["files"][0]["name"] == "usage.csv"
    assert values["reason"]["text"]["value"] == "No <b>"
    assert complaints == []


async def test_two_people_see_each_other_write_and_the_app_hears_the_thread(
    browser: Browser, live: Sandbox, app: Bot
) -> None:
    ana, _ = await visit(browser, f"{live.base_url}/#UANA/CGENERAL")
    kim, _ = await visit(browser, f"{live.base_url}/#UKIM/home")
    await ana.get_by_test_id("composer").fill("Is 1 < 2 & *true*, @Kim Lee?")
    await ana.get_by_test_id("composer").press("Enter")
    await expect(kim.get_by_role("button", name="general, 1 unread")).to_be_visible()
    await kim.locator("[data-channel=CGENERAL]").click()
    said = kim.locator("[data-ts]").filter(has_text="Is 1 < 2 & true, @Kim Lee?")
    await expect(said).to_be_visible()
    await expect(kim.get_by_role("button", name="general", exact=True)).to_be_visible()
    await said.hover()
    await said.get_by_role("button", name="Reply in thread").click()
    await kim.get_by_test_id("thread-composer").fill("It is")
    await kim.get_by_test_id("thread-composer").press("Enter")
    await expect(ana.get_by_role("button", name="1 reply")).to_be_visible()
    root, reply = app.events("message")
    assert root["text"] == "Is 1 &lt; 2 &amp; *true*, <@UKIM>?"
    assert (reply["text"], reply["thread_ts"]) == ("It is", root["ts"])


async def test_home_keeps_what_was_ticked_when_the_app_draws_it_again(
    browser: Browser, live: Sandbox, app: Bot
) -> None:
    option = {"text": {"type": "plain_text", "text": "Acme, March"}, "value": "12.1"}
    ticks = {"type": "checkboxes", "action_id": "pick", "options": [option]}
    blocks = [{"type": "actions", "block_id": "inbox", "elements": [ticks, press("All")]}]

    async def publish(client: Any, body: Json, ack: Any, **_: Any) -> None:
        seen = {"type": "header", "text": {"type": "plain_text", "text": f"{len(app.received)}"}}
        if body.get("event", {}).get("type") != "message":
            await client.views_publish(
                user_id="UANA", view={"type": "home", "blocks": [seen, *blocks]}
            )
        await ack()

    app.answers.update(event=publish, action=publish)
    page, _ = await visit(browser, f"{live.base_url}/#UANA/CGENERAL")
    await page.get_by_test_id("app-home").click()
    await expect(page.get_by_role("heading", name="1", exact=True)).to_be_visible()
    await page.get_by_label("Acme, March").check()
    await expect(page.get_by_role("heading", name="2", exact=True)).to_be_visible()
    await expect(page.get_by_label("Acme, March")).to_be_checked()
    await page.get_by_role("button", name="All").click()
    await expect(page.get_by_role("heading", name="3", exact=True)).to_be_visible()
    state = app.bodies("action")[-1]["view"]["state"]["values"]
    assert state["inbox"]["pick"]["selected_options"][0]["value"] == "12.1"


async def test_letters_come_while_the_page_is_open_and_what_is_in_them_stays_in_its_frame(
    browser: Browser, live: Sandbox
) -> None:
    """One loads a picture from elsewhere, runs a script, and covers the page; its PDF opens."""
    page, complaints = await visit(browser, f"{live.base_url}/#UANA/mail")
    outside: list[str | None] = []

    def note(request: Request) -> None:
        if not request.url.startswith(live.base_url):
            outside.append(request.failure)

    page.on("requestfinished", note)
    page.on("requestfailed", note)
    await expect(page.get_by_text("No e-mail has been sent yet.")).to_be_visible()
    picture = '<img src="http://tracker.example/1.png"><script>parent.document.title = "x"</script>'
    await sent(live, letter(f"<p>Due: 5</p>{picture}"))
    plain = letter()
    del plain["Subject"]
    plain["Subject"] = "The newest"
    await sent(live, plain)
    rows = page.get_by_role("listitem")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("The newest")
    await rows.last.get_by_role("button").click()
    await expect(page.frame_locator("iframe").get_by_text("Due: 5")).to_be_visible()
    await page.get_by_text("Plain text").click()
    await expect(page.locator(".letter-text")).to_have_text("Please find attached.")
    await page.get_by_text("Headers").click()
    await expect(page.get_by_text("<bill-42@example.test>")).to_be_visible()
    document = page.get_by_role("link", name="2026-000123.pdf")
    await expect(document).to_contain_text(f"{len(PDF)} bytes")
    assert await document.get_attribute("target") == "_blank"
    assert await document.get_attribute("download") is None
    assert {*outside} <= {"csp"}, "what the browser stopped went nowhere"
    assert await page.title() != "x"
    assert all("tracker.example" in one or "sandboxed" in one for one in complaints)
