"""Webhooks on the web: Finance adds one, tests it, looks at what came of it, and sends again."""

import re
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from playwright.async_api import Browser, Page, expect

from handlers.wording.webhook_text import DELIVERY_WORDS, EVENT_WORDS, OFF_CAUSES
from models.db.database import Database
from models.settings import BillingSettings
from models.webhooks.delivery import AttemptOutcome, record_outcomes
from models.webhooks.events import Event
from models.webhooks.keeping import add_webhook, change_webhook, send_test
from models.webhooks.webhooks import DeliveryStatus, OffCause, Webhook
from tests.harness.books import make_bills
from tests.harness.browser_side import BrowserSide, Visitor, browser_side
from tests.harness.cast import People
from tests.harness.receiver import Receiver, receiver
from tests.harness.scene import act
from tests.harness.slack_people import NOW
from tests.web.every_page import Inspection

HERE = "https://hooks.example/countersign"
OWN = BillingSettings("CAPPROVALS", webhook_hosts=frozenset({"127.0.0.1"}))


@pytest.fixture
async def ana(served: BrowserSide, people: People) -> Visitor:
    return await served.signed_in(people.ana)


async def _added(ana: Visitor, **fields: str) -> str:
    """The path of the new webhook."""
    typed = {"address": HERE, "bill.sent": "yes"} | fields
    made = await ana.post("/webhooks/new", data=typed)
    assert made.status == 200, made.text
    return re.findall(r'href="(/webhooks/\d+)"', made.text)[0]


def test_there_are_words_for_everything() -> None:
    assert set(EVENT_WORDS) == set(Event)
    assert set(DELIVERY_WORDS) == set(DeliveryStatus)
    assert set(OFF_CAUSES) == set(OffCause)


async def test_finance_adds_a_webhook_and_sees_its_secret_once(ana: Visitor) -> None:
    assert "No webhooks yet" in (await ana.get("/webhooks")).text
    made = await ana.post("/webhooks/new", data={"address": HERE, "bill.sent": "yes"})
    assert re.search(r'value="whsec_[^"]{40,}"', made.text)
    path = re.findall(r'href="(/webhooks/\d+)"', made.text)[0]
    for place in ("/webhooks", path, f"{path}/edit"):
        shown = await ana.get(place)
        assert (shown.status, HERE in shown.text, "whsec_" in shown.text) == (200, True, False)
    other = await ana.post(f"{path}/secret")
    assert re.search(r'value="whsec_[^"]{40,}"', other.text)
    assert "the former secret signs as well" in other.text


async def test_a_list_of_deliveries_that_is_none_is_told_on_the_page(ana: Visitor) -> None:
    path = await _added(ana)
    refused = await ana.get(f"{path}?status=sent")
    told = "There is no list sent. There are: waiting, delivered, failed."
    assert (refused.status, told in refused.text) == (422, True)
    assert (await ana.get(f"{path}?status=failed")).status == 200


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"address": "http://hooks.example/"}, "begin with https://"),
        ({"address": "https://10.0.0.8/"}, "not public"),
        ({"bill.sent": ""}, "Choose at least one event."),
    ],
)
async def test_what_is_refused_is_shown_again_with_the_reason(
    typed: dict[str, str], told: str, ana: Visitor
) -> None:
    given = {"address": HERE, "bill.sent": "yes", "bill.voided": "yes"} | typed
    if not given["bill.sent"]:
        given = {"address": given["address"]}
    refused = await ana.post("/webhooks/new", data=given)
    assert (refused.status, told in refused.text) == (422, True)
    assert f'value="{given["address"]}"' in refused.text
    ticked = len(re.findall(r'type="checkbox"[^>]* checked', refused.text))
    assert ticked == len(given) - 1


async def test_a_wrong_address_and_no_event_are_told_together(ana: Visitor) -> None:
    refused = await ana.post("/webhooks/new", data={"address": "http://hooks.example/"})
    assert refused.status == 422
    assert "begin with https://" in refused.text and "Choose at least one event." in refused.text


async def test_a_webhook_is_edited_paused_resumed_and_deleted(ana: Visitor) -> None:
    path = await _added(ana)
    typed = {"address": f"{HERE}/two", "bill.voided": "yes"}
    assert (await ana.post(f"{path}/edit", data=typed)).status == 303
    shown = await ana.get(path)
    assert (f"{HERE}/two" in shown.text, "bill.voided" in shown.text) == (True, True)
    await ana.post(f"{path}/pause")
    paused = (await ana.get(path)).text
    assert ("Paused" in paused, "Send a test" in paused) == (True, False)
    refused = await ana.post(f"{path}/test")
    assert (refused.status, "Resume it first" in refused.text) == (409, True)
    await ana.post(f"{path}/resume")
    assert "Send a test" in (await ana.get(path)).text
    assert "Delete this webhook?" in (await ana.get(f"{path}/delete")).text
    assert (await ana.post(f"{path}/delete")).headers["Location"] == "/webhooks"
    assert (await ana.get(path)).status == 404


async def test_a_delivery_shows_its_payload_and_each_attempt(
    ana: Visitor, db: Database, people: People
) -> None:
    path = await _added(ana, **{"bill.generated": "yes"})
    (bill_id,) = await make_bills(db, people.ana)
    delivery = re.findall(rf'href="({path}/deliveries/(\d+))"', (await ana.get(path)).text)[0]
    async with db.transaction() as session:
        wrong = AttemptOutcome(int(delivery[1]), NOW, 12, 500, "<script>alert(1)</script>")
        await record_outcomes(session, int(path.rpartition("/")[2]), [wrong], NOW, 10)
    shown = (await ana.get(delivery[0])).text
    assert "It answered 500." in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert f"&#34;id&#34;: {bill_id}" in shown
    again = await ana.post(f"{delivery[0]}/send-again")
    assert again.headers["Location"] == delivery[0]
    since = await ana.post(f"{path}/send-again", data={"since": "2026-11-01"})
    assert since.headers["Location"] == path
    odd = await ana.post(f"{path}/send-again", data={"since": "yesterday"})
    assert (odd.status, "Write a day as in 2026-11-03." in odd.text) == (422, True)
    failed = await ana.get(f"{path}?status=failed")
    assert "No such deliveries" in failed.text


# -- in a browser --------------------------------------------------------------------------


@pytest.fixture
async def told() -> AsyncIterator[Receiver]:
    async with receiver() as here:
        yield here


@pytest.mark.browser
async def test_in_a_browser_the_whole_way_by_keyboard(
    browser: Browser, db: Database, people: People, told: Receiver
) -> None:
    async with browser_side(db, billing=OWN) as served:
        page = await _signed_in(browser, served, people)
        await page.goto(f"{served.base}/webhooks")
        await page.get_by_role("link", name="New webhook").first.press("Enter")
        await page.get_by_label("Address").fill(told.address)
        every = page.get_by_role("button", name="Tick all or none")
        await every.press("Enter")
        await expect(page.locator("input:checked")).to_have_count(len(Event))
        await every.press("Enter")
        await page.get_by_label("bill.sent", exact=True).press("Space")
        await expect(page.locator("input:checked")).to_have_count(1)
        await page.get_by_role("button", name="Add webhook").press("Enter")
        secret = await page.get_by_label("Secret").input_value()
        assert secret.startswith("whsec_")
        await page.get_by_role("link", name="I have copied it").press("Enter")
        await page.get_by_role("button", name="Send a test").press("Enter")
        await page.get_by_role("heading", name="webhook.test").wait_for()
        await page.go_back()
        await page.get_by_role("button", name="Pause").focus()
        async with db.transaction() as session:
            webhook = (await session.scalars(sa.select(Webhook.id))).one()
            await send_test(session, act(people.ana), webhook)
        await expect(page.get_by_role("link", name="webhook.test")).to_have_count(2)
        await expect(page.get_by_role("button", name="Pause")).to_be_focused()
        await page.get_by_role("link", name="Delete").press("Enter")
        await page.get_by_role("dialog").get_by_role("button", name="Delete webhook").press("Enter")
        await page.get_by_text("The webhook is deleted.").wait_for()


@pytest.mark.browser
async def test_pages_of_webhooks_are_accessible_also_with_much_to_tell(
    browser: Browser, db: Database, people: People
) -> None:
    paths = await _samples(db, people)
    async with browser_side(db) as served:
        page = await _signed_in(browser, served, people)
        inspection = await Inspection.begin(page)
        for name, path in paths.items():
            await page.goto(served.base + path)
            if name == "secret":
                await page.get_by_role("button", name="Make a new secret").click()
            assert await inspection.look(name) == [], path


async def _samples(db: Database, people: People) -> dict[str, str]:
    """What a page shows that has none of it among the examples of every page."""
    async with db.transaction() as session:
        ana = act(people.ana)
        webhook, _ = await add_webhook(session, ana, f"{HERE}?key={'x' * 80}", [*Event])
        paused, _ = await add_webhook(session, ana, HERE, [Event.SENT, Event.VOIDED])
        await change_webhook(session, ana, paused.id, paused=True)
        sent = await send_test(session, ana, webhook.id)
        answers = [
            AttemptOutcome(sent.id, NOW, 12, 503, "Down for maintenance " * 20),
            AttemptOutcome(sent.id, NOW, 15_000, failure="There was no answer in time."),
        ]
        for one in answers:
            await record_outcomes(session, webhook.id, [one], NOW, 10)
    await make_bills(db, people.ana, 3)
    here = f"/webhooks/{webhook.id}"
    return {
        "webhooks": "/webhooks",
        "webhook": here,
        "paused": f"/webhooks/{paused.id}",
        "delivery": f"{here}/deliveries/{sent.id}",
        "secret": here,
    }


async def _signed_in(browser: Browser, served: BrowserSide, people: People) -> Page:
    context = await browser.new_context(reduced_motion="reduce")
    token = await served.token(people.ana)
    await context.add_cookies([{"name": "session", "value": token, "url": served.base}])
    return await context.new_page()
