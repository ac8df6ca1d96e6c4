"""A month that was billed is held against its source, as that is now."""

from bot.warehouse.asking import asked
from models.audit.reconcile import Reconciliation, reconcile
from models.context import Context
from models.db.database import Database
from models.imports.pulled import stage_pull
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

    Raises WarehouseFailed where the source could not be asked, and BadRows where what it answers
    cannot be usage.
    """
    async with (
        asked(Asking(source, period, context)) as rows,
        db.long_transaction() as session,
    ):
        pulled = await stage_pull(session, rows, period, context.today, progress)
        found = await reconcile(session, pulled, source.id)
        await session.rollback()
    if found.differences:
        async with db.transaction() as session:
            await notify_reconciled(session, source.name, str(period), _told(found), context.now)
    return found


def _told(found: Reconciliation) -> dict[str, object]:
    """What is told of it in Slack, as it was found."""
    named = [vars(one) for one in found.differences[:DIFFERENCES_NAMED]]
    return {
        "customers": found.customers,
        "count": len(found.differences),
        "differences": named,
    }


DIFFERENCES_NAMED = 20
