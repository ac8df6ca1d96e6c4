"""Who is signed in: a row a device, whose token is kept as its hash alone."""

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base, Id
from models.people.users import User

LIFETIME = timedelta(days=14)
TOKEN_BYTES = 32


class WebSession(Base):
    """A device that somebody signed in with."""

    __tablename__ = "sessions"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("users.id"))
    token_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


def token_hash(token: str) -> bytes:
    """A token is as long as its hash and as random, so that no slow hash is needed."""
    return hashlib.sha256(token.encode()).digest()


async def open_session(session: AsyncSession, user: User, now: datetime) -> str:
    """Sign this person in; returns the token, which is told once and never again."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(
        WebSession(
            user_id=user.id,
            token_hash=token_hash(token),
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    await session.flush()
    return token


async def find_session(
    session: AsyncSession, token: str, now: datetime
) -> tuple[User, WebSession] | None:
    """Who is signed in by this token, and on which device; None where it is none or has expired."""
    query = (
        sa.select(User, WebSession)
        .join(WebSession, WebSession.user_id == User.id)
        .where(WebSession.token_hash == token_hash(token), WebSession.expires_at > now)
    )
    return (await session.execute(query)).one_or_none()


async def end_session(session: AsyncSession, device: WebSession) -> None:
    """Sign this device out."""
    await session.delete(device)
    await session.flush()
