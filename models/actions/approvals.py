"""Which approvals of a bill stand: set anew, and revoked. One is given by the action itself."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.approvers import GivenApproval
from models.bills.replay import Approval
from models.outbox.notifications import notify_approvals_revoked


async def revoke_approvals(session: AsyncSession, bill_ids: Sequence[int], now: datetime) -> None:
    """Take every approval of these bills away, and tell those who had given them."""
    bills_of: dict[int, list[int]] = defaultdict(list)
    for bill_id, user_id in await session.execute(_REVOKE, {"bill_ids": list(bill_ids)}):
        bills_of[user_id].append(bill_id)
    if bills_of:
        await notify_approvals_revoked(session, now, bills_of)


_REVOKE = sa.text("""
delete from approvals where bill_id = any(:bill_ids) returning bill_id, user_id
""")


async def set_approvals(session: AsyncSession, bill_id: int, approvals: Iterable[Approval]) -> None:
    """Write down which approvals of a bill stand now."""
    await session.execute(sa.delete(GivenApproval).where(GivenApproval.bill_id == bill_id))
    rows = [
        {"bill_id": bill_id, "slot": a.slot, "user_id": a.user_id, "action_id": a.action_id}
        for a in approvals
    ]
    if rows:
        await session.execute(sa.insert(GivenApproval), rows)
