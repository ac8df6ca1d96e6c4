"""What somebody decided of late, on bills where it still stands."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.states import Verb
from models.people.users import User
from models.queries.allowed_verbs import allowed_verbs
from models.queries.bill_details import BillDetails
from models.queries.bill_loader import load_bill_details
from models.queries.history import HistoryEntry

SHOWN = 5
LOOKED_THROUGH = 20_000
"""So many actions of everybody are looked through at most while somebody waits."""


@dataclass(frozen=True)
class RecentDecision:
    """The newest decision of theirs that stands on a bill, and whether they can undo it now."""

    bill: BillDetails
    decision: HistoryEntry
    can_undo: bool


async def recent_decisions(
    session: AsyncSession, user: User, most: int = SHOWN
) -> Sequence[RecentDecision]:
    """What this person decided of late and stands, the newest first."""
    values = {"user_id": user.id, "looked": LOOKED_THROUGH, "most": most}
    bill_ids = (await session.scalars(_DECIDED_ON, values)).all()
    found = [_of(facts, user) for facts in await load_bill_details(session, bill_ids)]
    return sorted(filter(None, found), key=lambda one: one.decision.id, reverse=True)


def _of(facts: BillDetails, user: User) -> RecentDecision | None:
    own = [entry for entry in facts.decisions if entry.by.id == user.id]
    if not own:
        return None
    return RecentDecision(facts, own[-1], Verb.UNDO in allowed_verbs(facts, user))


_DECIDED_ON = sa.text("""
select bill_id
from (select * from bill_actions order by id desc limit :looked) latest
where stakeholder_id = :user_id
  and action in ('approve', 'reject', 'release', 'revise', 'send', 'void', 'undo')
group by bill_id order by max(id) desc limit :most
""")
