"""`countersign doctor`."""

from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from bot.cli.output import Exit, run, say, say_json
from bot.health.probes import Probe, look_at
from bot.health.program import DOCTORS_PATIENCE_S, doctor_probes
from bot.logs import configure_logging, redacted
from bot.settings import BadSettings, Settings, read
from bot.slack.client import SlackClient
from bot.what_to_do import WHAT_TO_DO
from bot.worker.deliver_bills import mailer_of
from bot.worker.drawing import CannotDraw, tried_drawing
from bot.worker.processes import Processes
from bot.worker.read_mailbox import mailbox_of
from handlers.wording.formatting import counted
from handlers.wording.health_text import Check, Standing, good
from models.db.database import Database
from models.errors import DatabaseNotReady

KEPT = "Nothing was changed. Run the same command again."
WORDS = {Standing.GOOD: "ok", Standing.WAIT: "warning", Standing.BAD: "wrong"}


def look(as_json: bool) -> None:
    run(_look(as_json), KEPT, done=KEPT)


async def _look(as_json: bool) -> Exit:
    settings = read(Settings)
    configure_logging(settings.secrets(), settings.log_level)
    missing = settings.missing_for_slack()
    unset = [Check("Settings", Standing.BAD, f"{name} is not set.", WHAT_TO_DO[name])
             for name in missing]  # fmt: skip
    checks = [*unset, *await look_around(settings)]
    tell = _tell_json if as_json else _tell
    tell(checks)
    if missing:
        return Exit.SETUP
    return Exit.REFUSED if _count(checks)[Standing.BAD] else Exit.DONE


async def look_around(settings: Settings, limit_s: float = DOCTORS_PATIENCE_S) -> list[Check]:
    """What came of all checks, each of which took `limit_s` at most, told without secrets."""
    found: list[Check] = []
    async with AsyncExitStack() as opened:
        db = _database(settings, found)
        if db is not None:
            opened.push_async_callback(db.close)
        probes = doctor_probes(
            settings,
            db,
            await _slack(settings, opened),
            mailer_of(settings),
            mailbox_of(settings),
        )
        probes.append(Probe("Documents", lambda: _documents(settings)))
        found += await look_at(probes, limit_s)
    secrets = settings.secrets()
    return [replace(check, told=redacted(check.told, secrets)) for check in found]


def _database(settings: Settings, found: list[Check]) -> Database | None:
    """The database, or what is `found` to keep its own server from starting."""
    try:
        return Database(settings.address(), statement_s=DOCTORS_PATIENCE_S)
    except (BadSettings, DatabaseNotReady):
        raise
    except Exception as error:
        told = f"The embedded PostgreSQL does not start ({type(error).__name__})."
        found.append(Check("Database", Standing.BAD, told, WHAT_TO_DO["COUNTERSIGN_DATA"]))
    return None


async def _slack(settings: Settings, opened: AsyncExitStack) -> SlackClient | None:
    token = settings.slack_bot_token
    if token is None:
        return None
    client = SlackClient.open(token.get_secret_value(), settings.slack_api_url)
    return await opened.enter_async_context(client)


async def _documents(settings: Settings) -> list[Check]:
    """Whether what bills are drawn with is there: template, fonts, and where it is wanted what
    checks e-invoices.
    """
    processes = Processes()
    try:
        await tried_drawing(settings, processes)
    except CannotDraw as refused:
        setting, _, told = str(refused).partition(": ")
        return [Check("Documents", Standing.BAD, told, f"{setting}: {WHAT_TO_DO[setting]}")]
    finally:
        await processes.stop()
    whose = "INVOICE_TEMPLATES" if settings.invoice_templates else "our own template"
    return [good("Documents", f"They can be drawn, by {whose}.")]


def _count(checks: Sequence[Check]) -> Counter[Standing]:
    return Counter(check.standing for check in checks)


def _tell(checks: Sequence[Check]) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        say(f"{WORDS[check.standing]:8} {check.name:{width}}  {check.told}")
        if check.to_do:
            say(f"{'':{width + 11}}{check.to_do}")
    counts = _count(checks)
    warnings = counted(counts[Standing.WAIT], "warning")
    say(f"{counted(len(checks), 'check')}: {counts[Standing.BAD]} wrong, {warnings}.")


def _tell_json(checks: Sequence[Check]) -> None:
    counts = _count(checks)
    rows = [
        {
            "name": check.name,
            "standing": WORDS[check.standing],
            "told": check.told,
            "to_do": check.to_do,
        }
        for check in checks
    ]
    say_json({"wrong": counts[Standing.BAD], "warnings": counts[Standing.WAIT], "checks": rows})
