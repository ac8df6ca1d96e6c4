"""Who can do what somebody may not, so that whoever is refused knows whom to ask."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import NotAllowed
from models.named_people import PersonRef, WhoCan
from models.people.permissions import ROLE_PERMISSIONS, Permission, Role
from models.people.users import User

NAMED = 3


async def require(session: AsyncSession, user: User, permission: Permission) -> None:
    """Refuse whoever may not, and say who can."""
    if not user.can(permission):
        raise await not_permitted(session, user, permission)


async def not_permitted(
    session: AsyncSession, user: User, permission: Permission, who: WhoCan | None = None
) -> NotAllowed:
    """The refusal of somebody without a permission; `who`: those that can do this very thing."""
    if user.is_system:
        return NotAllowed(f"Countersign itself may not {permission}; that takes a person.")
    if not user.active:
        return await _by_finance(session, user, "Your account in Countersign is switched off.")
    if user.role is None:
        return await _by_finance(session, user, "You have no role in Countersign yet.")
    able = _roles_with(permission)
    if not able:
        return NotAllowed("Only Countersign itself does that; it is not done by hand.")
    may = f", which may not {permission}" if len(able) > 1 else f"; only {able[0]} may {permission}"
    who = who or await holders(session, *able, besides=user)
    return NotAllowed(f"Your role is {user.role}{may}.", who_can=who)


async def _by_finance(session: AsyncSession, user: User, why: str) -> NotAllowed:
    """Colleagues are named to those whom Slack vouches for: an account on the web is anybody's."""
    if user.slack_user_id is None:
        return NotAllowed(f"{why} Ask Finance about it.")
    return NotAllowed(why, who_can=await who_gives_roles(session, user))


async def who_gives_roles(session: AsyncSession, besides: User | None = None) -> WhoCan:
    return await holders(session, *_roles_with(Permission.GIVE_ROLES), besides=besides)


async def holders(session: AsyncSession, *roles: Role, besides: User | None = None) -> WhoCan:
    """Whoever has one of these roles and can get in."""
    others = sa.true() if besides is None else User.id != besides.id
    return await who_of(session, sa.and_(User.role.in_(roles), others), *roles)


async def who_of(session: AsyncSession, meant: sa.ColumnElement[bool], *roles: Role) -> WhoCan:
    """Those `meant` who can get in, first who is in Slack and not away; where there are none, the
    `roles` that they would need, and who gives those.
    """
    count = sa.func.count().over().label("all")
    first = (User.away_until.is_not(None), User.slack_user_id.is_(None), User.name_key)
    query = sa.select(User.id, User.name, User.role, User.slack_user_id, count)
    here = query.where(meant, User.active, User.can_get_in)
    found = (await session.execute(here.order_by(*first).limit(NAMED))).all()
    if found:
        people = tuple(PersonRef(*row[:4]) for row in found)
        return WhoCan(people, found[0].all - len(found))
    gives = None if Role.FINANCE in roles else await who_gives_roles(session)
    return WhoCan(roles=roles, giving_roles=gives)


def _roles_with(permission: Permission) -> tuple[Role, ...]:
    return tuple(role for role in Role if permission in ROLE_PERMISSIONS[role])
