"""Who is signed in: a row a device, whose token is kept as its hash alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base, Id
from models.errors import NotFound
from models.people.secret_tokens import TokenKind, new_token, token_hash
from models.people.users import User

LIFETIME = timedelta(days=14)
SEEN_EVERY = timedelta(minutes=5)
LABEL_CHARS = 100
MOST_SHOWN = 100
NO_DEVICE = "You have no such device signed in."


class WebSession(Base):
    """A device that somebody signed in with. `by_link`: by a one-time link, not a password."""

    __tablename__ = "sessions"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    token_hash: Mapped[bytes]
    label: Mapped[str]
    by_link: Mapped[bool]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


async def open_session(
    session: AsyncSession, user: User, now: datetime, label: str = "", *, by_link: bool = False
) -> str:
    """Sign this person in; returns the token, which is told once and never again."""
    token = new_token(TokenKind.SESSION)
    session.add(
        WebSession(
            user_id=user.id,
            token_hash=token_hash(token),
            label=label[:LABEL_CHARS],
            by_link=by_link,
            created_at=now,
            last_seen_at=now,
            expires_at=now + LIFETIME,
        )
    )
    await session.flush()
    return token


async def find_session(
    session: AsyncSession, token: str, now: datetime
) -> tuple[User, WebSession] | None:
    """Who is signed in by this token, and on which device; None where it is none or has expired, or
    theirs who is switched off.

    The device is seen by that, which is written down every few minutes.
    """
    query = (
        sa.select(User, WebSession)
        .join(WebSession, WebSession.user_id == User.id)
        .where(WebSession.token_hash == token_hash(token), WebSession.expires_at > now)
        .where(User.active)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    user, device = found
    if now - device.last_seen_at >= SEEN_EVERY:
        device.last_seen_at = now
        await session.flush()
    return user, device


async def end_session(session: AsyncSession, device: WebSession) -> None:
    """Sign this device out."""
    await session.execute(sa.delete(WebSession).where(WebSession.id == device.id))


async def end_session_by_token(session: AsyncSession, token: str) -> None:
    """Sign out the device that has this token, if there is one."""
    await session.execute(sa.delete(WebSession).where(WebSession.token_hash == token_hash(token)))


async def devices_of(session: AsyncSession, user: User, now: datetime) -> Sequence[WebSession]:
    """Where this person is signed in, the last used first."""
    query = (
        sa.select(WebSession)
        .where(WebSession.user_id == user.id, WebSession.expires_at > now)
        .order_by(WebSession.last_seen_at.desc(), WebSession.id.desc())
        .limit(MOST_SHOWN)
    )
    return (await session.scalars(query)).all()


async def get_device(session: AsyncSession, device_id: int) -> WebSession:
    """Raises NotFound."""
    device = await session.get(WebSession, device_id)
    if device is None:
        raise NotFound(NO_DEVICE)
    return device


async def end_device(session: AsyncSession, user: User, device_id: int) -> None:
    """Sign out one device of this person; refuses one that they do not have."""
    gone = sa.delete(WebSession).where(WebSession.id == device_id, WebSession.user_id == user.id)
    if not await session.scalar(gone.returning(WebSession.id)):
        raise NotFound(NO_DEVICE)


async def end_devices(session: AsyncSession, user_id: int, keep: WebSession | None = None) -> int:
    """Sign out all devices of somebody, but the one to `keep`; returns how many."""
    others = sa.delete(WebSession).where(WebSession.user_id == user_id)
    if keep is not None:
        others = others.where(WebSession.id != keep.id)
    return len((await session.scalars(others.returning(WebSession.id))).all())
