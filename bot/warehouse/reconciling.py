"""A month that was billed is held against its source, as that is now."""

from bot.warehouse.asking import asked
from models.actions.pull_usage import named_faults
from models.audit.reconcile import Reconciliation, reconcile
from models.context import Context
from models.db.columns import Session
from models.db.database import Database
from models.db.role import own_role
from models.imports.pulled import Pulled, stage_pull
from models.imports.pulled_rows import PulledRows
from models.imports.rows import BadRows
from models.imports.staging import Progress
from models.outbox.notifications import notify_reconciled
from models.period import Period
from models.usage.pulls import Asking
from models.usage.sources import UsageSource


async def reconcile_with(
    db: Database,
    source: UsageSource,
    period: Period,
    context: Context,
    progress: Progress | None = None,
) -> Reconciliation:
    """What differs, both ways; Finance hears of it, once, where anything does. No figure changes.

    Refuses a month that has not begun. Raises WarehouseFailed where the source could not be asked,
    and BadAnswer where what it answers cannot be usage.
    """
    period.refuse_if_ahead(context.today)
    async with db.transaction() as session:
        asking = Asking(source, period, context, await own_role(session))
    async with asked(asking) as rows, db.long_transaction() as session:
        pulled = await _staged(session, asking, rows, progress)
        found = await reconcile(session, pulled, source.id)
        await session.rollback()
    if found.differences:
        async with db.transaction() as session:
            await notify_reconciled(session, source.name, str(period), _told(found), context.now)
    return found


async def _staged(
    session: Session, asking: Asking, rows: PulledRows, progress: Progress | None
) -> Pulled:
    try:
        return await stage_pull(session, rows, asking.period, asking.context.today, progress)
    except BadRows as refused:
        raise await named_faults(session, refused) from None


def _told(found: Reconciliation) -> dict[str, object]:
    """What is told of it in Slack, as it was found."""
    named = [vars(one) for one in found.differences[:DIFFERENCES_NAMED]]
    return {
        "customers": found.customers,
        "count": len(found.differences),
        "differences": named,
    }


DIFFERENCES_NAMED = 20
