"""Users: who they are, and finding and adding them."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base, Id
from models.db.locks import busy_after_waiting, lock_for_write
from models.db.rows import keep, rows
from models.errors import Invalid, NotAllowed
from models.mailboxes import read_mailboxes
from models.people.permissions import ROLE_PERMISSIONS, SYSTEM_PERMISSIONS, Permission, Role
from models.slack_ids import read_member_id

SYSTEM = "system"


class User(Base):
    """Somebody who may or may not do things here; `system` is the clock and the command line."""

    __tablename__ = "users"

    id: Mapped[Id]
    name: Mapped[str]
    email: Mapped[str | None]
    role: Mapped[str | None]
    password_digest: Mapped[str | None]
    slack_user_id: Mapped[str | None]
    slack_team_id: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=sa.true())
    away_until: Mapped[date | None]
    delegate_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())

    @property
    def is_system(self) -> bool:
        return self.name == SYSTEM

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

    def require(self, permission: Permission) -> None:
        """Refuse unless this person may, naming the role that can if there is only one."""
        if self.can(permission):
            return
        if not self.active:
            raise NotAllowed("Your account in Countersign is switched off. Ask Finance about it.")
        if self.is_system:
            raise NotAllowed(f"Countersign itself may not {permission}; that takes a person.")
        if self.role is None:
            raise NotAllowed("You have no role in Countersign yet. Ask Finance for one.")
        able = [role for role in Role if permission in ROLE_PERMISSIONS[role]]
        if not able:
            raise NotAllowed("Only Countersign itself does that; it is not done by hand.")
        if len(able) > 1:
            raise NotAllowed(f"Your role is {self.role}, which may not {permission}.")
        raise NotAllowed(f"Your role is {self.role}; only {able[0]} may {permission}.")


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


_COLUMNS = ", ".join(column.name for column in User.__table__.columns)

_BY_SLACK = f"select {_COLUMNS} from users where slack_user_id = %s"


async def find_by_name(session: AsyncSession, name: str) -> User | None:
    """The active person of that name, in any case if there is only one such."""
    alike = sa.func.lower(User.name) == sa.func.lower(name.strip())
    query = sa.select(User).where(alike, User.active, User.name != SYSTEM)
    found = (await session.scalars(query)).all()
    exact = next((user for user in found if user.name == name.strip()), None)
    return exact or (found[0] if len(found) == 1 else None)


async def add_user(
    session: AsyncSession,
    name: str,
    role: Role | None,
    slack_user_id: str | None = None,
    email: str | None = None,
) -> User:
    """Add a person, or give the one of that Slack id, else of that name, this name and role.

    Refuses a name of more than one line, what is no Slack id or e-mail address, and the name of
    somebody else.
    """
    name = name.strip()
    if not 1 <= len(name) <= 200 or name == SYSTEM or name.splitlines() != [name]:
        raise Invalid("A name has 1 to 200 characters on one line, and is not “system”.", "name")
    slack_user_id = read_member_id(slack_user_id) if slack_user_id else None
    email = read_mailboxes(email) if email else None
    match = sa.or_(
        User.slack_user_id == slack_user_id if slack_user_id else sa.false(), User.name == name
    )
    await lock_for_write(session, User.__tablename__)
    matching = sa.select(User.id).where(match)
    found = list((await lock_users(session, *await session.scalars(matching))).values())
    owner = next((one for one in found if slack_user_id == one.slack_user_id), None)
    namesake = next((one for one in found if one.name == name), None)
    if slack_user_id and namesake not in (None, owner) and (owner or namesake.slack_user_id):
        raise Invalid(f"Somebody else is called {name} already.", field="name")
    user = (owner if slack_user_id else None) or namesake or User()
    session.add(user)
    user.name = name
    user.role = role
    user.active = True
    user.email = email or user.email
    user.slack_user_id = slack_user_id or user.slack_user_id
    await session.flush()
    return user


async def users_with_role(session: AsyncSession, role: Role) -> list[User]:
    query = sa.select(User).where(User.role == role, User.active).order_by(User.name)
    return list(await session.scalars(query))


@dataclass(frozen=True)
class PersonRef:
    id: int
    name: str
    role: str | None
    slack_user_id: str | None = None


def person_ref(user: User) -> PersonRef:
    return PersonRef(user.id, user.name, user.role, user.slack_user_id)
