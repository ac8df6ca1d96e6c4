"""The sandbox's page, driven as a person would drive it, against canned answers."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.sandbox.page_browser import PHONE, needs_chromium, visit
from tests.sandbox.page_sample import (
    BLOCKS,
    NASTY_NAME,
    NOW,
    Json,
    app_message,
    button,
    message,
    mrkdwn,
    option,
    plain,
    with_ids,
)
from tests.sandbox.page_server import FakeCompany, PageServer, conversation, sampled

UPSTREAM = (
    Path(__file__).resolve().parents[2].parent
    / "shared/slack-data/slackblocks/spec/fixtures/valid/blocks"
)

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture
def company() -> FakeCompany:
    return sampled()


@pytest.fixture
async def server(browser: Browser, company: FakeCompany) -> AsyncIterator[PageServer]:
    server = PageServer(company)
    await server.start()
    yield server
    for context in browser.contexts:
        await context.close()
    await server.stop()


async def at(browser: Browser, server: PageServer, place: str = "U1/C1", **options: Any) -> Page:
    page, _ = await visit(browser, f"{server.url}#{place}", **options)
    return page


def composer(page: Page) -> Locator:
    return page.get_by_test_id("composer")


def reject_view(view_id: str = "V1") -> Json:
    blocks = with_ids(
        [
            {
                "type": "input",
                "label": plain("Reason"),
                "element": {
                    "type": "static_select",
                    "action_id": "code",
                    "placeholder": plain("Choose"),
                    "options": [option("Usage wrong"), option("Limit wrong")],
                },
            },
            {
                "type": "input",
                "label": plain("What is wrong?"),
                "element": {"type": "plain_text_input", "action_id": "why", "multiline": True},
            },
        ]
    )
    title = {"title": plain("Reject the bill"), "submit": plain("Reject bill")}
    return {"id": view_id, "type": "modal", **title, "blocks": blocks}


async def test_every_block_and_element_is_drawn_without_a_complaint(
    browser: Browser, server: PageServer
) -> None:
    page, complaints = await visit(browser, f"{server.url}#U1/C1")
    card = page.locator(f'[data-ts="{NOW:.6f}"]')
    await expect(card.locator("[data-block-id]")).to_have_count(len(BLOCKS))
    await expect(card.locator(".unknown")).to_have_count(0)
    for name in ("line", "bar", "area", "pie"):
        await expect(card.get_by_role("img", name=f"{name} chart")).to_be_visible()
    await expect(card.get_by_role("button", name="Hidden")).to_have_count(0)
    assert complaints == []


@pytest.mark.skipif(not UPSTREAM.exists(), reason=f"no fixtures at {UPSTREAM}")
async def test_blocks_collected_from_outside_are_drawn(
    browser: Browser, server: PageServer, company: FakeCompany
) -> None:
    blocks = [json.loads(path.read_text()) for path in sorted(UPSTREAM.glob("*.json"))]
    company.messages["C1"] = [app_message(NOW + n, [one]) for n, one in enumerate(blocks)]
    page, complaints = await visit(browser, f"{server.url}#U1/C1")
    await expect(page.locator("main [data-ts]")).to_have_count(len(blocks))
    await expect(page.locator("main .unknown")).to_have_count(0)
    assert [one for one in complaints if "net::" not in one] == []  # their images are elsewhere


async def test_names_show_as_they_were_typed(browser: Browser, server: PageServer) -> None:
    page = await at(browser, server)
    said = page.locator("[data-ts]").filter(has_text="<!channel> <script>alert(1)</script>").first
    await expect(said.locator(".author")).to_have_text(NASTY_NAME)
    await expect(said.locator(".mention, strong")).to_have_count(0)
    await expect(page.get_by_text(NASTY_NAME, exact=True).first).to_be_visible()
    assert await page.locator("#page script").count() == 0


async def test_a_confirmed_button_is_sent_exactly_once_however_often_it_is_clicked(
    browser: Browser, server: PageServer, company: FakeCompany
) -> None:
    asking = {
        "title": plain("Approve?"),
        "text": mrkdwn("*Acme*, 35,000.00 USD"),
        "confirm": plain("Approve it"),
        "deny": plain("No"),
    }
    buttons = {"type": "actions", "elements": [button("Approve", value="12.1", confirm=asking)]}
    company.messages["C1"] = [app_message(NOW, [buttons])]
    page = await at(browser, server)
    approve = page.get_by_role("button", name="Approve", exact=True)
    await approve.click()
    dialog = page.get_by_role("dialog", name="Approve?")
    await expect(dialog).to_contain_text("Acme, 35,000.00 USD")
    await dialog.get_by_role("button", name="No").click()
    assert company.sent("/_control/interact") == []
    await approve.click()
    await dialog.get_by_role("button", name="Approve it").dblclick()
    await expect(approve).not_to_have_attribute("aria-busy", "true")
    [sent] = company.sent("/_control/interact")
    assert (sent["user"], sent["channel"], sent["messageTs"]) == ("U1", "C1", f"{NOW:.6f}")
    assert sent["action"]["action_id"] == "press_approve"
    assert (sent["action"]["block_id"], sent["action"]["value"]) == ("b0", "12.1")


async def test_a_plain_button_clicked_twice_is_sent_once(
    browser: Browser, server: PageServer, company: FakeCompany
) -> None:
    page = await at(browser, server, "U1/DU1")
    await page.get_by_role("button", name="Accessory").dblclick()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert len(company.sent("/_control/interact")) == 1


async def test_a_failed_click_says_so_beside_the_message(
    browser: Browser, server: PageServer, company: FakeCompany
) -> None:
    company.answers["/_control/interact"] = {"ok": False, "error": "operation_timeout"}
    page = await at(browser, server, "U1/DU1")
    await page.get_by_role("button", name="Accessory").click()
    await expect(page.get_by_text("Countersign failed to respond")).to_be_visible()


async def test_a_dialog_names_what_is_missing_and_keeps_what_was_typed(
    browser: Browser, server: PageServer, company: FakeCompany
) -> None:
    company.stacks["U1"] = [reject_view()]
    page = await at(browser, server)
    dialog = page.get_by_role("dialog", name="Reject the bill")
    why = dialog.get_by_label("What is wrong?")
    await why.fill("The limit is 200,000 <since> March")
    await dialog.get_by_role("button", name="Reject bill").click()
    await expect(dialog.get_by_text("Please complete this required field.")).to_have_count(1)
    assert company.sent("/_control/submit") == []
    await dialog.get_by_role("button", name=re.compile("^Reason")).click()
    await page.get_by_role("option", name="Limit wrong").click()
    company.answers["/_control/submit"] = {
        "ok": True,
        "response_action": "errors",
        "errors": {"b1": "Say which limit was agreed."},
    }
    await dialog.get_by_role("button", name="Reject bill").click()
    await expect(dialog.get_by_text("Say which limit was agreed.")).to_be_visible()
    await expect(why).to_have_value("The limit is 200,000 <since> March")
    values = company.sent("/_control/submit")[0]["values"]
    assert values["b0"]["code"]["selected_option"]["value"] == "limit_wrong"
    assert values["b1"]["why"]["value"] == "The limit is 200,000 <since> March"


async def test_the_top_of_a_stack_of_dialogs_is_shown_and_closing_goes_back(
    browser: Browser, server: PageServer, company: FakeCompany
) -> None:
    first = {"id": "V1", "type": "modal", "title": plain("First"), "blocks": []}
    company.stacks["U1"] = [first, reject_view("V2")]
    page = await at(browser, server)
    await expect(page.get_by_role("dialog", name="Reject the bill")).to_be_visible()
    await page.get_by_role("button", name="Back", exact=True).click()
    await expect(page.get_by_role("dialog", name="First")).to_be_visible()
    assert company.sent("/_control/close") == [{"user": "U1", "view_id": "V2"}]


async def test_an_external_select_asks_the_app_and_sends_the_choice(
    browser: Browser, server: PageServer, company: FakeCompany
) -> None:
    company.answers["/_control/suggest"] = {"ok": True, "options": [option("Acme & Söhne")]}
    page = await at(browser, server)
    card = page.locator(f'[data-ts="{NOW:.6f}"]')
    await card.get_by_role("button", name="Customer", exact=True).click()
    await page.get_by_role("combobox", name="Search: Customer").fill("ac")
    await page.get_by_role("option", name="Acme & Söhne").click()
    await expect(card.get_by_role("button", name="Customer: Acme & Söhne")).to_be_visible()
    assert company.sent("/_control/suggest")[-1]["value"] == "ac"
    [sent] = company.sent("/_control/interact")
    assert sent["action"]["selected_option"]["text"]["text"] == "Acme & Söhne"


async def test_becoming_another_person_shows_what_they_see(
    browser: Browser, server: PageServer
) -> None:
    page = await at(browser, server)
    await expect(page.locator("[data-channel=C2]")).to_be_visible()
    await expect(page.get_by_text("Only visible to you")).to_have_count(1)
    await page.get_by_test_id("person-switcher").click()
    await page.locator("[data-user=U2]").click()
    await expect(page.get_by_test_id("person-switcher")).to_contain_text("Kofi Mensah")
    await expect(page.locator("[data-channel=C2]")).to_have_count(0)
    await expect(page.locator("[data-channel=DU2]")).to_be_visible()
    await expect(page.get_by_text("Only visible to you")).to_have_count(0)
    await page.reload()
    await expect(page.get_by_test_id("person-switcher")).to_contain_text("Kofi Mensah")


async def test_what_happens_elsewhere_appears_by_itself(
    browser: Browser, server: PageServer, company: FakeCompany
) -> None:
    page = await at(browser, server)
    await composer(page).fill("half a thought")
    company.messages["C1"].append(message(NOW + 60, "U2", "*Good* morning"))
    company.places["U1"][1] = conversation("C2", "finance", is_private=True, unread=4)
    company.changed("C1")
    await expect(page.locator(f'[data-ts="{NOW + 60:.6f}"] strong')).to_have_text("Good")
    await expect(page.get_by_role("button", name="finance, 4 unread")).to_be_visible()
    await expect(composer(page)).to_have_value("half a thought")


async def test_commands_are_offered_and_sent_apart_from_messages(
    browser: Browser, server: PageServer, company: FakeCompany
) -> None:
    page = await at(browser, server)
    await page.get_by_role("button", name="Type it for me").click()
    await expect(composer(page)).to_have_value("/bill generate 2017-03")
    await composer(page).fill("/us")
    await expect(page.get_by_role("option", name="/usage")).to_contain_text("See and record")
    await composer(page).press("Enter")
    await composer(page).press_sequentially("Acme 6m")
    await composer(page).press("Enter")
    await expect(composer(page)).to_have_value("")
    await composer(page).fill("Hello @Kofi Mensah, 1 < 2")
    await composer(page).press("Enter")
    await expect(composer(page)).to_have_value("")
    assert company.sent("/_control/command") == [
        {"user": "U1", "channel": "C1", "command": "/usage", "text": "Acme 6m"}
    ]
    [sent] = company.sent("/_control/message")
    assert sent["text"] == "Hello <@U2>, 1 < 2"


async def test_a_command_without_an_answer_says_so(
    browser: Browser, server: PageServer, company: FakeCompany
) -> None:
    company.answers["/_control/command"] = {"ok": False, "error": "operation_timeout"}
    page = await at(browser, server)
    await composer(page).fill("/bill list")
    await composer(page).press("Enter")
    await expect(page.get_by_text("Countersign did not respond")).to_be_visible()


async def test_replies_go_to_the_thread_and_own_messages_can_be_changed(
    browser: Browser, server: PageServer, company: FakeCompany
) -> None:
    page = await at(browser, server)
    root = company.messages["C1"][0]["ts"]
    await page.get_by_role("button", name="2 replies").click()
    thread = page.get_by_test_id("thread")
    await expect(thread.get_by_text("Reply 1")).to_be_visible()
    await page.get_by_test_id("thread-composer").fill("I do")
    await page.get_by_test_id("thread-composer").press("Enter")
    mine = page.locator(f'main [data-ts="{root}"]')
    await mine.hover()
    await mine.get_by_role("button", name="Edit message").click()
    await mine.get_by_label("Edit message").fill("Never mind")
    await mine.get_by_label("Edit message").press("Enter")
    await mine.hover()
    await mine.get_by_role("button", name="Delete message").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert company.sent("/_control/message")[0]["thread_ts"] == root
    assert company.sent("/_control/edit")[0]["text"] == "Never mind"
    assert company.sent("/_control/delete")[0]["ts"] == root


async def test_home_is_opened_and_its_clicks_name_the_view(
    browser: Browser, server: PageServer, company: FakeCompany
) -> None:
    page = await at(browser, server)
    await page.get_by_test_id("app-home").click()
    await page.get_by_label("One").check()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert company.sent("/_control/open-home")[0] == {"user": "U1"}
    [sent] = company.sent("/_control/interact")
    assert sent["view_id"] == "V9"
    assert [one["value"] for one in sent["action"]["selected_options"]] == ["one"]


@pytest.mark.parametrize("place", ["U1/C1", "U1/home", "U1/mail", "U3/DU3"])
async def test_a_phone_never_scrolls_sideways(
    browser: Browser, server: PageServer, place: str
) -> None:
    page = await at(browser, server, place, viewport=PHONE)
    wide = "[...document.querySelectorAll('html, .scroller, .sidebar')].map("
    wide += "node => node.scrollWidth - node.clientWidth)"
    assert max(await page.evaluate(wide)) <= 0
    if place.endswith(("C1", "DU3")):
        await page.get_by_role("button", name="Back to channels").click()
        await expect(page.locator("[data-channel=C1]")).to_be_visible()
        assert max(await page.evaluate(wide)) <= 0
