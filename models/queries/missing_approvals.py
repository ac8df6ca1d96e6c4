"""The approvals that bills wait for, and who can give them."""

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.approvers import GivenApproval, Slot, approvers_of, role_of_slot
from models.bills.states import State
from models.queries.bill_details import MissingApproval
from models.queries.bill_list import BillLine

Needed = tuple[MissingApproval, ...]


async def missing_approvals(
    session: AsyncSession, bills: Iterable[BillLine]
) -> Mapping[int, Needed]:
    """Of those of these bills that wait for approval, by their ids."""
    pending = [bill.id for bill in bills if bill.status is State.PENDING]
    if not pending:
        return {}
    given = sa.select(GivenApproval.bill_id, GivenApproval.user_id)
    given = given.where(GivenApproval.bill_id.in_(pending))
    gave: dict[int, set[int]] = {bill_id: set() for bill_id in pending}
    for bill_id, user_id in await session.execute(given):
        gave[bill_id].add(user_id)
    approvers = await approvers_of(session, pending)
    return {bill_id: missing_of(one.slots, gave[bill_id]) for bill_id, one in approvers.items()}


def missing_of(slots: Iterable[Slot], gave: Collection[int]) -> Needed:
    """Of these slots those that are not filled. Nobody gives two: whoever `gave` their own word
    already, is asked for it, or stands in for somebody else has none for whoever is away.
    """
    missing = [slot for slot in slots if slot.given_action_id is None]
    asked = {*gave, *(slot.named.id for slot in missing if slot.named and not slot.delegate)}
    needed = []
    for slot in missing:
        delegate = slot.delegate if slot.delegate and slot.delegate.id not in asked else None
        asked |= {delegate.id} if delegate else set()
        people = (slot.named,) if slot.named else ()
        role = role_of_slot(slot.slot)
        needed.append(MissingApproval(slot.slot, role, people, slot.away, delegate))
    return tuple(needed)
