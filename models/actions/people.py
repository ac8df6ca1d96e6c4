"""What Finance changes about people: roles, whether they may do anything, their Slack accounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.reroute import promise_reroute
from models.context import Context
from models.errors import NotFound, WrongState
from models.outbox.people_notices import notify_access_granted
from models.people.api_tokens import revoke_api_tokens
from models.people.permissions import Permission, Role
from models.people.sessions import end_devices
from models.people.sign_in_links import cancel_sign_in_links, make_sign_in_link
from models.people.users import User, keeping_finance, lock_users
from models.people.who_can import require
from models.slack_ids import read_member_id


@dataclass(frozen=True)
class PersonEdit:
    """What is to be changed: what `given` lacks stays as it is.

    `role`: a Role, or None to take it away. `active`: whether they may do anything at all.
    `slack_user_id`: the Slack account that is theirs, or None.
    """

    given: Mapping[str, Any]

    @property
    def switches_off(self) -> bool:
        return self.given.get("active") is False


async def edit_person(
    session: AsyncSession, user_id: int, edit: PersonEdit, context: Context
) -> User:
    """Change somebody; refuses to leave nobody of Finance, and a Slack account of somebody else.

    Whoever is switched off is signed out everywhere, and has to set a new password when they are
    back. Whoever is given their first role is told.
    """
    await require(session, context.user, Permission.GIVE_ROLES)
    slack_id = _slack_id(edit)
    if edit.switches_off:
        await _shut_out(session, user_id)
    wanted = sa.or_(User.id == user_id, User.slack_user_id == (slack_id or ""))
    async with keeping_finance(session, wanted, can_get_in=True) as locked:
        user = next((one for one in locked if one.id == user_id and not one.is_system), None)
        if user is None:
            raise NotFound("That person is not here.")
        had_none = user.role is None or not user.active
        _set_role(user, edit)
        if "slack_user_id" in edit.given and user.slack_user_id != slack_id:
            await _give_slack_account(session, user, slack_id, locked)
        user.updated_at = context.now
    if had_none and user.role is not None and user.active:
        await notify_access_granted(session, user, context.user, context.now)
    await promise_reroute(session, context)
    return user


async def make_way_in(session: AsyncSession, user_id: int, context: Context) -> tuple[User, str]:
    """Somebody, and the token of a one-time link for them, which is told once and never again.

    For whoever has no other way in, as after a password was forgotten. Refuses whoever is in Slack,
    who gets a link there and whom nobody else needs to sign in; and whoever is switched off.
    """
    await require(session, context.user, Permission.GIVE_ROLES)
    user = (await lock_users(session, user_id)).get(user_id)
    if user is None or user.is_system:
        raise NotFound("That person is not here.")
    if not user.active:
        raise WrongState(f"{user.name} is switched off. Switch them on first.")
    if user.slack_user_id is not None:
        raise WrongState(f"{user.name} has a Slack account, and gets a link there.")
    await cancel_sign_in_links(session, user.id)
    return user, await make_sign_in_link(session, user, context.now)


def _slack_id(edit: PersonEdit) -> str | None:
    typed = edit.given.get("slack_user_id")
    return read_member_id(typed) if typed else None


def _set_role(user: User, edit: PersonEdit) -> None:
    if "role" in edit.given:
        user.role = edit.given["role"] and Role(edit.given["role"])
        user.active = user.active or user.role is not None
    if "active" in edit.given:
        user.active = edit.given["active"]
    if edit.switches_off:
        user.password_digest = None


async def _shut_out(session: AsyncSession, user_id: int) -> None:
    await end_devices(session, user_id)
    await revoke_api_tokens(session, user_id)
    await cancel_sign_in_links(session, user_id)


async def _give_slack_account(
    session: AsyncSession, user: User, slack_id: str | None, locked: list[User]
) -> None:
    """Link somebody with a Slack account, or with none.

    Whoever Slack alone has made known, by a request for a role, gives way: nothing was done in
    their name. Of two who both have a role nobody knows which is to go on.
    """
    owner = next((one for one in locked if slack_id and one.slack_user_id == slack_id), None)
    if owner is not None:
        if owner.role is not None or owner.password_digest is not None:
            raise WrongState(_taken(owner, user))
        owner.slack_user_id, owner.active = None, False
        await session.flush()
    user.slack_user_id, user.slack_team_id = slack_id, None
    await session.flush()


def _taken(owner: User, user: User) -> str:
    role = f" ({owner.role})" if owner.role else ""
    return (
        f"That is the Slack account of {owner.name}{role}, and nobody shares one. If they are the "
        f"same person, switch {user.name} off here: {owner.name} signs in with a link from Slack, "
        "and sets a password then."
    )
