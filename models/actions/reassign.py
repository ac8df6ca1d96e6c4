"""Reassign: somebody else is asked for an approval that a bill waits for."""

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.loaded_bill import LoadedBill, load_for
from models.bills.approvers import SLOT_ROLES, SLOT_TITLES, Slot, approved_already
from models.bills.history import BillAction
from models.bills.snapshots import SLOT
from models.bills.states import Verb
from models.context import Context
from models.dates import until_when
from models.errors import Invalid, WrongState
from models.outbox.cards import add_cards
from models.outbox.notifications import notify_reassigned
from models.people.permissions import APPROVER_ROLES, Permission
from models.people.users import User, find_person
from models.text import remark_text

ASKED = "user_id"
"""The input that whoever is to be asked is named by."""


async def reassign_bill(
    session: AsyncSession,
    bill_id: int,
    version: int,
    context: Context,
    user_id: int | None,
    words: str | None = None,
) -> BillAction:
    """Ask somebody else for this bill alone, in the place of whoever is asked.

    Changes neither the bill nor its version. Of several approvals that are missing it is the one
    that their role can give. Refuses whoever could not give it: see `why_not`.
    """
    loaded = await load_for(session, bill_id, Verb.REASSIGN, context, version)
    missing = await check_reassign(loaded, context)
    asked = await find_person(session, user_id or 0)
    if asked is None:
        raise Invalid("Choose somebody who may approve bills.", ASKED)
    refused = why_not(asked, loaded, context.today)
    if refused is not None:
        raise Invalid(refused, ASKED)
    slot = next(one for one in missing if asked.role in SLOT_ROLES[one.slot])
    await session.execute(_REASSIGN, {"bill_id": bill_id, "slot": slot.slot, "user_id": asked.id})
    told = {SLOT: slot.slot, "asked": asked.id, "instead_of": slot.user.id if slot.user else None}
    action = await loaded.record(Verb.REASSIGN, context, comment=remark_text(words), snapshot=told)
    await notify_reassigned(session, bill_id, action.id, asked)
    await add_cards(session, bill_id, context.settings.approvals_channel)
    return action


_REASSIGN = sa.text("""
insert into reassignments (bill_id, slot, user_id) values (:bill_id, :slot, :user_id)
on conflict (bill_id, slot) do update set user_id = excluded.user_id
""")


async def check_reassign(loaded: LoadedBill, context: Context) -> Sequence[Slot]:
    """The approvals that are missing, for which somebody else can be asked."""
    del context
    missing = [one for one in loaded.approvers.slots if one.given_action_id is None]
    if not missing:
        raise WrongState("No approval of it is missing.")
    return missing


async def who_may_be_asked(loaded: LoadedBill, today: date) -> Sequence[User]:
    """Everybody who could be asked instead, in alphabetical order."""
    able = sa.select(User).where(User.active, User.role.in_(APPROVER_ROLES)).order_by(User.name_key)
    found = await loaded.session.scalars(able)
    return [user for user in found if why_not(user, loaded, today) is None]


def why_not(user: User, loaded: LoadedBill, today: date) -> str | None:
    """Why this person cannot be asked for an approval that is missing; None where they can."""
    missing = [one for one in loaded.approvers.slots if one.given_action_id is None]
    slot = next((one for one in missing if user.role in SLOT_ROLES[one.slot]), None)
    if not user.can(Permission.APPROVE):
        return f"{user.name} may not approve bills."
    if slot is None:
        waits = " and ".join(SLOT_TITLES[one.slot] for one in missing)
        return f"The bill waits for {waits}, and {user.name} has the role {user.role}."
    gave = approved_already(loaded.approvers.slots, user, loaded.state.approvals)
    last_away = until_when(user.away_until) if user.away_until else ""
    reasons = (
        (slot.user is not None and slot.user.id == user.id, "is asked already"),
        (user.id in loaded.made_by, "made its figures, so somebody else has to decide on it"),
        (gave, "has approved this bill already, and somebody else has to, too"),
        (not user.can_get_in, "is not in Slack and has no password, so nobody could ask them"),
        (user.is_away(today), f"is away, {last_away}"),
    )
    return next((f"{user.name} {told}." for applies, told in reasons if applies), None)
