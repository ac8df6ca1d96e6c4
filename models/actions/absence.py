"""Going away and coming back: who acts in the place of an approver meanwhile."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from models.actions.reroute import promise_reroute, reroute_open_bills
from models.context import Context
from models.dates import until_when
from models.errors import Invalid
from models.outbox.cards import redraw_cards_waiting_for
from models.outbox.people_notices import (
    notify_delegate,
    notify_delegate_lost,
    notify_passed_on,
)
from models.people.away_statuses import AwayStatus
from models.people.permissions import APPROVER_ROLES, Permission
from models.people.users import User, lock_users
from models.people.who_can import require

MOST_DAYS = 366
DELEGATE = "delegate_id"
"""The input that a delegate who could not decide is named by."""


async def mark_away(session: AsyncSession, context: Context, until: date, delegate: User) -> None:
    """Whoever acts is away up to and including a day; `delegate` decides in their place, and for
    everybody in whose place they decided themselves.

    Refuses a day that is past or more than a year ahead, and a delegate who could not decide:
    themselves, somebody inactive or without the right to approve, not in Slack, or who is away too.
    """
    await require(session, context.user, Permission.GO_AWAY)
    days = (until - context.today).days
    if not 0 <= days <= MOST_DAYS:
        raise Invalid("Name a day from today on, within a year, as in 2026-12-24.", "until")
    if delegate.id == context.user.id:
        raise Invalid("Name somebody else to decide in your place.", DELEGATE)
    others = (await session.scalars(stood_in_for(context.user.id))).all()
    locked = await lock_users(session, context.user.id, delegate.id, *others)
    user, delegate = locked[context.user.id], locked[delegate.id]
    _refuse_unable(delegate, context.today)
    user.last_delegate_id = delegate.id
    await _own_word(session, user)
    await go_away(session, context, user, until, delegate)


def _refuse_unable(delegate: User, today: date) -> None:
    if not delegate.can(Permission.APPROVE):
        raise Invalid(
            f"{delegate.name} may not approve bills, and so not in your place either.", DELEGATE
        )
    if not delegate.slack_user_id:
        raise Invalid(f"{delegate.name} is not in Slack, so no card would reach them.", DELEGATE)
    if delegate.away_until and delegate.is_away(today):
        last = until_when(delegate.away_until)
        raise Invalid(f"{delegate.name} is away too, {last}.", DELEGATE)


def can_stand_in(delegate: User, today: date) -> bool:
    """Whether this person could decide in somebody's place today."""
    try:
        _refuse_unable(delegate, today)
    except Invalid:
        return False
    return True


async def go_away(
    session: AsyncSession, context: Context, user: User, until: date, delegate: User | None
) -> None:
    """Somebody, under their lock, is away up to and including a day, and `delegate` decides in
    their place, if anybody does; so they do for those in whose place `user` did.
    """
    former = await _delegate_of(session, user)
    user.away_until, user.updated_at = until, context.now
    user.delegate_id = delegate.id if delegate else None
    await session.flush()
    for told in {one.id: one for one in (delegate, former) if one}.values():
        await notify_delegate(session, user, told, context.now)
    passed_on = await _pass_on(session, user, delegate, context) if delegate else []
    await promise_reroute(session, context, [user.id, *passed_on])


async def _own_word(session: AsyncSession, user: User) -> None:
    """What this person says here goes before their status in Slack, until they have another."""
    theirs = sa.update(AwayStatus).where(AwayStatus.user_id == user.id)
    await session.execute(theirs.values(is_followed=False))


async def _pass_on(
    session: AsyncSession, user: User, delegate: User, context: Context
) -> list[int]:
    """`delegate` decides for those in whose place `user` did until now; returns who that is."""
    found = (await session.scalars(stood_in_for(user.id))).all()
    others = await lock_users(session, *found)
    for other in others.values():
        other.delegate_id, other.updated_at = delegate.id, context.now
        await session.flush()
        await notify_passed_on(session, other, user, delegate, context.now)
    return list(others)


def stood_in_for(user_id: int) -> sa.Select[int]:
    """The ids of those in whose place this person decides."""
    away = sa.select(User.id).where(User.delegate_id == user_id, User.away_until.is_not(None))
    return away.order_by(User.id)


async def _delegate_of(session: AsyncSession, user: User) -> User | None:
    return await session.get(User, user.delegate_id) if user.delegate_id else None


async def mark_back(session: AsyncSession, context: Context) -> bool:
    """Whoever acts is back; False where they were not away."""
    await require(session, context.user, Permission.GO_AWAY)
    user = (await lock_users(session, context.user.id))[context.user.id]
    if user.away_until is None:
        return False
    await _own_word(session, user)
    await end_absence(session, user, context)
    await promise_reroute(session, context, [user.id])
    return True


async def end_absence(session: AsyncSession, user: User, context: Context) -> None:
    """Nobody decides in this person's place any more, and whoever did is told."""
    delegate = await _delegate_of(session, user)
    user.away_until = user.delegate_id = None
    user.updated_at = context.now
    await session.flush()
    if delegate:
        await notify_delegate(session, user, delegate, context.now)


async def end_absences(session: AsyncSession, context: Context) -> int:
    """Everybody whose last day away is past, or whose status that said so is over, is back; returns
    how many.
    """
    status_over = (AwayStatus.is_followed, AwayStatus.ends_at <= context.now)
    over = sa.select(AwayStatus.user_id).where(*status_over)
    past = sa.or_(User.away_until < context.today, User.id.in_(over))
    away = sa.select(User.id).where(User.away_until.is_not(None), past)
    locked = await lock_users(session, *(await session.scalars(away)).all())
    still = (await session.scalars(away)).all()
    returned = [user for user in locked.values() if user.id in still]
    for user in returned:
        await _own_word(session, user)
        await end_absence(session, user, context)
    if returned:
        await reroute_open_bills(session, context)
        await redraw_cards_waiting_for(session, [user.id for user in returned])
    return len(returned)


async def end_lost_delegations(session: AsyncSession, context: Context) -> int:
    """Whoever is away and whose delegate cannot decide any more, whatever became of them, has none,
    and decides alone; they and Finance hear it. Returns how many.
    """
    users = await lock_users(session, *(await session.scalars(_LOST)).all())
    for away in users.values():
        delegate = await _delegate_of(session, away)
        if delegate is None or delegate.can(Permission.APPROVE):
            continue
        away.delegate_id, away.updated_at = None, context.now
        await session.flush()
        await notify_delegate_lost(session, away, delegate, context.now)
    if users:
        await redraw_cards_waiting_for(session, list(users))
    return len(users)


_DELEGATE = aliased(User)
_LOST = (
    sa.select(User.id)
    .join(_DELEGATE, _DELEGATE.id == User.delegate_id)
    .where(
        User.away_until.is_not(None),
        sa.or_(~_DELEGATE.active, _DELEGATE.role.is_(None), _DELEGATE.role.not_in(APPROVER_ROLES)),
    )
)
