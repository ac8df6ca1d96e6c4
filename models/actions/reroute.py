"""After people, roles or customers have changed: whose word do open bills wait for now?"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approvals import revoke_approvals
from models.bills.bill import lock_bills
from models.bills.history import append_actions
from models.context import Context, as_system
from models.outbox.cards import add_cards_of_bills, add_missing_cards, defer_redraw_cards_of_bills
from models.outbox.jobs import defer_reroute
from models.outbox.notifications import Recalculation, notify_recalculated

_HOLD = sa.text(f"""
with stranded as (select id from stranded_bills where id = any(:locked)), fallen as (
    update bills b
    set status = 'held', hold_reason = 'no_approver', version = b.version + 1, updated_at = :now
    where b.id in (select id from stranded)
    returning b.id, b.version, 'hold' as action, jsonb_build_object(
        'before', bill_figures(b) || '{{"status": "pending", "hold_reason": null}}',
        'after', bill_figures(b)) as snapshot
)
{append_actions("fallen")}
returning bill_id
""")


async def promise_reroute(
    session: AsyncSession, context: Context, user_ids: Sequence[int] = ()
) -> None:
    """Open bills are rerouted by a job: of whoever waits for an answer there may be too many.

    `user_ids`: for whom somebody decides by now, or does not any more; cards say so.
    """
    await defer_reroute(session, context.source, user_ids)


async def reroute_open_bills(
    session: AsyncSession,
    context: Context,
    locked: Sequence[int] | None = None,
    bill_ids: Sequence[int] | None = None,
) -> tuple[int, ...]:
    """Hold the bills that nobody can decide any more, and give cards to whoever is asked by now.

    Done by `system`, from where `context` came; Finance is told what is held, which is
    returned. `locked`: those that may be held, where the caller has locked them. `bill_ids`: all
    that are concerned, where they are few.
    """
    automatic = await as_system(session, context)
    if locked is None:
        await session.flush()
        locked = await lock_bills(session, "select id from stranded_bills", {})
    values = {"now": context.now, "user_id": automatic.user.id, "source": context.source}
    held = sorted(await session.scalars(_HOLD, values | {"locked": locked})) if locked else []
    if held:
        await revoke_approvals(session, held, context.now)
        await notify_recalculated(session, context.now, Recalculation(held=tuple(held)))
    await defer_redraw_cards_of_bills(session, held)
    if bill_ids is None:
        await add_missing_cards(session, context.settings.approvals_channel)
    else:
        await add_cards_of_bills(session, bill_ids, context.settings.approvals_channel)
    return tuple(held)
