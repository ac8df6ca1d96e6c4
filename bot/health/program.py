"""What is looked at, by the page on health and by `countersign doctor`."""

from functools import partial

from bot.health.clock import zone_check
from bot.health.database import channels_in_use, database_check, database_clock_check
from bot.health.machine import address_check, disk_check
from bot.health.mail import e_invoice_check, mail_check, mailbox_check
from bot.health.probes import Probe
from bot.health.slack import SlackChecks, channels_check
from bot.mail.mailbox import Mailbox
from bot.mail.smtp import Mailer
from bot.settings import Settings
from bot.slack.client import SlackClient
from bot.slack.socket_mode import Socket
from models.db.database import Database

PATIENCE_S = 3.0
"""So long whoever looks at the page waits for each check; the doctor's patience is longer."""
DOCTORS_PATIENCE_S = 10.0


def program_probes(
    settings: Settings,
    db: Database,
    slack: SlackClient,
    mailer: Mailer | None,
    *,
    socket: Socket | None,
) -> list[Probe]:
    """What the running program stands on, beside what the database tells of itself."""
    return [
        Probe("Slack", SlackChecks(slack, socket=socket)),
        _channels(settings, db, slack),
        Probe("Clock", partial(database_clock_check, db)),
        *_mail(settings, mailer),
    ]


def doctor_probes(
    settings: Settings,
    db: Database | None,
    slack: SlackClient | None,
    mailer: Mailer | None,
    mailbox: Mailbox | None,
) -> list[Probe]:
    """All that there is to look at before the program is started; `db` or `slack` None: there is no
    way to it, which is told already.
    """
    app_token = settings.slack_app_token.get_secret_value() if settings.slack_app_token else None
    probes = []
    if db is not None:
        probes.append(Probe("Database", partial(database_check, db, settings)))
    if settings.database_url is None:
        probes.append(Probe("Disk", partial(disk_check, settings.countersign_data)))
    if slack is not None:
        probes.append(Probe("Slack", SlackChecks(slack, app_token=app_token)))
        probes.append(_channels(settings, db, slack))
    probes.append(Probe("Time zone", partial(zone_check, settings.timezone)))
    probes += _mail(settings, mailer)
    if mailbox is not None:
        probes.append(Probe("Mailbox", partial(mailbox_check, mailbox)))
    return [*probes, Probe("Address", partial(address_check, settings.public_url))]


def _channels(settings: Settings, db: Database | None, slack: SlackClient) -> Probe:
    return Probe("Channels", partial(channels_check, slack, partial(channels_in_use, db, settings)))


def _mail(settings: Settings, mailer: Mailer | None) -> list[Probe]:
    probes = [Probe("Mail", partial(mail_check, mailer, settings.send_per_minute))]
    if settings.e_invoice:
        probes.append(Probe("E-invoices", partial(e_invoice_check, settings.company)))
    return probes
