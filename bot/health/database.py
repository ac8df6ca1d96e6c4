"""Whether the database is there, whether its clock is ours, and what it tells."""

from datetime import UTC, datetime

from bot.health.clock import clock_check
from bot.health.slack import ChannelsInUse
from bot.settings import BooksSettings, Settings
from handlers.wording.health_text import Check, Standing, database_checks
from models.db.database import Database, check_reachable
from models.errors import DatabaseNotReady
from models.queries.database_health import load_database_health
from models.queries.health import database_clock
from models.queries.role_map import used_channels


async def database_check(db: Database, settings: Settings) -> list[Check]:
    """All that the database tells, for whoever may not have started the program yet."""
    try:
        await check_reachable(db)
    except DatabaseNotReady as refused:
        return [Check("Database", Standing.BAD, str(refused))]
    mailbox = settings.mailbox.name if settings.mailbox else None
    now = datetime.now(UTC)
    async with db.transaction() as session:
        found = await load_database_health(
            session, now, settings.send_delay_minutes, mailbox, settings.finance_slack_ids
        )
    return [*database_checks(found, now, started=False), *await database_clock_check(db)]


async def database_clock_check(db: Database) -> list[Check]:
    async with db.transaction() as session:
        before = datetime.now(UTC)
        theirs = await database_clock(session)
        after = datetime.now(UTC)
    return list(clock_check("the database", theirs, before, after))


async def channels_in_use(db: Database | None, settings: BooksSettings) -> ChannelsInUse:
    """The channels that are posted in; where the database does not tell, those of the settings."""
    approvals = settings.approvals_channel
    ours = {approvals: "APPROVALS_CHANNEL"} if approvals else {}
    if db is None:
        return ChannelsInUse(ours, is_whole=False)
    try:
        async with db.transaction() as session:
            return ChannelsInUse(await used_channels(session) | ours)
    except Exception:  # what is amiss is told by the check of the database
        return ChannelsInUse(ours, is_whole=False)
