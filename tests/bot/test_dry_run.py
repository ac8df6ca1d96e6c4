"""EMAIL_DRY_RUN: all is done but the mailing, and what was not mailed never counts as sent."""

from datetime import timedelta

from bot.mail.smtp import DryMailer
from bot.slack.client import SlackClient
from bot.worker.deliver_bills import mailer_of
from handlers.wording.refusals import Medium
from handlers.wording.rich_text import fallback_text
from handlers.wording.standing_text import standing_text
from models.db.database import Database
from models.outbox.mail_pause import Pacing, pause_mail
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import rows
from tests.bot.test_mail_pause import details
from tests.bot.test_sending import (
    AT_ONCE,
    SENDER,
    Watch,
    approved,
    attached,
    bill,
    mailing,
    reaches,
    send,
    told_by,
    verbs,
)
from tests.harness.cast import People
from tests.harness.running import settings_for, worker_only
from tests.harness.slack_people import NOW


async def test_a_dry_run_mails_nothing_and_later_the_same_document_goes_out(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    """A pause of before does not hold it: no mail server is asked."""
    (bill_id,) = await approved(db, people)
    async with db.transaction() as session:
        pacing = Pacing(first=3600, longest=3600, quiet=3600)
        await pause_mail(session, "No", needs_somebody=False, began=NOW, now=NOW, pacing=pacing)
    async with worker_only(db, gateway, AT_ONCE, mailer=DryMailer(SENDER)):
        await send(db, people.ana, bill_id)
        await reaches(db, bill_id, "approved")
    address = f"pay@c{(await bill(db, bill_id)).customer_id}.example"
    told = await told_by(db, bill_id, "send_failed")
    assert (told["dry_run"], told["to"]) == (True, address)
    assert "deliver" not in await verbs(db, bill_id)
    assert slack.mail() == []
    assert await rows(db, "select from messages where kind = 'not_sent'") == []
    shown = await details(db, bill_id)
    for medium in (Medium.SLACK, Medium.WEB):
        said = " ".join(fallback_text(*one) for one in standing_text(shown, medium))
        assert "Dry run as 2026-000001: all was done but the mailing." in said
    (stored,) = await rows(db, "select * from documents")

    watch = Watch()
    watch.now += timedelta(days=1)
    async with mailing(db, gateway, slack, watch):
        await send(db, people.ana, bill_id)
        await reaches(db, bill_id, "sent")
    assert attached(slack)[2] == stored.content
    assert (await bill(db, bill_id)).number == "2026-000001"


def test_a_dry_run_needs_no_mail_server(slack: Sandbox) -> None:
    unset = settings_for(slack, "postgresql://x", mail_from=SENDER)
    dry = settings_for(slack, "postgresql://x", mail_from=SENDER, email_dry_run=True)
    assert not unset.billing().can_mail
    assert dry.billing().can_mail
    assert mailer_of(unset) is None
    assert isinstance(mailer_of(dry), DryMailer)
