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
LOOKED_THROUGH = 5_000
"""So many of one's own decisions are looked through at most: whoever sends bills by the thousand
has mostly such as are issued, on which nothing can be decided any more.
"""
LOOKED_AT = 8
"""So many bills are looked at for each shown: on some nothing stands of what one decided."""


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
    values = {"user_id": user.id, "looked": LOOKED_THROUGH, "most": most * LOOKED_AT}
    bill_ids = (await session.scalars(_DECIDED_ON, values)).all()
    found: list[RecentDecision] = []
    for start in range(0, len(bill_ids), most):
        details = await load_bill_details(session, bill_ids[start : start + most])
        found += filter(None, (_of(facts, user) for facts in details))
        if len(found) >= most:
            break
    return sorted(found, key=lambda one: one.decision.id, reverse=True)[:most]


def _of(facts: BillDetails, user: User) -> RecentDecision | None:
    own = [entry for entry in facts.decisions if entry.by.id == user.id]
    if not own:
        return None
    return RecentDecision(facts, own[-1], Verb.UNDO in allowed_verbs(facts, user))


_DECIDED_ON = sa.text("""
select bill_id
from (
    select own.id, own.bill_id
    from (
        select id, bill_id from bill_actions
        where stakeholder_id = :user_id
          and action in ('approve', 'reject', 'release', 'revise', 'send', 'void', 'undo')
        order by id desc limit :looked
    ) own
    cross join lateral (
        select from bills where bills.id = own.bill_id and number is null offset 0
    ) open
    order by own.id desc limit :most
) newest
group by bill_id order by max(id) desc
""")
"""The bills without a number on which somebody decided last; once there is one, no decision that
came before it stands any more.
"""
