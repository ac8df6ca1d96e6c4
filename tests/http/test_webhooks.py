"""Webhooks through the JSON API: added, changed, tested, deleted, and what became of deliveries."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from models.db.database import Database
from models.settings import BillingSettings
from models.webhooks.delivery import AttemptOutcome, record_outcomes
from models.webhooks.events import Event
from tests.harness.books import make_bills
from tests.harness.browser_side import BrowserSide, Visitor, browser_side
from tests.harness.cast import People
from tests.harness.slack_people import NOW

HERE = "https://hooks.example/countersign"
OWN = BillingSettings("CAPPROVALS", webhook_hosts=frozenset({"hooks.internal"}))


@pytest.fixture
async def ana(served: BrowserSide, people: People) -> Visitor:
    return await served.signed_in(people.ana)


@pytest.fixture
async def with_own_hosts(db: Database) -> AsyncIterator[BrowserSide]:
    async with browser_side(db, billing=OWN) as side:
        yield side


async def added(
    visitor: Visitor, events: Sequence[str] = ("bill.sent",), address: str = HERE
) -> Any:
    answer = await visitor.post("/api/webhooks", json={"address": address, "events": events})
    assert answer.status == 201, answer.text
    return answer.json


async def test_a_webhook_is_added_and_its_secret_is_told_once(ana: Visitor) -> None:
    made = await added(ana, ["bill.sent", "bill.approved"])
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert (made["events"], made["state"]) == (["bill.approved", "bill.sent"], "active")
    listed = await ana.get("/api/webhooks")
    shown = await ana.get(f"/api/webhooks/{made['id']}")
    assert (listed.json["webhooks"], shown.json) == ([made], made)
    again = await ana.post(f"/api/webhooks/{made['id']}/secret")
    assert again.status == 201
    assert again.json["secret"] != secret
    for path in ("", f"/{made['id']}", f"/{made['id']}/deliveries"):
        assert "whsec_" not in (await ana.get(f"/api/webhooks{path}")).text


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://hooks.example/", "Webhooks go to addresses that begin with https://."),
        ("https://10.0.0.8/", "not public"),
        ("https://localhost/", "not public"),
        ("https://127.1/", "not public"),
        ("https://ana:secret@hooks.example/", "Leave user and password out of the address."),
    ],
)
async def test_an_address_that_may_not_be_sent_to_is_refused(
    address: str, told: str, ana: Visitor
) -> None:
    made = await added(ana)
    body = {"address": address, "events": ["bill.sent"]}
    for refused in (
        await ana.post("/api/webhooks", json=body),
        await ana.patch(f"/api/webhooks/{made['id']}", json={"address": address}),
    ):
        assert (refused.status, refused.json["field"]) == (422, "address")
        assert told in refused.json["detail"]
        assert "secret" not in refused.text


async def test_hosts_on_own_networks_are_named_by_the_settings(
    with_own_hosts: BrowserSide, people: People
) -> None:
    ana = await with_own_hosts.signed_in(people.ana)
    made = await added(ana, address="http://hooks.internal:8080/in")
    assert made["address"] == "http://hooks.internal:8080/in"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"address": HERE, "events": []}, "events"),
        ({"address": HERE, "events": ["bill.eaten"]}, "events.0"),
        ({"address": HERE}, "events"),
        ({"address": "example.com", "events": ["bill.sent"]}, "address"),
        ({"address": HERE, "events": ["bill.sent"], "secret": "whsec_AAAA"}, "secret"),
    ],
)
async def test_what_cannot_be_read_names_its_field(body: Any, field: str, ana: Visitor) -> None:
    refused = await ana.post("/api/webhooks", json=body)
    assert (refused.status, refused.json["field"]) == (422, field)


async def test_a_webhook_is_changed_paused_resumed_and_deleted(ana: Visitor) -> None:
    made = await added(ana)
    path = f"/api/webhooks/{made['id']}"
    changed = await ana.patch(path, json={"events": list(Event), "paused": True})
    assert (changed.json["state"], len(changed.json["events"])) == ("paused", len(Event))
    assert (await ana.post(f"{path}/test")).status == 409
    assert (await ana.patch(path, json={"paused": False})).json["state"] == "active"
    assert (await ana.post(f"{path}/test")).status == 202
    assert (await ana.delete(path)).status == 204
    assert (await ana.get(path)).status == 404
    assert (await ana.get("/api/webhooks")).json == {"webhooks": []}


async def test_a_delivery_tells_what_was_sent_and_what_came_of_it(
    ana: Visitor, people: People, db: Database
) -> None:
    webhook = await added(ana, ["bill.generated"])
    (bill_id,) = await make_bills(db, people.ana)
    path = f"/api/webhooks/{webhook['id']}"
    [promised] = (await ana.get(f"{path}/deliveries")).json["deliveries"]
    assert (promised["status"], promised["event"]) == ("waiting", "bill.generated")
    async with db.transaction() as session:
        gave_up = NOW + timedelta(days=1)
        outcomes = [
            AttemptOutcome(promised["id"], NOW, 15_000, failure="There was no answer in time."),
            AttemptOutcome(promised["id"], gave_up, 12, 503, "Closed"),
        ]
        for one in outcomes:
            await record_outcomes(session, webhook["id"], [one], one.at, 10)
    whole = (await ana.get(f"{path}/deliveries/{promised['id']}")).json
    assert (whole["status"], whole["next_attempt_at"], whole["attempts"]) == ("failed", None, 2)
    assert [one["failure"] for one in whole["tried"]] == ["There was no answer in time.", None]
    assert (whole["tried"][1]["response_status"], whole["tried"][1]["response"]) == (503, "Closed")
    assert whole["payload"]["data"]["bill"]["id"] == bill_id
    failed = (await ana.get(f"{path}/deliveries", params={"status": "failed"})).json
    assert len(failed["deliveries"]) == 1
    for said in ("yesterday", "2026-10-01T09:00:00"):
        refused = await ana.post(f"{path}/send-again", json={"since": said})
        assert "as in 2026-10-01T09:00:00Z" in refused.json["detail"]
    again = await ana.post(f"{path}/send-again", json={"since": NOW.isoformat()})
    assert (again.status, again.json) == (202, {"count": 1})
    once_more = await ana.post(f"{path}/deliveries/{promised['id']}/send-again")
    assert (once_more.status, once_more.json["status"]) == (202, "waiting")


async def test_the_bill_of_an_event_is_the_bill_of_the_api(
    ana: Visitor, people: People, db: Database
) -> None:
    webhook = await added(ana, ["bill.generated"])
    (bill_id,) = await make_bills(db, people.ana)
    path = f"/api/webhooks/{webhook['id']}/deliveries"
    [promised] = (await ana.get(path)).json["deliveries"]
    payload = (await ana.get(f"{path}/{promised['id']}")).json["payload"]
    shown = (await ana.get(f"/api/bills/{bill_id}")).json
    told = payload["data"]["bill"]
    assert told == {name: shown[name] for name in told}
    own = {"customer", "created_at", "updated_at", "origin", "days", "needed", "allowed", "actions"}
    assert shown.keys() - told.keys() == own
    action = payload["data"]["action"]
    assert action == {name: shown["actions"][0][name] for name in action}


async def test_a_delivery_is_found_under_its_own_webhook_alone(ana: Visitor) -> None:
    one, other = await added(ana), await added(ana)
    sent = (await ana.post(f"/api/webhooks/{one['id']}/test")).json
    path = f"/api/webhooks/{other['id']}/deliveries/{sent['id']}"
    assert (await ana.get(path)).status == 404
    assert (await ana.post(f"{path}/send-again")).status == 404


async def test_deliveries_come_page_by_page(ana: Visitor) -> None:
    webhook = await added(ana)
    path = f"/api/webhooks/{webhook['id']}"
    sent = [(await ana.post(f"{path}/test")).json["id"] for _ in range(3)]
    first = (await ana.get(f"{path}/deliveries", params={"limit": 2})).json
    rest = {"limit": 2, "cursor": first["next_cursor"]}
    second = (await ana.get(f"{path}/deliveries", params=rest)).json
    seen = [one["id"] for page in (first, second) for one in page["deliveries"]]
    assert (seen, second["next_cursor"]) == (sent[::-1], None)
