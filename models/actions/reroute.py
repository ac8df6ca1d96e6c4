"""After people, roles or customers have changed: whose word do open bills wait for now?"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approvals import revoke_approvals
from models.context import Context, as_system
from models.outbox.cards import add_missing_cards, defer_card_updates
from models.outbox.notifications import Recalculation, notify_recalculated

# A bill that Finance let go although nobody was there stays so.
_HOLD = sa.text("""
with stranded as (
    select b.id
    from bills b join desks d on d.bill_id = b.id
    where d.undecidable and b.status = 'pending'
      and not exists (
          select from bill_actions a
          where a.bill_id = b.id and a.action in ('release', 'revise')
            and a.snapshot -> 'before' ->> 'hold_reason' = 'no_approver')
    order by b.id for update of b
), fallen as (
    update bills b
    set status = 'held', hold_reason = 'no_approver', version = b.version + 1, updated_at = :now
    where b.id in (select id from stranded) and b.status = 'pending'
    returning b.*
)
insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, snapshot,
    created_at, updated_at)
select id, version, :user_id, 'hold', :source, jsonb_build_object(
        'before', bill_figures(fallen) || '{"status": "pending", "hold_reason": null}',
        'after', bill_figures(fallen)),
    :now, :now
from fallen
returning bill_id
""")


async def reroute_open_bills(session: AsyncSession, context: Context) -> int:
    """Hold the bills that nobody can decide any more, and give cards to whoever is asked by now.

    Done by `system`, from where `act` came; Finance is told what is held, and the number of bills
    held is returned.
    """
    automatic = await as_system(session, context)
    values = {"now": context.now, "user_id": automatic.user.id, "source": context.source}
    held = sorted(await session.scalars(_HOLD, values))
    if held:
        await revoke_approvals(session, held, context.now)
        await notify_recalculated(session, context.now, Recalculation(held=tuple(held)))
    await defer_card_updates(session, held)
    await add_missing_cards(session, context.settings.approvals_channel)
    return len(held)
