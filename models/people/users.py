"""Users: who they are, finding, adding and changing them, and that one of Finance is left."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base, Id
from models.db.locks import busy_after_waiting, lock_for_write
from models.db.names import NameKey, checked_name
from models.db.rows import keep, rows
from models.errors import Invalid, NextStep, NotAllowed, NotFound, Step
from models.mailboxes import read_mailboxes
from models.named_people import PersonRef
from models.people.permissions import ROLE_PERMISSIONS, SYSTEM_PERMISSIONS, Permission, Role
from models.slack_ids import read_member_id
from models.text import cleaned_name

SYSTEM = "system"
NAME_CHARS = 200
ZONE_CHARS = 100


class User(Base):
    """Somebody who may or may not do things here; `system` is the clock and the command line."""

    __tablename__ = "users"

    id: Mapped[Id]
    name: Mapped[str]
    name_key: Mapped[NameKey]
    email: Mapped[str | None]
    role: Mapped[str | None]
    password_digest: Mapped[str | None]
    slack_user_id: Mapped[str | None]
    slack_team_id: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=sa.true())
    away_until: Mapped[date | None]
    delegate_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("users.id"))
    last_delegate_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("users.id"))
    slack_zone: Mapped[str | None]
    slack_zone_read_at: Mapped[datetime | None]
    left_slack_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())

    @property
    def is_system(self) -> bool:
        return self.name == SYSTEM

    @property
    def is_newcomer(self) -> bool:
        """Whether they made an account for themselves, and nobody has said yet who they are."""
        return self.active and self.role is None and self.password_digest is not None

    @hybrid_property
    def can_get_in(self) -> bool:
        """Whether there is a way in for them: from Slack, or by a password."""
        return self.slack_user_id is not None or self.password_digest is not None

    @can_get_in.inplace.expression
    @classmethod
    def _can_get_in(cls) -> sa.ColumnElement[bool]:
        return sa.or_(cls.slack_user_id.is_not(None), cls.password_digest.is_not(None))

    def is_away(self, today: date) -> bool:
        """Away up to and including the day named, where the company counts days."""
        return self.away_until is not None and today <= self.away_until

    def can(self, permission: Permission) -> bool:
        """Nobody inactive or without a role may do anything."""
        if not self.active:
            return False
        if self.is_system:
            return permission in SYSTEM_PERMISSIONS
        return self.role is not None and permission in ROLE_PERMISSIONS[Role(self.role)]


async def lock_users(session: AsyncSession, *user_ids: int) -> dict[int, User]:
    """These people as they are now, whom until the transaction ends nobody else changes."""
    await lock_for_write(session, User.__tablename__)
    query = sa.select(User).where(User.id.in_(user_ids)).order_by(User.id)
    query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    with busy_after_waiting():
        return {user.id: user for user in await session.scalars(query)}


async def system_user(session: AsyncSession) -> User:
    return (await session.scalars(sa.select(User).where(User.name == SYSTEM))).one()


async def find_by_slack(session: AsyncSession, slack_user_id: str, team_id: str) -> User | None:
    """The person behind a Slack account, whose workspace is noted at first contact.

    Refuses an account of the same id in another workspace.
    """
    found = await rows(session, _BY_SLACK, (slack_user_id,))
    if not found:
        return None
    user = keep(session, User, found[0])
    if user.slack_team_id is None:
        user.slack_team_id = team_id
        await session.flush()
    if user.slack_team_id != team_id:
        raise NotAllowed("Countersign serves its own workspace only.")
    return user


async def keep_slack_zone(
    session: AsyncSession, slack_user_id: str, zone: str, now: datetime
) -> None:
    """Note where the person of that Slack account is, if there is one, as Slack says now."""
    zone = zone[:ZONE_CHARS]
    elsewhere = (User.slack_user_id == slack_user_id, User.slack_zone.is_distinct_from(zone))
    told = {"slack_zone": zone, "slack_zone_read_at": now}
    await session.execute(sa.update(User).where(*elsewhere).values(told))


async def slack_ids_of_people(session: AsyncSession) -> list[str]:
    """The Slack accounts of all who may do something, and of those who have left."""
    known = sa.select(User.slack_user_id).where(
        User.slack_user_id.is_not(None),
        User.role.is_not(None),
        sa.or_(User.active, User.left_slack_at.is_not(None)),
    )
    return [one for one in await session.scalars(known.order_by(User.id)) if one]


_COLUMNS = ", ".join(column.name for column in User.__table__.columns)

_BY_SLACK = f"select {_COLUMNS} from users where slack_user_id = %s"


async def find_by_name(session: AsyncSession, name: str) -> User | None:
    """The active person of that name."""
    called = User.name_key == sa.func.name_key(cleaned_name(name))
    query = sa.select(User).where(called, User.active, User.name != SYSTEM)
    return (await session.scalars(query)).one_or_none()


async def person_name(session: AsyncSession, name: str) -> tuple[str, str]:
    """A name as it is kept, and its key; refuses what can be nobody's."""
    name, key = await checked_name(session, name, NAME_CHARS)
    if key == SYSTEM:
        raise Invalid("“system” is what the clock and the command line are called.", "name")
    return name, key


@dataclass(frozen=True)
class PersonState:
    """What others know somebody by, and whether they may do anything."""

    name: str
    role: str | None
    active: bool
    slack_user_id: str | None


@dataclass(frozen=True)
class PersonChange:
    """Somebody before and after; `before` None: nobody knew them."""

    before: PersonState | None
    after: PersonState


async def add_user(
    session: AsyncSession,
    name: str,
    role: Role | None,
    slack_user_id: str | None = None,
    email: str | None = None,
) -> User:
    """Who `set_person` adds or changes."""
    user, _ = await set_person(session, name, role, slack_user_id, email)
    return user


async def set_person(
    session: AsyncSession,
    name: str,
    role: Role | None,
    slack_user_id: str | None = None,
    email: str | None = None,
    *,
    replace: bool = False,
) -> tuple[User, PersonChange]:
    """Add a person, or give the one of that Slack id, else of that name, this name and role.

    Somebody of that name whose account is switched off gets the new Slack id; with `replace` so
    does somebody who is active, and even where whoever has that id asked for access by it. A name
    alone proves nothing of whoever made an account for themselves.
    Refuses what is no name, Slack id or e-mail address, the name of somebody else, and to leave
    nobody of Finance.
    """
    name, key = await person_name(session, name)
    slack_user_id = read_member_id(slack_user_id) if slack_user_id else None
    email = read_mailboxes(email) if email else None
    async with keeping_finance(
        session, User.name_key == key, User.slack_user_id == (slack_user_id or "")
    ) as locked:
        user = await _matched(session, locked, key, slack_user_id, replace)
        before = _state(user) if user.id else None
        session.add(user)
        if user.name_key != key:
            user.name = name
        user.role, user.active = role, True
        user.email = email or user.email
        if slack_user_id and user.slack_user_id != slack_user_id:
            user.slack_user_id, user.slack_team_id = slack_user_id, None
        await session.flush()
    return user, PersonChange(before, _state(user))


async def rename_person(session: AsyncSession, name: str, new_name: str) -> PersonChange:
    """Call somebody something else; refuses the name of somebody else."""
    _, key = await person_name(session, name)
    new_name, new_key = await person_name(session, new_name)
    await lock_for_write(session, User.__tablename__)
    ids = await session.scalars(sa.select(User.id).where(User.name_key.in_({key, new_key})))
    found = {user.name_key: user for user in (await lock_users(session, *ids)).values()}
    if key not in found:
        raise NotFound(f"Nobody here is called “{name}”.")
    user = found[key]
    if found.get(new_key, user) is not user:
        raise Invalid(f"Somebody else is called {found[new_key].name} already.", "name")
    before = _state(user)
    user.name = new_name
    await session.flush()
    return PersonChange(before, _state(user))


@asynccontextmanager
async def keeping_finance(
    session: AsyncSession, *others: sa.ColumnElement[bool], can_get_in: bool = False
) -> AsyncIterator[list[User]]:
    """Refuse what is done inside where it leaves nobody of Finance though there was somebody;
    with `can_get_in` also where it leaves nobody who can get in though somebody could, which only
    whoever has the command line could mend.

    Gives Finance and whom any of `others` means, locked together: two who take the last two away
    at once wait for each other here.
    """
    await lock_for_write(session, User.__tablename__)
    ids = await session.scalars(sa.select(User.id).where(sa.or_(_IS_FINANCE, *others)))
    locked = list((await lock_users(session, *ids)).values())
    of_finance = [user for user in locked if user.active and user.role == Role.FINANCE]
    inside = [user.name for user in of_finance if can_get_in and user.can_get_in]
    were = inside or [user.name for user in of_finance]
    yield locked
    await session.flush()
    enough = sa.and_(_IS_FINANCE, User.can_get_in) if inside else _IS_FINANCE
    if were and not await session.scalar(sa.select(sa.exists().where(enough))):
        last = ", ".join(were[:3])
        able = " who can sign in" if inside else ""
        raise Invalid(
            f"That would leave nobody with the role Finance{able}, which {last} had.",
            "role",
            [NextStep(Step.ADD_FINANCE)],
        )


_IS_FINANCE = sa.and_(User.role == Role.FINANCE, User.active)


async def _matched(
    session: AsyncSession, locked: list[User], key: str, slack_user_id: str | None, replace: bool
) -> User:
    """Who is meant by a name and a Slack id; somebody new where nobody is."""
    namesake = next((one for one in locked if one.name_key == key), None)
    if namesake and namesake.is_newcomer and namesake.slack_user_id is None and not replace:
        raise Invalid(
            f"{namesake.name} is what somebody calls themselves who made an account on the web "
            "and has no role yet. Give them one on the page People, or switch them off there.",
            "name",
        )
    if not slack_user_id:
        return namesake or User()
    owner = next((one for one in locked if one.slack_user_id == slack_user_id), None)
    if namesake is None or namesake is owner:
        return owner or User()
    if owner is not None:
        if owner.role is not None or not replace:
            raise Invalid(f"Somebody else is called {namesake.name} already.", "name")
        owner.slack_user_id, owner.active = None, False
        await session.flush()
    elif namesake.slack_user_id and namesake.active and not replace:
        raise Invalid(
            f"Somebody else is called {namesake.name} already, with the Slack account "
            f"{namesake.slack_user_id}.",
            "name",
            [NextStep(Step.REPLACE_ACCOUNT)],
        )
    return namesake


def _state(user: User) -> PersonState:
    return PersonState(user.name, user.role, user.active, user.slack_user_id)


async def users_with_role(session: AsyncSession, role: Role) -> list[User]:
    query = sa.select(User).where(User.role == role, User.active).order_by(User.name)
    return list(await session.scalars(query))


def person_ref(user: User) -> PersonRef:
    return PersonRef(user.id, user.name, user.role, user.slack_user_id)


async def find_person(session: AsyncSession, user_id: int) -> User | None:
    """Whoever has that id and is a person."""
    query = sa.select(User).where(User.id == user_id, User.name != SYSTEM)
    return (await session.scalars(query)).one_or_none()
