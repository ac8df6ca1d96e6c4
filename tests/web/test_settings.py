"""Settings and health: Finance sees what stands and what to do, and no secret."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from bot.health.mail import e_invoice_check, mail_check
from bot.health.slack import SlackChecks
from bot.health.told_settings import told_settings
from bot.mail import errors
from bot.mail.smtp import DryMailer, Mailer
from bot.mail.smtp_url import MailServer
from bot.settings import Settings
from bot.slack.client import SlackClient
from bot.what_to_do import WHAT_TO_DO
from handlers.wording.health_text import Check, Standing
from models.db.database import Database
from models.outbox.mail_pause import Pacing, pause_mail
from models.outbox.mailbox import (
    ReadingPace,
    mark_mailbox_read,
    note_mailbox_trouble,
    take_reading_turn,
)
from models.settings import Company
from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.browser_side import BrowserSide, browser_side
from tests.harness.cast import People
from tests.harness.scripted_smtp import scripted
from tests.harness.slack_people import NOW

SECRET = "hunter2hunter2"
E_INVOICES_OF = {
    Company("Meridian", "5 Weg", "DE", "DE987654321"): Standing.GOOD,
    Company("Meridian", "5 Weg", "DE"): Standing.BAD,
}


def test_no_secret_is_ever_told() -> None:
    given = Settings(
        _env_file=None,
        database_url=SecretStr(f"postgresql://countersign:{SECRET}@db/bills"),
        slack_bot_token=SecretStr(f"xoxb-{SECRET}"),
        slack_app_token=SecretStr(f"xapp-{SECRET}"),
        slack_signing_secret=SecretStr(SECRET),
        smtp_url=SecretStr(f"smtp://billing:{SECRET}@mail.example:587"),
        company_name="Meridian <AG>",
    )
    told = dict(told_settings(given))
    assert SECRET not in str(told)
    assert told["SMTP_URL"] == told["SLACK_BOT_TOKEN"] == "set, not shown"
    assert (told["COMPANY_NAME"], told["HOLD_JUMP_FACTOR"]) == ("Meridian <AG>", "not set")
    assert (told["EMAIL_DRY_RUN"], told["SEND_PER_MINUTE"]) == ("false", "0")
    assert set(WHAT_TO_DO) <= set(told)


async def test_without_a_worker_health_says_what_to_do(served: BrowserSide, people: People) -> None:
    page = (await (await served.signed_in(people.ana)).get("/settings")).text
    assert "Something needs somebody" in page
    assert "Start countersign serve, or serve --role worker." in page
    assert "Its tables and functions are those of this version." in page


async def test_what_somebody_may_look_at_is_not_told_as_all_in_order(
    people: People, db: Database
) -> None:
    async with db.transaction() as session:
        await session.execute(_WORKER)

    async def checks() -> list[Check]:
        return [Check("Mail", Standing.WAIT, "Slow today.")]

    async with browser_side(db, checks=checks) as served:
        page = (await (await served.signed_in(people.ana)).get("/settings")).text
    assert "Everything that has to work, works; something is worth a look" in page


async def test_what_is_stuck_is_told_with_its_cause(people: People, db: Database) -> None:
    async with db.transaction() as session:
        await session.execute(_STUCK, {"at": NOW - timedelta(hours=2)})
        await session.execute(_WORKER)

    async def checks() -> list[Check]:
        return [Check("Mail", Standing.BAD, "No <answer> in time.", "SMTP_URL: mend it.")]

    settings = [("COMPANY_NAME", "A & B")]
    async with browser_side(db, checks=checks, settings=settings) as served:
        page = (await (await served.signed_in(people.ana)).get("/settings")).text
    assert "1 message to be posted, the oldest from 2 hours ago." in page
    assert "2 messages Slack did not take: channel_not_found (2)." in page
    assert "No &lt;answer&gt; in time." in page
    assert "SMTP_URL: mend it." in page
    assert "A &amp; B" in page
    assert "At work." in page


async def test_why_no_letter_goes_out_and_why_the_mailbox_is_not_read_is_told_with_since_when(
    people: People, db: Database
) -> None:
    mailbox, pace = "billing@imap.example/INBOX", ReadingPace(60, 600, 900)
    trouble = "The mailbox lets nobody in: <no>"
    async with browser_side(db, mailbox=mailbox) as served:
        ana = await served.signed_in(people.ana)
        before = (await ana.get("/settings")).text
        assert "Nothing keeps letters from going out." in before
        assert "The mailbox was not read yet." in before

        async with db.transaction() as session:
            began = NOW - timedelta(minutes=10)
            await pause_mail(
                session,
                "The mail server answered: 535 wrong",
                needs_somebody=True,
                began=began,
                now=began,
                pacing=Pacing(60, 600, 900),
            )
            await take_reading_turn(session, mailbox, began, 300)
            await mark_mailbox_read(session, mailbox, began, pace)
        told = (await ana.get("/settings")).text
        assert "None goes out, which began 10 minutes ago: The mail server answered: 535" in told
        assert "The mailbox was last read 10 minutes ago." in told
        async with db.transaction() as session:
            await note_mailbox_trouble(
                session, mailbox, trouble, needs_somebody=True, now=NOW, pace=pace
            )
        told = (await ana.get("/settings")).text
        assert "which began a moment ago: The mailbox lets nobody in: &lt;no&gt;. The" in told
    async with browser_side(db) as unset:
        told = (await (await unset.signed_in(people.ana)).get("/settings")).text
        assert "Set BOUNCES_URL to the mailbox of MAIL_FROM." in told


_STUCK = sa.text("""
insert into messages (key, kind, recipient, state, failure, created_at) values
    ('a', 'run', 'user:1', 'waiting', null, :at),
    ('b', 'run', 'user:1', 'failed', 'channel_not_found', :at),
    ('c', 'run', 'user:1', 'failed', 'channel_not_found', :at)
""")
_WORKER = sa.text("insert into procrastinate_workers (last_heartbeat) values (clock_timestamp())")


@pytest.mark.parametrize(
    ("answers", "address", "to_do"),
    [
        ({"auth": "535 5.7.8 no"}, "smtp://clerk:hush@127.0.0.1:{}?starttls=0", errors.LOGIN),
        ({"auth": "454 4.7.0 later"}, "smtp://clerk:hush@127.0.0.1:{}?starttls=0", errors.NOT_NOW),
        ({"ehlo": "504 no name", "helo": "504 no name"}, "smtp://127.0.0.1:{}", errors.GREETING),
        ({}, "smtp://127.0.0.1:{}?starttls=1", errors.WAY_IN),
    ],
)
async def test_what_mends_the_mail_depends_on_what_keeps_it(
    answers: dict[str, str], address: str, to_do: str
) -> None:
    known = {"ehlo": "250-scripted\r\n250 AUTH PLAIN"}
    async with scripted(**known | answers) as script:
        mailer = Mailer(MailServer.parse(address.format(script.port)), "billing@example.com")
        (mail,) = await mail_check(mailer)
    assert (mail.standing, mail.to_do) == (Standing.BAD, to_do)
    assert "hush" not in f"{mail.told} {mail.to_do}"


async def test_slack_and_mail_are_asked_themselves() -> None:
    slack = Sandbox()
    async with serve(slack) as served, SlackClient.open(slack.bot_token, served.api_url) as client:
        works, *_ = await SlackChecks(client)()
        assert (works.name, works.standing) == ("Slack", Standing.GOOD)
        async with SlackClient.open("xoxb-wrong", served.api_url) as stranger:
            (unknown,) = await SlackChecks(stranger)()
        catcher = MailServer.parse(slack.smtp_url)
        (paced,) = await mail_check(Mailer(catcher, "b@x.example"), send_per_minute=30)
    assert "At most 30 letters a minute, by SEND_PER_MINUTE." in paced.told
    assert "invalid_auth" in unknown.told
    nobody = Mailer(MailServer.parse("smtp://127.0.0.1:1"), "billing@example.com")
    (refused,) = await mail_check(nobody)
    assert (refused.name, refused.standing) == ("Mail", Standing.BAD)
    assert "could not be reached" in refused.told
    assert refused.to_do == errors.NO_SERVER
    (dry,) = await mail_check(DryMailer("billing@example.com"))
    assert (dry.standing, "nothing is mailed" in dry.told) == (Standing.WAIT, True)
    (unset,) = await mail_check(None)
    assert "no bill can go out" in unset.told


async def test_a_company_that_wants_e_invoices_is_told_what_they_lack() -> None:
    for company, standing in E_INVOICES_OF.items():
        (told,) = await e_invoice_check(company)
        assert (told.name, told.standing) == ("E-invoices", standing)
    assert "COMPANY_TAX_ID" in f"{told.told} {told.to_do}"
