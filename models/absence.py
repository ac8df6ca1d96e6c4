"""Going away and coming back: who acts in the place of an approver meanwhile."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models import cards, handover
from models.case import Act
from models.people import Deed, User
from models.refusals import Invalid, NotAllowed

MOST_DAYS = 366


async def go_away(session: AsyncSession, act: Act, until: date, delegate: User) -> None:
    """Whoever acts is away up to and including a day; `delegate` decides in their place.

    Refuses a day that is past or more than a year ahead, and a delegate who could not decide:
    themselves, somebody inactive or without the right to approve, or who is away too.
    """
    act.user.must(Deed.GO_AWAY)
    days = (until - act.today).days
    if not 0 <= days <= MOST_DAYS:
        raise Invalid("Name a day from today on, within a year, as in 2026-12-24.", "until")
    delegate = await session.get_one(User, delegate.id, populate_existing=True)
    if delegate.id == act.user.id:
        raise Invalid("Name somebody else to decide in your place.", "delegate")
    if not delegate.may(Deed.APPROVE):
        raise NotAllowed(f"{delegate.name} may not approve bills, and so not in your place either.")
    if delegate.is_away(act.today):
        raise Invalid(f"{delegate.name} is away too, until {delegate.away_until}.", "delegate")
    user = await session.get_one(User, act.user.id, with_for_update=True)
    user.away_until, user.delegate_id, user.updated_at = until, delegate.id, act.now
    await session.flush()
    await handover.hand_over(session, act)
    await cards.approvers_changed(session, [user.id])


async def come_back(session: AsyncSession, act: Act) -> bool:
    """Whoever acts is back; False where they were not away."""
    act.user.must(Deed.GO_AWAY)
    user = await session.get_one(User, act.user.id, with_for_update=True)
    if user.away_until is None:
        return False
    user.away_until = user.delegate_id = None
    user.updated_at = act.now
    await session.flush()
    await handover.hand_over(session, act)
    await cards.approvers_changed(session, [user.id])
    return True


async def end_absences(session: AsyncSession, act: Act) -> int:
    """Everybody whose last day away is past is back; returns how many."""
    back = (
        sa.update(User)
        .where(User.away_until < act.today)
        .values(away_until=None, delegate_id=None, updated_at=act.now)
        .returning(User.id)
    )
    returned = (await session.scalars(back)).all()
    if returned:
        await handover.hand_over(session, act)
        await cards.approvers_changed(session, returned)
    return len(returned)
