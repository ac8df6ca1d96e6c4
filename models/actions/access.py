"""Who gets in: people who ask for a role, and what becomes of that."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Context
from models.errors import NotAllowed, NotFound, WrongState
from models.outbox.people_notices import (
    is_declined_today,
    notify_access_declined,
    notify_access_granted,
    notify_access_requested,
    notify_back_in_slack,
    notify_left_slack,
)
from models.people.permissions import Permission, Role
from models.people.users import User, find_by_slack, lock_users, users_with_role
from models.people.who_can import require, who_gives_roles
from models.text import cleaned_name

NAME_CHARS = 180


async def welcome(
    session: AsyncSession, slack_user_id: str, team_id: str, name: str, email: str | None
) -> User:
    """The person of a Slack account, added without a role if nobody is.

    A name proves nothing: where somebody else has it, the account's id is put behind it.
    """
    user = await find_by_slack(session, slack_user_id, team_id)
    if user is not None:
        return user
    shown = " ".join(cleaned_name(name).split())[:NAME_CHARS] or slack_user_id
    for called in (shown, f"{shown} ({slack_user_id})"):
        row = {
            "name": called,
            "email": email,
            "slack_user_id": slack_user_id,
            "slack_team_id": team_id,
        }
        await session.execute(insert(User).values(row).on_conflict_do_nothing())
        user = await find_by_slack(session, slack_user_id, team_id)
        if user is not None:
            return user
    raise NotFound("Nobody could be added for this Slack account.")


async def ask_for_role(session: AsyncSession, asker: User, now: datetime) -> int:
    """Ask Finance to give somebody a role, at most once a day; returns how many people are asked.

    Refuses whoever has one, and where somebody has said no today.
    """
    if asker.role is not None and asker.active:
        raise WrongState(f"Your role is {asker.role} already.")
    if await is_declined_today(session, asker, now):
        told = "Your request was declined today. Talk to Finance, or ask again tomorrow."
        raise NotAllowed(told, who_can=await who_gives_roles(session))
    return await notify_access_requested(session, asker, now)


async def grant_role(session: AsyncSession, user_id: int, role: Role, context: Context) -> User:
    """Answer somebody's request for access; refuses one that is answered already."""
    user = await _asker(session, user_id, context)
    user.role = role
    user.active = True
    user.updated_at = context.now
    await session.flush()
    await notify_access_granted(session, user, context.user, context.now)
    return user


async def decline_access(session: AsyncSession, user_id: int, context: Context) -> User:
    """Give no role to somebody who asked, and tell them; refuses where they have one by now."""
    user = await _asker(session, user_id, context)
    await notify_access_declined(session, user, context.user, context.now)
    return user


async def _asker(session: AsyncSession, user_id: int, context: Context) -> User:
    """Somebody without a role, under their lock."""
    await require(session, context.user, Permission.GIVE_ROLES)
    user = (await lock_users(session, user_id)).get(user_id)
    if user is None or user.is_system:
        raise NotFound("That person is not here.")
    if user.role is not None and user.active:
        raise WrongState(f"{user.name} is {user.role} already. Nothing was changed.")
    return user


async def deactivate(session: AsyncSession, slack_user_id: str) -> bool:
    """Somebody has left the workspace: they can do nothing here, and nothing is sent to them.
    Finance hears who that is.

    Whether the last of Finance went with them: nobody can keep whoever leaves.
    """
    at = sa.func.now()
    leaving = sa.update(User).where(User.slack_user_id == slack_user_id, User.active)
    leaving = leaving.values(active=False, left_slack_at=at, updated_at=at)
    gone = await _changed(session, leaving)
    if gone is None or gone.role is None:
        return False
    await notify_left_slack(session, gone)
    finance = await users_with_role(session, Role.FINANCE)
    return gone.role == Role.FINANCE and not any(one.can_get_in for one in finance)


async def note_return(session: AsyncSession, slack_user_id: str) -> None:
    """Somebody is in the workspace. Finance hears it of whoever had left and is still switched off:
    whether they do here what they did before is for Finance to say.
    """
    had_left = (User.slack_user_id == slack_user_id, User.left_slack_at.is_not(None))
    returning = sa.update(User).where(*had_left)
    returning = returning.values(left_slack_at=None, updated_at=sa.func.now())
    back = await _changed(session, returning)
    if back is not None and back.role is not None and not back.active:
        await notify_back_in_slack(session, back)


async def _changed(session: AsyncSession, change: sa.Update) -> User | None:
    """Whom this change of one person has changed, as they are by now."""
    changed = change.returning(User).execution_options(populate_existing=True)
    return (await session.scalars(changed)).one_or_none()
