"""What happens to bills, told to whoever asked for it: signed, in order, until it is taken."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from signal import SIGKILL
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import WebhookVerificationError

from bot.slack.client import SlackClient
from bot.worker import send_webhooks
from bot.worker.worker import Worker
from models.actions.approve import approve_bill
from models.actions.comment import add_comment
from models.context import Context, Source
from models.db.database import Database
from models.settings import BillingSettings
from models.webhooks import keeping
from models.webhooks.delivery import GIVEN_UP_AFTER, OFF_AFTER
from models.webhooks.events import Event
from models.webhooks.webhooks import Webhook
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import no_jobs, rows, said_to
from tests.harness.books import make_bills, send_out, work_on
from tests.harness.cast import People
from tests.harness.receiver import Receiver, cut_off, hang, receiver, status
from tests.harness.running import worker_only
from tests.harness.slack_people import NOW, Clock
from tests.harness.waiting import until
from tests.soak.process import bot_process

OWN = BillingSettings("CAPPROVALS", webhook_hosts=frozenset({"127.0.0.1"}))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def told() -> AsyncIterator[Receiver]:
    async with receiver() as here:
        yield here


@dataclass
class Kept:
    """Webhooks as Ana keeps them."""

    db: Database
    people: People
    clock: Clock

    @property
    def context(self) -> Context:
        return Context(self.people.ana, self.clock(), Source.API, OWN)

    async def add(self, at: Receiver, events: Collection[str] = tuple(Event)) -> tuple[int, str]:
        async with self.db.transaction() as session:
            webhook, secret = await keeping.add_webhook(session, self.context, at.address, events)
            return webhook.id, secret

    async def do(self, verb: Any, *args: Any, **named: Any) -> Any:
        async with self.db.transaction() as session:
            return await verb(session, self.context, *args, **named)

    async def webhook(self, webhook_id: int) -> Webhook:
        async with self.db.transaction() as session:
            return await session.get_one(Webhook, webhook_id)

    async def statuses(self) -> list[str]:
        found = await rows(self.db, "select status from webhook_deliveries order by id")
        return [row.status for row in found]

    async def is_all(self, wanted: str) -> bool:
        found = await self.statuses()
        return bool(found) and set(found) == {wanted}


@pytest.fixture
def kept(db: Database, people: People, clock: Clock) -> Kept:
    return Kept(db, people, clock)


def working(
    kept: Kept, gateway: SlackClient, **timings: float
) -> AbstractAsyncContextManager[Worker]:
    changed = {"sweep": 0.1, **timings}
    return worker_only(kept.db, gateway, OWN, now=kept.clock, **changed)


async def test_the_life_of_a_bill_is_told_signed_and_in_order(
    kept: Kept, told: Receiver, gateway: SlackClient, clock: Clock
) -> None:
    _, secret = await kept.add(told)
    (bill_id,) = await make_bills(kept.db, kept.people.ana)
    await work_on(kept.db, kept.people, bill_id)
    await send_out(kept.db, kept.people, bill_id)
    clock.travel(hours=1)
    async with working(kept, gateway):
        await until(lambda: kept.is_all("delivered"))
    assert told.events == [
        *("bill.generated", "bill.rejected", "bill.undone", "bill.approved", "bill.sending"),
        *("bill.issued", "bill.sent"),
    ]
    said = [one.verified(secret)["data"] for one in told.received]
    assert [one["bill"]["version"] for one in said] == [1, 2, 3, 4, 5, 6, 7]
    assert [one["bill"]["status"] for one in said] == [
        *("pending", "rejected", "pending", "approved", "sending", "sending", "sent")
    ]
    assert said[0]["bill"]["overage_amount"] == "100.00"
    assert (said[0]["bill"]["number"], said[-1]["bill"]["number"]) == (None, "2026-000001")
    assert said[1]["action"]["reason_code"] == "usage_wrong"
    assert said[2]["action"]["reverses_id"] == said[1]["action"]["id"]
    assert len({one.id for one in told.received}) == 7


async def test_nobody_else_can_sign(kept: Kept, told: Receiver, gateway: SlackClient) -> None:
    webhook_id, secret = await kept.add(told)
    await kept.do(keeping.send_test, webhook_id)
    async with working(kept, gateway):
        await until(lambda: told.received)
    (heard,) = told.received
    assert heard.verified(secret)["type"] == "webhook.test"
    with pytest.raises(WebhookVerificationError):
        heard.verified("whsec_c29tZWJvZHkgZWxzZQ==")


async def test_for_a_day_after_a_change_both_secrets_sign(
    kept: Kept, told: Receiver, gateway: SlackClient, clock: Clock
) -> None:
    webhook_id, former = await kept.add(told)
    latter = await kept.do(keeping.rotate_secret, webhook_id)
    async with working(kept, gateway):
        await kept.do(keeping.send_test, webhook_id)
        await until(lambda: len(told.received) == 1)
        clock.travel(days=1)
        await kept.do(keeping.send_test, webhook_id)
        await until(lambda: len(told.received) == 2)
    before, after = told.received
    assert before.verified(former) == before.verified(latter)
    assert after.verified(latter)
    with pytest.raises(WebhookVerificationError):
        after.verified(former)


async def test_what_is_refused_is_sent_again_as_the_same_message(
    kept: Kept, told: Receiver, gateway: SlackClient, clock: Clock
) -> None:
    webhook_id, secret = await kept.add(told)
    told.answers = [status(500, "Not now")]
    await kept.do(keeping.send_test, webhook_id)
    async with working(kept, gateway):
        await until(lambda: _attempted(kept, 1))
        assert len(told.received) == 1
        clock.travel(seconds=10)
        await until(lambda: kept.is_all("delivered"))
    first, second = told.received
    assert (first.id, first.body) == (second.id, second.body)
    assert second.verified(secret)
    tried = await rows(kept.db, "select * from webhook_attempts order by id")
    assert [(one.response_status, one.response) for one in tried] == [
        (500, "Not now"),
        (200, "Thank you"),
    ]


async def _attempted(kept: Kept, times: int) -> bool:
    found = await rows(kept.db, "select count(*) as tried from webhook_attempts")
    return bool(found[0].tried == times)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (hang, send_webhooks.NO_ANSWER),
        (cut_off, send_webhooks.CUT_OFF),
        (status(302, Location="http://127.0.0.1:1/"), send_webhooks.REDIRECTED),
        (status(404), None),
    ],
)
async def test_whatever_is_no_yes_is_kept_and_tried_again(
    answer: Any, failure: str | None, kept: Kept, told: Receiver, gateway: SlackClient
) -> None:
    webhook_id, _ = await kept.add(told)
    told.answers = [answer]
    await kept.do(keeping.send_test, webhook_id)
    async with working(kept, gateway, webhook=1.0):
        await until(lambda: _attempted(kept, 1))
        (tried,) = await rows(kept.db, "select * from webhook_attempts")
        assert tried.failure == failure
        assert await kept.statuses() == ["waiting"]
        kept.clock.travel(seconds=10)
        await until(lambda: kept.is_all("delivered"))
    assert len(told.received) == 2


async def test_of_an_answer_only_the_beginning_is_read(
    kept: Kept, told: Receiver, gateway: SlackClient
) -> None:
    webhook_id, _ = await kept.add(told)
    told.answers = [status(200, "no\0 " * 2_000_000)]
    await kept.do(keeping.send_test, webhook_id)
    async with working(kept, gateway):
        await until(lambda: kept.is_all("delivered"))
    (tried,) = await rows(kept.db, "select * from webhook_attempts")
    assert len(tried.response) == send_webhooks.KEPT_CHARS


async def test_pauses_grow_for_a_day_and_then_it_is_given_up(
    kept: Kept, told: Receiver, gateway: SlackClient, clock: Clock
) -> None:
    webhook_id, _ = await kept.add(told)
    told.always = status(503)
    await kept.do(keeping.send_test, webhook_id)
    pauses = []
    async with working(kept, gateway):
        while True:
            count = len(pauses) + 1
            await until(lambda count=count: _attempted(kept, count))  # type: ignore[misc]
            (one,) = await rows(kept.db, "select status, next_attempt_at from webhook_deliveries")
            if one.status == "failed":
                break
            pauses.append((one.next_attempt_at - clock()).total_seconds())
            clock.now = one.next_attempt_at
        assert clock() - NOW == GIVEN_UP_AFTER
        assert pauses[:-1] == sorted(pauses[:-1])
        assert 10 <= len(pauses) <= 25
        told.always = None
        delivery_id = (await rows(kept.db, "select id from webhook_deliveries"))[0].id
        await kept.do(keeping.send_again, webhook_id, delivery_id)
        await until(lambda: kept.is_all("delivered"))


async def test_of_one_bill_nothing_overtakes_and_other_bills_do_not_wait(
    kept: Kept, told: Receiver, gateway: SlackClient, clock: Clock
) -> None:
    await kept.add(told)
    first, second = await make_bills(kept.db, kept.people.ana, 2)
    told.answers = [status(500), status(200)]
    async with working(kept, gateway):
        await until(lambda: _attempted(kept, 2))
        late = (await rows(kept.db, _STILL))[0].bill_id
        quick = {first, second}.difference({late}).pop()
        for bill_id in (first, second):
            async with kept.db.transaction() as session:
                await approve_bill(
                    session, bill_id, 1, Context(kept.people.kim, clock(), Source.SLACK)
                )
        await until(lambda: _attempted(kept, 3))
        assert _heard(told, quick) == ["bill.generated", "bill.approved"]
        clock.travel(seconds=10)
        await until(lambda: kept.is_all("delivered"))
    assert _heard(told, late) == ["bill.generated", "bill.generated", "bill.approved"]


_STILL = "select bill_id from webhook_deliveries where status = 'waiting'"


def _heard(told: Receiver, bill_id: int) -> list[str]:
    said = [one.json for one in told.received]
    return [one["type"] for one in said if one["data"]["bill"]["id"] == bill_id]


async def test_a_slow_receiver_holds_up_no_other(
    kept: Kept, told: Receiver, gateway: SlackClient
) -> None:
    async with receiver() as slow:
        slow.always = hang
        await kept.add(slow)
        await kept.add(told)
        await make_bills(kept.db, kept.people.ana, 3)
        async with working(kept, gateway, webhook=30.0):
            await until(lambda: len(slow.received) == 3)
            await until(lambda: len(told.received) == 3)


async def test_a_receiver_that_takes_nothing_of_a_crowd_is_left_alone_for_a_while(
    kept: Kept, told: Receiver, gateway: SlackClient, clock: Clock
) -> None:
    await kept.add(told)
    told.always = status(500)
    await make_bills(kept.db, kept.people.ana, 3 * send_webhooks.AT_ONCE)
    async with working(kept, gateway):
        await until(lambda: _attempted(kept, send_webhooks.AT_ONCE))
        await until(lambda: no_jobs(kept.db))
        assert len(told.received) == send_webhooks.AT_ONCE
        told.always = None
        clock.travel(seconds=10)
        await until(lambda: kept.is_all("delivered"))


async def test_whoever_says_to_be_gone_is_sent_nothing_any_more_and_finance_hears_it(
    kept: Kept, told: Receiver, gateway: SlackClient, slack: Sandbox
) -> None:
    webhook_id, _ = await kept.add(told)
    told.answers = [status(410)]
    await kept.do(keeping.send_test, webhook_id)
    async with working(kept, gateway):
        await until(lambda: said_to(slack, "UANA"))
        assert "it answered that it is gone" in said_to(slack, "UANA")[0]
        await make_bills(kept.db, kept.people.ana)
        await until(lambda: no_jobs(kept.db))
        assert await kept.statuses() == ["failed", "waiting"]
        await kept.do(keeping.change_webhook, webhook_id, paused=False)
        await until(lambda: told.events == ["webhook.test", "bill.generated"])


async def test_whoever_takes_nothing_for_days_is_sent_nothing_any_more(
    kept: Kept, told: Receiver, gateway: SlackClient, slack: Sandbox, clock: Clock
) -> None:
    webhook_id, _ = await kept.add(told)
    told.always = status(500)
    await kept.do(keeping.send_test, webhook_id)
    async with working(kept, gateway):
        await until(lambda: _attempted(kept, 1))
        clock.travel(seconds=OFF_AFTER.total_seconds())
        await until(lambda: said_to(slack, "UANA"))
    assert "it has taken nothing for three days" in said_to(slack, "UANA")[0]
    found = await kept.webhook(webhook_id)
    assert (found.state, found.off_cause) == ("off", "failing")


async def test_what_happens_while_it_is_paused_waits_for_it(
    kept: Kept, told: Receiver, gateway: SlackClient
) -> None:
    webhook_id, _ = await kept.add(told)
    await kept.do(keeping.change_webhook, webhook_id, paused=True)
    async with working(kept, gateway):
        await make_bills(kept.db, kept.people.ana)
        await until(lambda: no_jobs(kept.db))
        assert told.received == []
        await kept.do(keeping.change_webhook, webhook_id, paused=False)
        await until(lambda: told.events == ["bill.generated"])


async def test_what_was_given_up_since_is_sent_again_at_once(
    kept: Kept, told: Receiver, gateway: SlackClient, clock: Clock
) -> None:
    webhook_id, _ = await kept.add(told)
    await make_bills(kept.db, kept.people.ana, 3)
    await rows(kept.db, "update webhook_deliveries set status = 'failed' returning id")
    async with working(kept, gateway):
        later = clock() + timedelta(seconds=1)
        assert await kept.do(keeping.send_failed_again, webhook_id, later) == 0
        assert await kept.do(keeping.send_failed_again, webhook_id, NOW) == 3
        await until(lambda: kept.is_all("delivered"))
    assert told.events == ["bill.generated"] * 3


async def test_a_deleted_webhook_is_forgotten_with_all_it_was_sent(
    kept: Kept, told: Receiver, gateway: SlackClient
) -> None:
    webhook_id, _ = await kept.add(told)
    await make_bills(kept.db, kept.people.ana)
    await kept.do(keeping.delete_webhook, webhook_id)
    assert await rows(kept.db, "select * from webhook_secrets") == []

    async def forgotten() -> bool:
        return not await rows(kept.db, "select id from webhooks")

    async with working(kept, gateway, tick=0.2):
        await until(forgotten)
    assert told.received == []


async def test_what_is_a_month_old_is_forgotten(
    kept: Kept, told: Receiver, gateway: SlackClient, clock: Clock
) -> None:
    webhook_id, _ = await kept.add(told)
    await kept.do(keeping.send_test, webhook_id)

    async def forgotten() -> bool:
        return not await rows(kept.db, "select id from webhook_attempts")

    async with working(kept, gateway, tick=0.2):
        await until(lambda: kept.is_all("delivered"))
        clock.travel(days=31)
        await until(forgotten)
    assert await kept.statuses() == []


async def test_a_name_that_leads_to_a_private_place_is_not_connected_to(
    kept: Kept, told: Receiver, gateway: SlackClient
) -> None:
    """It was public when it was saved: that is asked again of the address that is connected to."""
    webhook_id, _ = await kept.add(told)
    port = told.address.rpartition(":")[2].partition("/")[0]
    for host in ("localhost.localdomain.", "localhost", "127.0.0.1", "[::ffff:127.0.0.1]"):
        moved = "update webhooks set address = :address returning id"
        await rows(kept.db, moved, address=f"https://{host}:{port}/hook")
        await kept.do(keeping.send_test, webhook_id)
    async with worker_only(kept.db, gateway, now=kept.clock, sweep=0.1):
        await until(lambda: _attempted(kept, 4))
    assert told.received == []
    tried = await rows(kept.db, "select failure from webhook_attempts")
    assert {one.failure for one in tried} <= {
        "That address leads into a network that is not public, where webhooks do not go.",
        send_webhooks.UNKNOWN_NAME,
    }


async def test_a_bot_that_is_killed_before_it_has_written_an_answer_down_sends_the_same_again(
    db: Database,
    people: People,
    told: Receiver,
    slack: Sandbox,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WEBHOOK_HOSTS", "127.0.0.1")
    today = Clock(datetime.now(UTC))
    kept, dead = Kept(db, people, today), asyncio.Event()
    webhook_id, secret = await kept.add(told)
    async with bot_process(slack, database_url) as bot:

        async def kill(_: web.Request) -> web.Response:
            await bot.strike(SIGKILL)
            dead.set()
            return web.Response()

        told.answers = [kill]
        await kept.do(keeping.send_test, webhook_id)
        await dead.wait()
        await bot.start()
        await until(lambda: kept.is_all("delivered"))
    first, second = told.received
    assert (first.id, first.body) == (second.id, second.body)
    assert second.verified(secret)
    tried = await rows(db, "select response_status from webhook_attempts")
    assert [one.response_status for one in tried] == [200]


async def test_a_comment_tells_the_figures_that_stood_when_it_was_written(
    kept: Kept, told: Receiver, gateway: SlackClient
) -> None:
    await kept.add(told, [Event.COMMENTED])
    (bill_id,) = await make_bills(kept.db, kept.people.ana)
    async with kept.db.transaction() as session:
        kim = Context(kept.people.kim, NOW, Source.SLACK)
        await add_comment(session, bill_id, kim, "Looks right")
    await work_on(kept.db, kept.people, bill_id)
    async with working(kept, gateway):
        await until(lambda: told.received)
    (said,) = [one.json["data"] for one in told.received]
    assert (said["bill"]["version"], said["bill"]["status"]) == (1, "pending")
    assert said["action"]["comment"] == "Looks right"
