"""Bills go out, and messages are drawn anew, at the pace that is set, by however many workers."""

import time
from dataclasses import replace

import sqlalchemy as sa

from bot.mail.smtp import Mailer
from bot.mail.smtp_url import MailServer
from bot.slack.client import SlackClient
from bot.worker.update_messages import MessageUpdater
from models.actions.approve import approve_bill
from models.actions.undo import undo_decision
from models.context import Context, Source
from models.db.database import Database
from models.outbox.messages import Message, MessageKind
from models.outbox.pace import Paced, take_place, take_place_if_free
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import all_settled, rows, said_to
from tests.bot.test_sending import AT_ONCE, SENDER, approved, bill, reaches, send
from tests.harness.books import act, make_bills
from tests.harness.cast import People
from tests.harness.running import worker_only
from tests.harness.slack_people import NOW
from tests.harness.timings import QUICK
from tests.harness.waiting import until

GAP_S = 0.4
BILLS = 45
"""More than two workers have at hand."""


async def test_places_are_a_gap_apart_whoever_takes_them(db: Database) -> None:
    waits = []
    for _ in range(3):
        async with db.transaction() as session:
            waits.append(await take_place(session, Paced.LETTERS, 60.0))
    assert waits[0] <= 0
    assert [55 < wait < 61 + 60 * place for place, wait in enumerate(waits[1:])] == [True, True]
    assert waits[2] - waits[1] > 55
    async with db.transaction() as session:
        assert await take_place_if_free(session, Paced.UPDATES, 60.0)
        assert not await take_place_if_free(session, Paced.UPDATES, 60.0)


async def test_two_processes_draw_digests_anew_at_one_pace(
    db: Database, people: People, gateway: SlackClient, slack: Sandbox
) -> None:
    """Kim and Lee each have a digest; the second waits for its place, and has it by then."""
    async with worker_only(db, gateway):
        made = await make_bills(db, people.ana, 11)
        await until(lambda: all_settled(db))
    async with db.transaction() as session:
        query = sa.select(Message.id).where(Message.kind == MessageKind.DIGEST)
        digests = (await session.scalars(query.order_by(Message.recipient))).all()
        await approve_bill(session, made[0], 1, act(people.kim))
        await session.execute(sa.text("delete from procrastinate_jobs"))
    paced = replace(QUICK, courtesy=60.0)
    one, other = MessageUpdater(db, gateway, paced), MessageUpdater(db, gateway, paced)
    for digest_id, updater in zip(digests, (one, other), strict=True):
        await updater.redraw_message(digest_id)
    assert _told(slack) == [10, 11]
    (job,) = await rows(db, "select args, scheduled_at - now() as wait from procrastinate_jobs")
    assert 50 < job.wait.total_seconds() <= 61
    await one.redraw_message(**job.args)
    assert _told(slack) == [10, 10]


def _told(slack: Sandbox) -> list[int]:
    """How many bills wait, as the digests say."""
    said = [text for who in ("UKIM", "ULEE") for text in said_to(slack, who)]
    return [int(text.split()[0]) for text in said if " wait for you" in text]


async def test_two_workers_keep_one_pace_and_what_waits_can_be_called_back(
    db: Database, people: People, gateway: SlackClient, slack: Sandbox
) -> None:
    made = await approved(db, people, BILLS)
    mailer = Mailer(MailServer.parse(slack.smtp.url), SENDER)
    for bill_id in made:
        await send(db, people.ana, bill_id)
    began = time.monotonic()
    async with (
        worker_only(db, gateway, AT_ONCE, mailer=mailer, mail_gap=GAP_S),
        worker_only(db, gateway, AT_ONCE, mailer=mailer, mail_gap=GAP_S),
    ):
        await until(lambda: len(slack.smtp.mails) >= 4)
        assert time.monotonic() - began >= 3 * GAP_S
        last = await bill(db, made[-1])
        assert (last.status, last.number) == ("sending", None)
        act = Context(people.ana, NOW, Source.SLACK, AT_ONCE)
        async with db.transaction() as session:
            await undo_decision(session, last.id, last.version, act, "Not that one")
    took_s = time.monotonic() - began
    mailed = len(slack.smtp.mails)
    assert mailed <= took_s / GAP_S + 2
    issued = await rows(db, "select from bills where number is not null")
    assert mailed <= len(issued) < len(made)
    async with worker_only(db, gateway, AT_ONCE, mailer=mailer):
        for bill_id in made[:-1]:
            await reaches(db, bill_id, "sent")
    assert len(slack.smtp.mails) == len(made) - 1
