"""Whoever is away by their status in Slack, for as long as it says so."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.absence import can_stand_in, end_absence, go_away, stood_in_for
from models.actions.reroute import promise_reroute
from models.context import Context
from models.outbox.people_notices import notify_away_by_status
from models.people.away_statuses import AwayStatus, StatusSaid
from models.people.permissions import Permission
from models.people.users import User, lock_users


async def follow_status(
    session: AsyncSession, context: Context, slack_user_id: str, said: StatusSaid | None
) -> None:
    """Somebody's status in Slack says by now that they are away, or (None) does not.

    Whom they named last decides in their place, if they can, and both are told. What they have said
    here themselves goes before it: a status does not change that they are away, and whoever is back
    is away again only with another status.
    """
    user = await session.scalar(sa.select(User).where(User.slack_user_id == slack_user_id))
    if user is None or not user.can(Permission.GO_AWAY):
        return
    known = await session.get(AwayStatus, user.id)
    if (known and known.said) == said:
        return
    delegate = await _locked_with_delegate(session, user)
    known = await session.get(AwayStatus, user.id, populate_existing=True)
    if said is None:
        await _forget(session, context, user, known)
        return
    if known is None:
        known = AwayStatus(user_id=user.id, is_followed=False)
        session.add(known)
    known.emoji, known.ends_at = said.emoji, said.ends_at
    known.is_followed = known.is_followed or user.away_until is None
    await session.flush()
    if known.is_followed:
        able = delegate if delegate and can_stand_in(delegate, context.today) else None
        await go_away(session, context, user, said.last_day(context.settings.zone), able)
        await notify_away_by_status(session, user, context.now)


async def _locked_with_delegate(session: AsyncSession, user: User) -> User | None:
    """Locks all whom this concerns at once; returns whom `user` named last."""
    ids = (await session.scalars(stood_in_for(user.id))).all()
    last = [user.last_delegate_id] if user.last_delegate_id else []
    locked = await lock_users(session, user.id, *last, *ids)
    return locked.get(user.last_delegate_id or 0)


async def _forget(
    session: AsyncSession, context: Context, user: User, known: AwayStatus | None
) -> None:
    if known is None:
        return
    await session.delete(known)
    if known.is_followed and user.away_until is not None:
        await end_absence(session, user, context)
        await promise_reroute(session, context, [user.id])
