"""A mail server that takes nothing, takes no copy, or is not heard: what waits, and who is told."""

import asyncio
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.mail.session import Patience
from bot.mail.smtp import Mailer
from bot.mail.smtp_url import MailServer
from bot.slack.client import SlackClient
from bot.worker.job_manager import PatientJobManager
from models.actions.undo import undo_decision
from models.context import Context, Source
from models.db.database import Database
from models.queries.bill_details import BillDetails
from models.queries.bill_loader import load_bill_details
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import rows, said_to
from tests.bot.test_sending import (
    AT_ONCE,
    SENDER,
    approved,
    bill,
    has_done,
    reaches,
    send,
    told_by,
    verbs,
)
from tests.harness.cast import People
from tests.harness.running import worker_only
from tests.harness.scripted_smtp import HANG_UP, Script, scripted
from tests.harness.slack_people import NOW
from tests.harness.timings import bundle_after
from tests.harness.waiting import until

WITH_LOGIN = "250-scripted\r\n250 AUTH PLAIN"


class Clock:
    """Goes on from the day of the tests, and can be set forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._began = time.monotonic()

    def __call__(self) -> datetime:
        return NOW + self.ahead + timedelta(seconds=time.monotonic() - self._began)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def soon_bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle_after(monkeypatch, 1)


def mailing(
    db: Database,
    gateway: SlackClient,
    script: Script,
    clock: Clock,
    sender: str = SENDER,
    **timings: Any,
) -> Any:
    server = MailServer.parse(f"smtp://clerk:hush@127.0.0.1:{script.port}?starttls=0")
    if "AUTH" not in script.answer("EHLO"):
        server = MailServer("127.0.0.1", script.port)
    mailer = Mailer(server, sender, patience=Patience(accepted=0.5))
    billing = replace(AT_ONCE, mail_from=sender)
    return worker_only(db, gateway, billing, now=clock, mailer=mailer, **timings)


async def details(db: Database, bill_id: int) -> BillDetails:
    async with db.transaction() as session:
        (found,) = await load_bill_details(session, [bill_id])
    return found


async def told(db: Database, kind: str) -> int:
    """How many people were told so."""
    found = await rows(
        db, "select from messages where kind = :kind and state = 'posted'", kind=kind
    )
    return len(found)


async def test_a_wrong_password_is_tried_once_told_at_once_takes_no_number_and_fails_no_bill(
    db: Database,
    people: People,
    gateway: SlackClient,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However late it is put down that a bill waits: that may be after the end of what it saw."""
    put_down = PatientJobManager.retry_job

    async def late(jobs: PatientJobManager, *of_a_job: Any, **more: Any) -> None:
        await asyncio.sleep(0.3)
        await put_down(jobs, *of_a_job, **more)

    monkeypatch.setattr(PatientJobManager, "retry_job", late)
    made = await approved(db, people, 6)
    brief = {"mail_pause": 4.0, "back_off_mending": 4.0, "mail_turn": 7 * 86_400.0}
    async with (
        scripted(ehlo=WITH_LOGIN, auth="535 5.7.8 wrong") as script,
        mailing(db, gateway, script, clock, **brief),
    ):
        for bill_id in made:
            await send(db, people.ana, bill_id)
        await until(lambda: told(db, "mail_stopped"))
        assert script.count("AUTH") == 1
        for bill_id in made:
            assert "535 5.7.8 wrong" in str((await details(db, bill_id)).letter.waits)
            assert (await bill(db, bill_id)).number is None
        clock.ahead += timedelta(days=2)
        script.answers = {**script.answers, "AUTH": "235 2.7.0 welcome"}
        for bill_id in made:
            await reaches(db, bill_id, "sent")
        await until(lambda: told(db, "mail_resumed"))
    assert len(script.taken) == len(made)
    assert await rows(db, "select from mail_pause") == []
    assert await told(db, "mail_resumed") == await told(db, "mail_stopped")
    for bill_id in made:
        assert (await details(db, bill_id)).letter.waits is None
        assert not await has_done(db, bill_id, "send_failed")


async def test_finance_hears_anew_where_something_else_has_to_be_mended(
    db: Database, people: People, gateway: SlackClient, slack: Sandbox, clock: Clock
) -> None:
    (bill_id,) = await approved(db, people)

    def notices() -> list[str]:
        return [one for one in said_to(slack, people.ana.slack_user_id) if "No bill goes" in one]

    def shown() -> list[str]:
        dm = slack.messages(slack.dm(people.ana.slack_user_id))
        return [str(one["blocks"]) for one in dm if "No bill goes" in one["text"]]

    brief = {"mail_pause": 0.2, "back_off_mending": 0.2}
    async with (
        scripted(hello="554 5.7.1 not you, try 81a2") as script,
        mailing(db, gateway, script, clock, **brief),
    ):
        await send(db, people.ana, bill_id)
        await until(lambda: len(notices()) == 1)
        script.answers = {"HELLO": "554 5.7.1 not you, try 99b7"}
        await until(lambda: "try 99b7" in shown()[0])
        script.answers = {"MAIL": "553 5.7.1 Sender address rejected: not owned"}
        await until(lambda: len(notices()) == 2)
        await until(lambda: all("553 5.7.1" in one for one in shown()))
    assert len(notices()) == 2


async def test_before_a_number_is_taken_the_server_has_to_let_us_in_and_name_the_sender(
    db: Database, people: People, gateway: SlackClient, clock: Clock
) -> None:
    first, second = await approved(db, people, 2)
    slow = {"mail_pause": 2.0, "back_off_mending": 2.0, "mail_turn": 7 * 86_400.0}
    async with (
        scripted(mail="553 5.7.1 Sender address rejected") as script,
        mailing(db, gateway, script, clock, **slow),
    ):
        for bill_id in (first, second):
            await send(db, people.ana, bill_id)
        await until(lambda: told(db, "mail_stopped"))
        async with db.transaction() as session:
            version = (await bill(db, second)).version
            act = Context(people.ana, clock(), Source.SLACK, AT_ONCE)
            await undo_decision(session, second, version, act, "Not now")
        assert (await bill(db, first)).number is None
        script.answers = {}
        await reaches(db, first, "sent")
    assert (await bill(db, second)).status == "approved"


async def test_a_server_that_was_not_heard_of_for_a_while_is_asked_before_a_number_is_taken(
    db: Database, people: People, gateway: SlackClient, clock: Clock
) -> None:
    """What may have arrived is mailed again hours later, and keeps nobody from trying before."""
    unsure, later = await approved(db, people, 2)
    slow = {"mail_unheard": (86_400.0,), "mail_pause": 2.0, "back_off_mending": 2.0}
    async with (
        scripted(end=HANG_UP) as script,
        mailing(db, gateway, script, clock, mail_turn=7 * 86_400.0, **slow),
    ):
        await send(db, people.ana, unsure)
        await until(lambda: told(db, "may_have_arrived"))
        clock.ahead += timedelta(minutes=6)
        script.answers = {"HELLO": "554 5.7.1 not you"}
        await send(db, people.ana, later)
        await until(lambda: told(db, "mail_stopped"))
        assert (await bill(db, later)).number is None
        script.answers = {}
        await reaches(db, later, "sent")
    assert (await bill(db, unsure)).status == "sending"


NO_RELAY = "550 relay not permitted"


async def test_one_customer_whom_the_server_turns_away_stops_nobody_elses_mail(
    db: Database, people: People, gateway: SlackClient, clock: Clock
) -> None:
    bad, *others = await approved(db, people, 3)
    await _addressed(db, bad, "pay@bad.example")
    async with (
        scripted(**{"rcpt_pay@bad": NO_RELAY}) as script,
        mailing(db, gateway, script, clock, mail_pause=0.5),
    ):
        for bill_id in (bad, *others):
            await send(db, people.ana, bill_id)
        await reaches(db, bad, "approved")
        for bill_id in others:
            await reaches(db, bill_id, "sent")
        await until(lambda: told(db, "not_sent"))
    assert NO_RELAY in (await told_by(db, bad, "send_failed"))["failure"]
    assert await rows(db, "select from messages where kind like 'mail_%'") == []
    assert await rows(db, "select from mail_pause") == []


async def test_a_server_that_hangs_up_over_one_letter_stops_nobody_elses_mail(
    db: Database, people: People, gateway: SlackClient, clock: Clock
) -> None:
    bad, *others = await approved(db, people, 3)
    await _addressed(db, bad, "pay@bad.example")

    async def is_its_own_trouble() -> bool:
        return (await details(db, bad)).letter.trouble is not None

    async with (
        scripted(**{"data_pay@bad": HANG_UP}) as script,
        mailing(db, gateway, script, clock),
    ):
        for bill_id in (bad, *others):
            await send(db, people.ana, bill_id)
        for bill_id in others:
            await reaches(db, bill_id, "sent")
        await until(is_its_own_trouble)
        script.answers = {}
        await reaches(db, bad, "sent")
    assert await rows(db, "select from messages where kind like 'mail_%'") == []


async def test_a_server_that_turns_three_domains_away_serves_nobody_of_ours(
    db: Database, people: People, gateway: SlackClient, clock: Clock
) -> None:
    made = await approved(db, people, 3)
    async with (
        scripted(**{f"rcpt_pay@c{n}": _no_relay(f"pay@c{n}") for n in range(1, 4)}) as script,
        mailing(db, gateway, script, clock, mail_pause=4.0, back_off_mending=4.0),
    ):
        for bill_id in made:
            await send(db, people.ana, bill_id)
        await until(lambda: told(db, "mail_stopped"))
        for bill_id in made:
            facts = await details(db, bill_id)
            assert facts.status == "sending"
            told_to_all = "The mail server answered: 554 5.7.1 <…>: Relay access denied"
            assert facts.letter.waits == told_to_all
        clock.ahead += timedelta(days=2)
        script.answers = {}
        for bill_id in made:
            await reaches(db, bill_id, "sent")
    for bill_id in made:
        assert not await has_done(db, bill_id, "send_failed")


def _no_relay(address: str) -> str:
    return f"554 5.7.1 <{address}.example>: Relay access denied"


async def _addressed(db: Database, bill_id: int, to: str) -> None:
    async with db.transaction() as session:
        await session.execute(
            sa.text(
                "update customers set billing_email = :to"
                " where id = (select customer_id from bills where id = :bill)"
            ),
            {"to": to, "bill": bill_id},
        )


async def test_a_letter_that_is_not_heard_of_is_repeated_seldom_and_then_left_to_finance(
    db: Database, people: People, gateway: SlackClient, clock: Clock
) -> None:
    (bill_id,) = await approved(db, people)
    async with (
        scripted(end=HANG_UP) as script,
        mailing(db, gateway, script, clock, mail_unheard=(1.0, 2.0)),
    ):
        await send(db, people.ana, bill_id)
        await until(lambda: told(db, "may_have_arrived"))
        shown = (await details(db, bill_id)).letter
        assert shown.unheard
        assert shown.next_at is not None
        await reaches(db, bill_id, "approved")
    assert len(script.taken) == 3
    assert len({letter.split("Message-ID:")[1].splitlines()[0] for letter in script.taken}) == 1
    failure = (await told_by(db, bill_id, "send_failed"))["failure"]
    assert failure.startswith("It may have arrived. ")
    assert await told(db, "may_have_arrived") == 1


async def test_finance_has_what_may_have_arrived_mailed_again_at_once_as_the_same_letter(
    db: Database, people: People, gateway: SlackClient, clock: Clock
) -> None:
    (bill_id,) = await approved(db, people)
    async with (
        scripted(end=HANG_UP) as script,
        mailing(db, gateway, script, clock, mail_unheard=(3_600.0,)),
    ):
        await send(db, people.ana, bill_id)
        await until(lambda: told(db, "may_have_arrived"))
        script.answers = {}
        await send(db, people.ana, bill_id)
        await reaches(db, bill_id, "sent")
    first, second = script.taken
    assert first == second
    assert (await verbs(db, bill_id))[-4:] == ["send", "issue", "send", "deliver"]


async def test_who_mails_in_another_name_by_now_repeats_a_letter_as_it_was(
    db: Database, people: People, gateway: SlackClient, clock: Clock
) -> None:
    (bill_id,) = await approved(db, people)

    async def may_have_arrived() -> bool:
        return (await details(db, bill_id)).letter.unheard == 1

    async with (
        scripted(end=HANG_UP) as first,
        mailing(db, gateway, first, clock, mail_unheard=(0.2,)),
    ):
        await send(db, people.ana, bill_id)
        await until(may_have_arrived)
    clock.ahead += timedelta(hours=4)
    moved = "Meridian Two <pay@two.example>"
    async with scripted() as second, mailing(db, gateway, second, clock, sender=moved):
        await reaches(db, bill_id, "sent")
    assert second.taken == first.taken[:1]
    assert "@meridian.example>" in second.taken[0]
    assert any(line.startswith("MAIL FROM:<pay@two.example>") for line in second.heard)


async def test_what_may_have_arrived_is_not_mailed_again_by_a_second_job(
    db: Database, people: People, gateway: SlackClient, clock: Clock
) -> None:
    (bill_id,) = await approved(db, people)
    async with (
        scripted(end=HANG_UP) as script,
        mailing(db, gateway, script, clock, mail_unheard=(3_600.0,)),
    ):
        await send(db, people.ana, bill_id)
        await until(lambda: told(db, "may_have_arrived"))
        async with db.transaction() as session:
            await session.execute(sa.text("delete from procrastinate_jobs"))
        async with mailing(db, gateway, script, clock, mail_unheard=(3_600.0,)):

            async def has_looked() -> bool:
                return bool(await rows(
                    db,
                    "select from procrastinate_jobs where task_name = 'deliver' and attempts > 0",
                ))  # fmt: skip

            await until(has_looked)
    assert len(script.taken) == 1


async def test_a_copy_that_is_refused_for_now_follows_later(
    db: Database,
    people: People,
    gateway: SlackClient,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.actions.send.COPIES_AFTER_S", 1)
    (bill_id,) = await approved(db, people)
    async with db.transaction() as session:
        await session.execute(
            sa.text("update customers set cc_emails = 'boss@a.example, zoë@a.example'")
        )
    async with (
        scripted(rcpt_boss="450 4.2.0 Greylisted") as script,
        mailing(db, gateway, script, clock),
    ):
        await send(db, people.ana, bill_id)
        await reaches(db, bill_id, "sent")
        facts = await details(db, bill_id)
        assert "boss@a.example" not in (facts.sent_to or "")
        assert [(one.address, one.later) for one in facts.letter.missing] == [
            ("zoë@a.example", False), ("boss@a.example", True),
        ]  # fmt: skip
        script.answers = {}

        async def has_it() -> bool:
            return [one.address for one in (await details(db, bill_id)).letter.missing] == [
                "zoë@a.example"
            ]

        await until(has_it)
    assert len({letter.split("Message-ID:")[1].splitlines()[0] for letter in script.taken}) == 1
    assert len(script.taken) == 2
    assert script.heard.count("RCPT TO:<boss@a.example>") >= 2
    assert sum(line.startswith("RCPT TO:<pay@") for line in script.heard) == 1


async def test_a_copy_that_is_refused_for_a_day_is_left_out(
    db: Database,
    people: People,
    gateway: SlackClient,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.actions.send.COPIES_AFTER_S", 1)
    (bill_id,) = await approved(db, people)
    async with db.transaction() as session:
        await session.execute(sa.text("update customers set cc_emails = 'boss@a.example'"))
    async with (
        scripted(rcpt_boss="450 4.2.0 Greylisted") as script,
        mailing(db, gateway, script, clock),
    ):
        await send(db, people.ana, bill_id)
        await reaches(db, bill_id, "sent")
        clock.ahead += timedelta(days=1)

        async def is_left_out() -> bool:
            (missing,) = (await details(db, bill_id)).letter.missing
            return not missing.later

        await until(is_left_out)
    assert len(script.taken) == 1
