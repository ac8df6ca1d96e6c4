"""Usage is pulled from where it is metered, and each time is recorded, whatever comes of it."""

import time
from datetime import timedelta

from bot.warehouse.asking import asked
from bot.warehouse.errors import WarehouseFailed
from models.actions.pull_usage import (
    BadAnswer,
    Checked,
    PullDone,
    SourceChanged,
    check_answer,
    record_check,
    record_failure,
    take_in,
)
from models.context import Context
from models.db.database import Database
from models.db.role import own_role
from models.imports.staging import Progress
from models.people.permissions import Permission
from models.people.who_can import require
from models.period import Period
from models.usage.pulls import Asking, UsagePull
from models.usage.sources import source_by_id


class _Stopwatch:
    def __init__(self) -> None:
        self._since = time.monotonic()

    def __call__(self) -> timedelta:
        return timedelta(seconds=time.monotonic() - self._since)


async def pull(
    db: Database,
    source_id: int,
    period: Period,
    context: Context,
    *,
    anyway: bool = False,
    progress: Progress | None = None,
) -> PullDone:
    """Ask a source for a month, and take in what it answers: all of it, or nothing.

    `anyway`: also what would take more customers to zero than is set, or nothing at all. Raises
    WarehouseFailed where it could not be asked, BadAnswer where rows cannot be usage, and
    SourceChanged where it is no more what was asked, with the pull recorded as such. No transaction
    is open while the engine works out its first rows.
    """
    asking = await _asking(db, source_id, period, context)
    elapsed = _Stopwatch()
    try:
        async with asked(asking) as rows, db.long_transaction() as session:
            return await take_in(session, asking, rows, elapsed, anyway=anyway, progress=progress)
    except (WarehouseFailed, BadAnswer, SourceChanged) as refused:
        async with db.long_transaction() as session:
            await record_failure(session, asking, refused, elapsed())
        raise


async def check(
    db: Database,
    source_id: int,
    period: Period,
    context: Context,
    progress: Progress | None = None,
) -> Checked:
    """Ask a source for a month, and say what pulling it would change; nothing is written."""
    asking = await _asking(db, source_id, period, context)
    return await _checked(db, asking, _Stopwatch(), progress)


async def recorded_check(
    db: Database, source_id: int, period: Period, context: Context
) -> UsagePull:
    """The same for whoever reads of it later: recorded, also where the source cannot be asked."""
    asking = await _asking(db, source_id, period, context)
    elapsed = _Stopwatch()
    try:
        checked = await _checked(db, asking, elapsed)
    except (WarehouseFailed, BadAnswer) as refused:
        async with db.long_transaction() as session:
            return await record_failure(session, asking, refused, elapsed())
    async with db.long_transaction() as session:
        return await record_check(session, asking, checked)


async def _checked(
    db: Database, asking: Asking, elapsed: _Stopwatch, progress: Progress | None = None
) -> Checked:
    async with asked(asking) as rows, db.long_transaction() as session:
        checked = await check_answer(session, asking, rows, elapsed, progress)
        await session.rollback()
        return checked


async def _asking(db: Database, source_id: int, period: Period, context: Context) -> Asking:
    period.refuse_if_ahead(context.today)
    async with db.transaction() as session:
        await require(session, context.user, Permission.KEEP_BOOKS)
        source = await source_by_id(session, source_id)
        return Asking(source, period, context, await own_role(session))
