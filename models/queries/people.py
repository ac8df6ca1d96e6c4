"""People, as Finance looks after them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.db.names import name_key
from models.errors import NotFound
from models.people.users import SYSTEM, User

PAGE = 100


@dataclass(frozen=True)
class PeoplePage:
    """So many people by name. `after`: the key to go on after; None where there are no more."""

    people: Sequence[User]
    after: str | None


async def find_people(
    session: AsyncSession, looked_for: str = "", after: str = "", most: int = PAGE
) -> PeoplePage:
    """People by name, after that key; `looked_for`: with this in their name or e-mail address."""
    query = sa.select(User).where(User.name != SYSTEM, User.name_key > after)
    if looked_for:
        key = await name_key(session, looked_for)
        named = User.name_key.contains(key, autoescape=True)
        mailed = User.email.icontains(looked_for, autoescape=True)
        query = query.where(sa.or_(named, mailed))
    found = (await session.scalars(query.order_by(User.name_key).limit(most + 1))).all()
    return PeoplePage(found[:most], found[most - 1].name_key if len(found) > most else None)


async def waiting_for_role(session: AsyncSession, most: int = PAGE) -> Sequence[User]:
    """Whoever has an account and no role, the newest first."""
    query = sa.select(User).where(User.role.is_(None), User.active, User.name != SYSTEM)
    return (await session.scalars(query.order_by(User.id.desc()).limit(most))).all()


async def absent(
    session: AsyncSession, people: Iterable[User], today: date
) -> Mapping[int, User | None]:
    """Who of these is away today, by their ids, and who decides in their place, if anybody does."""
    away = {user.id: user.delegate_id for user in people if user.is_away(today)}
    query = sa.select(User).where(User.id.in_(set(away.values()) - {None}))
    delegates: dict[int | None, User] = {user.id: user for user in await session.scalars(query)}
    return {who: delegates.get(delegate) for who, delegate in away.items()}


async def get_person(session: AsyncSession, user_id: int) -> User:
    """Raises NotFound."""
    user = await session.get(User, user_id)
    if user is None:
        raise NotFound("That person is not here.")
    return user
