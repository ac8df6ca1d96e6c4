"""Sources of usage are asked, one job a month."""

from collections.abc import Callable
from datetime import datetime

import structlog

from bot.warehouse.errors import WarehouseFailed
from bot.warehouse.pulling import pull, recorded_check
from models.actions.pull_usage import BadAnswer
from models.context import Context, Source
from models.db.database import Database
from models.errors import Refusal
from models.outbox.jobs import PullCall
from models.people.users import User
from models.period import Period
from models.settings import BillingSettings

log = structlog.get_logger()


class UsagePulls:
    """Asks sources."""

    def __init__(self, db: Database, billing: BillingSettings, now: Callable[[], datetime]) -> None:
        self._db = db
        self._billing = billing
        self._now = now

    async def ask(self, call: PullCall) -> None:
        """What comes of it is recorded and told there: for the job it is done, whatever it is."""
        source_id, period = call.source_id, Period.parse(call.month)
        async with self._db.transaction() as session:
            user = await session.get_one(User, call.user_id)
        context = Context(user, self._now(), Source(call.asked_in), self._billing)
        try:
            if call.is_check:
                await recorded_check(self._db, source_id, period, context)
            else:
                await pull(self._db, source_id, period, context, anyway=call.anyway)
        except (WarehouseFailed, BadAnswer, Refusal) as refused:
            cause = str(refused)
            log.warning("nothing was pulled", source=source_id, month=call.month, cause=cause)
