"""From an approved bill to the customer's mailbox: what arrives, and what stands in the books."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.mail.smtp import Mailer, Receipt
from bot.mail.smtp_url import MailServer
from bot.slack.client import SlackClient
from bot.worker.deliver_bills import BillDelivery
from bot.worker.worker import AT_ONCE as JOBS_AT_ONCE
from bot.worker.worker import Worker
from models.actions.approve import approve_bill
from models.actions.send import mark_each_delivered, send_bill
from models.actions.undo import undo_decision
from models.bills.documents import OutgoingDocument
from models.context import Context, Source
from models.db.database import Database
from models.outbox.jobs import Queue
from models.people.users import User
from models.settings import BillingSettings, Company
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import rows
from tests.bot.test_redrawing_together import redraw, standing_cards
from tests.harness.books import make_bills
from tests.harness.cast import People
from tests.harness.pdf import pdf_text
from tests.harness.running import worker_only
from tests.harness.slack_people import NOW
from tests.harness.timings import BRIEF_S
from tests.harness.waiting import until
from tests.harness.watched_slack import WatchedSandbox

SENDER = "Billing <billing@meridian.example>"
MERIDIAN = Company("Meridian API AG", payment_days=30)
AT_ONCE = BillingSettings("CAPPROVALS", send_delay_minutes=0, company=MERIDIAN)
BRIEF_LOCK_S = 1.0
"""So long whoever clicks waits for a lock."""
LATER = BillingSettings("CAPPROVALS", send_delay_minutes=5)


class Watch:
    """A clock that stands still until it is told to travel."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Any:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def worker(
    db: Database, gateway: SlackClient, slack: Sandbox, watch: Watch
) -> AsyncIterator[Worker]:
    async with mailing(db, gateway, slack, watch) as made:
        yield made


def mailing(
    db: Database, gateway: SlackClient, slack: Sandbox, watch: Watch, **timings: float
) -> Any:
    mailer = Mailer(MailServer.parse(slack.smtp_url), SENDER)
    return worker_only(db, gateway, AT_ONCE, now=watch, mailer=mailer, **timings)


async def approved(db: Database, people: People, bills: int = 1) -> list[int]:
    """So many approved bills of $100.00, each of a customer with an address to mail to."""
    made = await make_bills(db, people.ana, bills)
    async with db.transaction() as session:
        await session.execute(
            sa.text("update customers set billing_email = 'pay@c' || id || '.example'")
        )
        for bill_id in made:
            await approve_bill(session, bill_id, 1, Context(people.kim, NOW, Source.SLACK))
    return made


async def send(db: Database, user: User, bill_id: int, billing: BillingSettings = AT_ONCE) -> None:
    async with db.transaction() as session:
        (version,) = await session.scalars(
            sa.text("select version from bills where id = :id"), {"id": bill_id}
        )
        await send_bill(session, bill_id, version, Context(user, NOW, Source.SLACK, billing))


async def bill(db: Database, bill_id: int) -> Any:
    (found,) = await rows(db, "select * from bills where id = :id", id=bill_id)
    return found


def attached(slack: Sandbox) -> tuple[str | None, str, object]:
    """What came with the latest letter: its name, what it is, and its bytes."""
    (document,) = slack.smtp.mails[-1].attachments()
    return (
        document.get_filename(),
        document.get_content_type(),
        document.get_payload(decode=True),
    )


async def message_id(db: Database, number: str) -> str:
    (here,) = await rows(db, "select id from installation")
    return f"<{number}.{here.id}@meridian.example>"


async def verbs(db: Database, bill_id: int) -> list[str]:
    found = await rows(
        db, "select action from bill_actions where bill_id = :id order by id", id=bill_id
    )
    return [row.action for row in found]


async def told_by(db: Database, bill_id: int, verb: str) -> dict[str, Any]:
    """The snapshot of the bill's newest action of that verb."""
    found = await rows(
        db,
        "select snapshot from bill_actions where bill_id = :id and action = :verb order by id",
        id=bill_id,
        verb=verb,
    )
    snapshot: dict[str, Any] = found[-1].snapshot
    return snapshot


async def reaches(db: Database, bill_id: int, status: str) -> None:
    async def there() -> bool:
        return bool((await bill(db, bill_id)).status == status)

    await until(there)


# -- the straight way ----------------------------------------------------------------------


async def test_a_bill_that_is_sent_arrives_with_its_number_and_document(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    (bill_id,) = await approved(db, people)
    await send(db, people.ana, bill_id)
    await reaches(db, bill_id, "sent")
    assert (await verbs(db, bill_id))[-3:] == ["send", "issue", "deliver"]
    assert (await bill(db, bill_id)).number == "2026-000001"
    (mail,) = slack.mail()
    assert mail["subject"] == "Invoice 2026-000001 from Meridian API AG for October 2026"
    assert mail["message_id"] == await message_id(db, "2026-000001")
    assert mail["html"].count("Total due: $100.00") == 1
    (stored,) = await rows(db, "select * from documents")
    assert attached(slack) == ("2026-000001.pdf", "application/pdf", stored.content)
    assert "Total due" in pdf_text(stored.content)
    delivered = await told_by(db, bill_id, "deliver")
    assert (delivered["answer"], delivered["sha256"]) == ("250 kept", stored.sha256)


SLOW_S = 8.0


async def test_what_goes_to_customers_waits_for_no_card(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient, watch: Watch
) -> None:
    """Not even while Slack takes so long over each that all who draw are at work."""
    bills = await standing_cards(db, gateway, people)
    await redraw(db, bills)
    await slack.fault(method="chat.update", kind="delay", seconds=SLOW_S, times=0)
    async with mailing(db, gateway, slack, watch):

        async def all_draw() -> bool:
            (doing,) = await rows(
                db, "select count(*) as jobs from procrastinate_jobs where status = 'doing'"
            )
            return int(doing.jobs) == JOBS_AT_ONCE[Queue.TEAM]

        await until(all_draw)
        began = time.monotonic()
        async with db.transaction() as session:
            await session.execute(sa.text("update customers set billing_email = 'pay@c.example'"))
            await approve_bill(session, bills[0], 1, Context(people.kim, NOW, Source.SLACK))
        await send(db, people.ana, bills[0])
        await reaches(db, bills[0], "sent")
        assert time.monotonic() - began < SLOW_S / 2
        slack.faults.clear()
    assert len(slack.mail()) == 1


async def test_many_bills_sent_at_once_leave_no_gap_between_their_numbers(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    made = await approved(db, people, 12)
    await asyncio.gather(*(send(db, people.ana, bill_id) for bill_id in made))
    for bill_id in made:
        await reaches(db, bill_id, "sent")
    numbers = sorted([(await bill(db, bill_id)).number for bill_id in made])
    assert numbers == [f"2026-{number:06}" for number in range(1, 13)]
    assert sorted(mail["message_id"] for mail in slack.mail()) == [
        await message_id(db, number) for number in numbers
    ]


async def test_a_bill_waits_for_its_delay_to_end_by_the_programs_clock(
    db: Database, people: People, slack: Sandbox, worker: Worker, watch: Watch
) -> None:
    waiting, called_back = await approved(db, people, 2)
    await send(db, people.ana, waiting, LATER)
    await send(db, people.ana, called_back, LATER)
    async with db.transaction() as session:
        act = Context(people.ana, NOW + timedelta(minutes=4), Source.SLACK, LATER)
        await undo_decision(session, called_back, 3, act, "wrong address")
    assert (await bill(db, waiting)).status == "sending"
    assert slack.mail() == []
    watch.now += timedelta(minutes=5)
    await reaches(db, waiting, "sent")
    assert (await bill(db, called_back)).status == "approved"
    assert [mail["to"] for mail in slack.mail()] == [[await address(db, waiting)]]


async def address(db: Database, bill_id: int) -> str:
    (found,) = await rows(
        db,
        "select billing_email from customers c join bills b on c.id = customer_id where b.id = :id",
        id=bill_id,
    )
    return str(found.billing_email)


# -- trouble -------------------------------------------------------------------------------


async def test_a_refused_bill_comes_back_with_the_cause_and_keeps_number_and_document(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    failing, other = await approved(db, people, 2)
    await slack.fault(mail="reject", error="no such mailbox")
    await send(db, people.ana, failing)
    await reaches(db, failing, "approved")
    assert (await verbs(db, failing))[-1] == "send_failed"
    told = await told_by(db, failing, "send_failed")
    assert told["failure"] == "The mail server answered: 550 no such mailbox"
    assert told["to"] == f"pay@c{(await bill(db, failing)).customer_id}.example"
    (first,) = await rows(db, "select * from documents")

    await send(db, people.ana, other)
    await reaches(db, other, "sent")
    await send(db, people.ana, failing)
    await reaches(db, failing, "sent")
    assert (await bill(db, failing)).number == "2026-000001"
    assert (await bill(db, other)).number == "2026-000002"
    (again,) = await rows(db, "select * from documents where bill_id = :id", id=failing)
    assert again == first
    assert attached(slack)[2] == first.content


async def test_a_server_that_says_later_is_asked_again(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    (bill_id,) = await approved(db, people)
    await slack.fault(mail="defer", times=2)
    await send(db, people.ana, bill_id)
    await reaches(db, bill_id, "sent")
    assert (await verbs(db, bill_id)).count("issue") == 1
    assert "send_failed" not in await verbs(db, bill_id)
    assert len(slack.mail()) == 1


async def test_after_a_day_of_later_the_bill_is_back_with_finance(
    db: Database, people: People, slack: Sandbox, worker: Worker, watch: Watch
) -> None:
    (bill_id,) = await approved(db, people)
    await slack.fault(mail="defer", error="mailbox full", times=0)
    await send(db, people.ana, bill_id)
    await until(lambda: has_done(db, bill_id, "issue"))
    assert (await bill(db, bill_id)).status == "sending"
    watch.now += timedelta(days=1)
    await reaches(db, bill_id, "approved")
    assert "451 mailbox full" in (await told_by(db, bill_id, "send_failed"))["failure"]


async def has_done(db: Database, bill_id: int, verb: str) -> bool:
    return verb in await verbs(db, bill_id)


async def test_who_dies_between_the_servers_yes_and_the_record_leaves_the_same_message_twice(
    db: Database,
    people: People,
    slack: WatchedSandbox,
    gateway: SlackClient,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known_by = await message_id(db, "2026-000001")
    slack.expect_twice(known_by)
    (bill_id,) = await approved(db, people)
    recorded = mark_each_delivered
    deaths = iter([True])

    async def dies_once(*arguments: Any) -> Any:
        if next(deaths, False):
            watch.now += timedelta(minutes=7)
            raise asyncio.CancelledError
        return await recorded(*arguments)

    monkeypatch.setattr("bot.worker.letter_outcomes.mark_each_delivered", dies_once)
    async with mailing(db, gateway, slack, watch):
        await send(db, people.ana, bill_id)
        await reaches(db, bill_id, "sent")
    first, second = (bytes(mail.message) for mail in slack.smtp.mails)
    assert first == second
    assert f"Message-ID: {known_by}".encode() in first
    assert (await verbs(db, bill_id)).count("deliver") == 1


async def test_a_letter_is_not_mailed_again_because_somebody_holds_its_bill(
    db: Database,
    people: People,
    slack: Sandbox,
    gateway: SlackClient,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (bill_id,) = await approved(db, people)
    mail = BillDelivery._mail

    async with db.long_transaction() as somebody:

        async def holds_the_bill_meanwhile(
            sender: BillDelivery, document: OutgoingDocument, only: frozenset[str] | None
        ) -> Receipt:
            answer = await mail(sender, document, only)
            await somebody.execute(sa.text("select from bills for update"))
            return answer

        async def held() -> bool:
            return bool(await rows(db, "select from pg_locks where not granted"))

        monkeypatch.setattr(BillDelivery, "_mail", holds_the_bill_meanwhile)
        hasty = Database(db.url, statement_s=BRIEF_S, lock_s=BRIEF_LOCK_S)
        async with mailing(hasty, gateway, slack, watch):
            await send(db, people.ana, bill_id)
            await until(held)
            await asyncio.sleep(2 * BRIEF_LOCK_S)  # longer than a short transaction would wait
            await somebody.commit()
            await reaches(db, bill_id, "sent")
        await hasty.close()
    assert len(slack.mail()) == 1


async def test_a_bill_whose_job_got_lost_is_found_and_sent(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient, watch: Watch
) -> None:
    (bill_id,) = await approved(db, people)
    await send(db, people.ana, bill_id)
    async with db.transaction() as session:
        await session.execute(sa.text("delete from procrastinate_jobs"))
    async with mailing(db, gateway, slack, watch):
        await reaches(db, bill_id, "sent")
    assert len(slack.mail()) == 1


async def test_without_a_mail_server_a_bill_waits_for_one_before_it_has_a_number(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient, watch: Watch
) -> None:
    (bill_id,) = await approved(db, people)
    await send(db, people.ana, bill_id)
    async with worker_only(db, gateway, AT_ONCE, now=watch):
        await until(lambda: rows(db, "select from mail_pause"))
        assert not await has_done(db, bill_id, "issue")
    async with mailing(db, gateway, slack, watch):
        await reaches(db, bill_id, "sent")
    assert (await bill(db, bill_id)).number == "2026-000001"
