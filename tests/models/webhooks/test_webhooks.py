"""Which event an action is, who may keep webhooks, where they may go, and what is promised them."""

import json
from ipaddress import ip_address
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill
from models.actions.undo import undo_decision
from models.bills.states import Verb
from models.db.database import Database
from models.errors import Invalid, NotAllowed, NotFound, WrongState
from models.webhooks.addresses import NotPublic, is_public, read_address, refuse_private
from models.webhooks.delivery import AttemptOutcome, prune_webhooks, record_outcomes
from models.webhooks.events import Event
from models.webhooks.keeping import (
    MOST_SECRETS,
    MOST_WEBHOOKS,
    add_webhook,
    change_webhook,
    delete_webhook,
    rotate_secret,
    send_again,
    send_failed_again,
    send_test,
)
from models.webhooks.reading import list_deliveries, list_webhooks, load_delivery
from models.webhooks.webhooks import DeliveryStatus, WebhookState
from tests.harness.books import make_bills, work_on
from tests.harness.cast import People
from tests.harness.scene import NOW, act, bill_for

HERE = "https://hooks.example.com/countersign"
ALL = tuple(Event)


async def _event(session: AsyncSession, verb: str, moves: bool) -> str | None:
    query = sa.text("select bill_event(:verb, :moves)")
    return await session.scalar(query, {"verb": verb, "moves": moves})


async def test_every_verb_is_an_event_and_every_event_a_verb(session: AsyncSession) -> None:
    named = {await _event(session, verb, moves) for verb in Verb for moves in (True, False)}
    assert named == set(Event)


async def test_an_approval_that_does_not_suffice_is_an_event_of_its_own(
    session: AsyncSession, people: People
) -> None:
    webhook, _ = await add_webhook(session, act(people.ana), HERE, ALL)
    bill = await bill_for(
        session, act(people.ana), require_csm_approval=True, require_sales_approval=True
    )
    first = await approve_bill(session, bill.id, 1, act(people.kim))
    await undo_decision(session, bill.id, 1, act(people.kim), "Too early", first.id)
    await approve_bill(session, bill.id, 1, act(people.kim))
    await approve_bill(session, bill.id, 1, act(people.sam))
    page = await list_deliveries(session, webhook.id)
    assert [one.event for one in reversed(page.deliveries)] == [
        *("bill.generated", "bill.partly_approved", "bill.undone", "bill.partly_approved"),
        "bill.approved",
    ]


async def test_a_webhook_hears_of_what_it_asked_for_alone(
    session: AsyncSession, people: People
) -> None:
    one, _ = await add_webhook(session, act(people.ana), HERE, [Event.APPROVED])
    other, _ = await add_webhook(session, act(people.ana), HERE, [Event.REJECTED])
    bill = await bill_for(session, act(people.ana))
    await approve_bill(session, bill.id, 1, act(people.kim))
    assert [d.event for d in (await list_deliveries(session, one.id)).deliveries] == [
        "bill.approved"
    ]
    assert (await list_deliveries(session, other.id)).deliveries == []


async def test_what_is_rolled_back_was_never_promised(db: Database, people: People) -> None:
    async with db.transaction() as session:
        webhook, _ = await add_webhook(session, act(people.ana), HERE, ALL)
    (bill_id,) = await make_bills(db, people.ana)

    class Oops(Exception):
        pass

    with pytest.raises(Oops):
        async with db.transaction() as session:
            await approve_bill(session, bill_id, 1, act(people.kim))
            raise Oops
    async with db.transaction() as session:
        page = await list_deliveries(session, webhook.id)
    assert [one.event for one in page.deliveries] == ["bill.generated"]


async def test_what_an_event_says_does_not_change_with_its_bill(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        webhook, _ = await add_webhook(session, act(people.ana), HERE, ALL)
    (bill_id,) = await make_bills(db, people.ana)

    async def body() -> str:
        async with db.transaction() as session:
            (first,) = (await list_deliveries(session, webhook.id, before=2)).deliveries
            return (await load_delivery(session, webhook.id, first.id)).payload

    before = await body()
    await work_on(db, people, bill_id)
    assert await body() == before
    figures = json.loads(before)["data"]["bill"]
    assert (figures["period"], figures["overage_unit_cost"]) == ("2026-10", "0.2")


async def test_a_month_is_promised_at_once_with_one_job(db: Database, people: People) -> None:
    async with db.transaction() as session:
        await add_webhook(session, act(people.ana), HERE, ALL)
    await make_bills(db, people.ana, 100)
    async with db.transaction() as session:
        assert await session.scalar(sa.text("select count(*) from webhook_deliveries")) == 100
        jobs = "select count(*) from procrastinate_jobs where queue_name = 'webhooks'"
        assert await session.scalar(sa.text(jobs)) == 1


async def test_without_a_webhook_nothing_is_written(db: Database, people: People) -> None:
    await make_bills(db, people.ana, 3)
    async with db.transaction() as session:
        assert await session.scalar(sa.text("select count(*) from webhook_deliveries")) == 0


VERBS: dict[str, Any] = {
    "add": lambda session, context, _: add_webhook(session, context, HERE, ALL),
    "change": lambda session, context, one: change_webhook(session, context, one, paused=True),
    "delete": delete_webhook,
    "rotate": rotate_secret,
    "test": send_test,
    "again": lambda session, context, one: send_again(session, context, one, 1),
    "again since": lambda session, context, one: send_failed_again(session, context, one, NOW),
}


@pytest.mark.parametrize("verb", VERBS)
async def test_webhooks_are_finances_alone(
    verb: str, session: AsyncSession, people: People
) -> None:
    for user in (people.kim, people.sam, people.max, people.system):
        with pytest.raises(NotAllowed):
            await VERBS[verb](session, act(user), 1)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "add"])
async def test_of_a_deleted_webhook_nothing_is_left_to_do(
    verb: str, session: AsyncSession, people: People
) -> None:
    webhook, _ = await add_webhook(session, act(people.ana), HERE, ALL)
    await delete_webhook(session, act(people.ana), webhook.id)
    assert list(await list_webhooks(session)) == []
    for webhook_id in (webhook.id, 999):
        with pytest.raises(NotFound):
            await VERBS[verb](session, act(people.ana), webhook_id)


async def test_what_is_deleted_while_it_is_sent_is_not_written_down(
    session: AsyncSession, people: People
) -> None:
    webhook, _ = await add_webhook(session, act(people.ana), HERE, ALL)
    sent = await send_test(session, act(people.ana), webhook.id)
    await delete_webhook(session, act(people.ana), webhook.id)
    taken = [AttemptOutcome(sent.id, NOW, 5, 200)]
    for _ in range(3):
        await record_outcomes(session, webhook.id, taken, NOW, 10)
        session.expunge_all()
        await prune_webhooks(session, NOW, 10)
    assert await session.scalar(sa.text("select count(*) from webhooks")) == 0


async def test_there_are_so_many_webhooks_and_no_more(
    session: AsyncSession, people: People
) -> None:
    for _ in range(MOST_WEBHOOKS):
        webhook, _ = await add_webhook(session, act(people.ana), HERE, ALL)
    with pytest.raises(WrongState):
        await add_webhook(session, act(people.ana), HERE, ALL)
    await delete_webhook(session, act(people.ana), webhook.id)
    await add_webhook(session, act(people.ana), HERE, ALL)


async def test_a_secret_is_changed_only_so_often(session: AsyncSession, people: People) -> None:
    webhook, first = await add_webhook(session, act(people.ana), HERE, ALL)
    given = {first}
    for _ in range(MOST_SECRETS - 1):
        given.add(await rotate_secret(session, act(people.ana), webhook.id))
    assert len(given) == MOST_SECRETS
    with pytest.raises(WrongState):
        await rotate_secret(session, act(people.ana), webhook.id)


@pytest.mark.parametrize("events", [(), ("bill.eaten",), ("webhook.test",)])
async def test_events_are_those_there_are(
    events: tuple[str, ...], session: AsyncSession, people: People
) -> None:
    with pytest.raises(Invalid) as refused:
        await add_webhook(session, act(people.ana), HERE, events)
    assert refused.value.field == "events"


async def test_nothing_is_sent_to_one_that_is_paused(session: AsyncSession, people: People) -> None:
    webhook, _ = await add_webhook(session, act(people.ana), HERE, ALL)
    sent = await send_test(session, act(people.ana), webhook.id)
    await change_webhook(session, act(people.ana), webhook.id, paused=True)
    assert webhook.state == WebhookState.PAUSED
    for again in (
        send_test(session, act(people.ana), webhook.id),
        send_again(session, act(people.ana), webhook.id, sent.id),
        send_failed_again(session, act(people.ana), webhook.id, NOW),
    ):
        with pytest.raises(WrongState):
            await again


async def test_deliveries_come_page_by_page(session: AsyncSession, people: People) -> None:
    webhook, _ = await add_webhook(session, act(people.ana), HERE, ALL)
    sent = [(await send_test(session, act(people.ana), webhook.id)).id for _ in range(5)]
    seen: list[int] = []
    before = None
    while True:
        page = await list_deliveries(
            session, webhook.id, DeliveryStatus.WAITING, before=before, most=2
        )
        seen += [one.id for one in page.deliveries]
        before = page.more
        if before is None:
            break
    assert seen == sent[::-1]


GOOD = [
    *("https://example.com", "https://example.com/a/b?token=1", "https://example.com:8443/"),
    *("https://8.8.8.8/hook", "https://[2606:4700:4700::1111]/", "https://bücher.example/hook"),
]
BAD = [
    *("", "example.com", "ftp://example.com", "http://example.com", "https://", "https:///hook"),
    *("https://user:secret@example.com/", "https://user@example.com/", "https://example.com/#x"),
    *(
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://[::1",
    ),
    *("https://example.com\\@10.0.0.1/", "javascript:alert(1)", "https://" + "a" * 2_000 + ".com"),
]
PRIVATE = [
    *("https://localhost/", "https://intranet/", "https://printer.local/", "https://a.localhost/"),
    *("https://127.0.0.1/", "https://10.1.2.3/", "https://192.168.0.1/", "https://172.16.0.1/"),
    *("https://169.254.169.254/latest/meta-data", "https://100.64.0.1/", "https://0.0.0.0/"),
    *("https://[::1]/", "https://[::]/", "https://[fe80::1]/", "https://[fd00:ec2::254]/"),
    *("https://[::ffff:127.0.0.1]/", "https://[::ffff:a00:1]/", "https://[64:ff9b::7f00:1]/"),
    *("https://[2002:7f00:1::]/", "https://224.0.0.1/", "https://255.255.255.255/"),
    *("https://[ff02::1]/", "https://[::127.0.0.1]/", "https://2130706433/", "https://[fec0::1]/"),
]


@pytest.mark.parametrize("address", GOOD)
def test_public_addresses_are_taken(address: str) -> None:
    assert read_address(f" {address} ", ()) == address


@pytest.mark.parametrize("address", BAD)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_address(address, ())
    assert refused.value.field == "address"
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused(address: str) -> None:
    with pytest.raises(NotPublic):
        read_address(address, ())


@pytest.mark.parametrize("address", ["http://hooks.internal:8080/x", "http://10.0.0.8/"])
def test_hosts_of_the_settings_may_be_private_and_do_without_https(address: str) -> None:
    allowed = {"hooks.internal", "10.0.0.8"}
    assert read_address(address, allowed) == address
    refuse_private("hooks.internal", [ip_address("10.0.0.7")], allowed)
    with pytest.raises(Invalid):
        read_address("http://10.0.0.9/", allowed)


def test_of_several_addresses_all_have_to_be_public() -> None:
    found = [ip_address("8.8.8.8"), ip_address("10.0.0.1")]
    with pytest.raises(NotPublic):
        refuse_private("example.com", found, ())
    assert [is_public(one) for one in found] == [True, False]
