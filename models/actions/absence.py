"""Going away and coming back: who acts in the place of an approver meanwhile."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.reroute import promise_reroute, reroute_open_bills
from models.context import Context
from models.errors import Invalid, NotAllowed
from models.outbox.cards import redraw_cards_waiting_for
from models.people.permissions import Permission
from models.people.users import User, lock_users

MOST_DAYS = 366


async def mark_away(session: AsyncSession, context: Context, until: date, delegate: User) -> None:
    """Whoever acts is away up to and including a day; `delegate` decides in their place.

    Refuses a day that is past or more than a year ahead, and a delegate who could not decide:
    themselves, somebody inactive or without the right to approve, or who is away too.
    """
    context.user.require(Permission.GO_AWAY)
    days = (until - context.today).days
    if not 0 <= days <= MOST_DAYS:
        raise Invalid("Name a day from today on, within a year, as in 2026-12-24.", "until")
    if delegate.id == context.user.id:
        raise Invalid("Name somebody else to decide in your place.", "delegate")
    locked = await lock_users(session, context.user.id, delegate.id)
    user, delegate = locked[context.user.id], locked[delegate.id]
    if not delegate.can(Permission.APPROVE):
        raise NotAllowed(f"{delegate.name} may not approve bills, and so not in your place either.")
    if delegate.is_away(context.today):
        raise Invalid(f"{delegate.name} is away too, until {delegate.away_until}.", "delegate")
    user.away_until, user.delegate_id, user.updated_at = until, delegate.id, context.now
    await session.flush()
    await promise_reroute(session, context, [user.id])


async def mark_back(session: AsyncSession, context: Context) -> bool:
    """Whoever acts is back; False where they were not away."""
    context.user.require(Permission.GO_AWAY)
    user = (await lock_users(session, context.user.id))[context.user.id]
    if user.away_until is None:
        return False
    user.away_until = user.delegate_id = None
    user.updated_at = context.now
    await session.flush()
    await promise_reroute(session, context, [user.id])
    return True


async def end_absences(session: AsyncSession, context: Context) -> int:
    """Everybody whose last day away is past is back; returns how many."""
    past = sa.select(User.id).where(User.away_until < context.today)
    locked = await lock_users(session, *(await session.scalars(past)).all())
    returned = [
        user
        for user in locked.values()
        if user.away_until is not None and not user.is_away(context.today)
    ]
    for user in returned:
        user.away_until = user.delegate_id = None
        user.updated_at = context.now
    if returned:
        await session.flush()
        await reroute_open_bills(session, context)
        await redraw_cards_waiting_for(session, [user.id for user in returned])
    return len(returned)
