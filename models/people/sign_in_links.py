"""One-time links that sign somebody in: soon over, for one use, for one Slack account."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base, Id
from models.errors import NextStep, NotFound, Step
from models.people.secret_tokens import TokenKind, new_token, token_hash
from models.people.users import User

LIFETIME = timedelta(minutes=10)


class SignInLink(Base):
    """A link that was not used yet. `slack_user_id`: the account that it was given to, if any."""

    __tablename__ = "sign_in_links"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    slack_user_id: Mapped[str | None]
    token_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SpentLink(NotFound):
    """That link was used already, or is older than ten minutes."""

    def __init__(self) -> None:
        super().__init__(next_steps=[NextStep(Step.ASK_FOR_LINK)])


async def make_sign_in_link(session: AsyncSession, user: User, now: datetime) -> str:
    """The token of a link for this person, which is told once and never again."""
    token = new_token(TokenKind.LINK)
    session.add(
        SignInLink(
            user_id=user.id,
            slack_user_id=user.slack_user_id,
            token_hash=token_hash(token),
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    await session.flush()
    return token


async def whose_link(session: AsyncSession, token: str, now: datetime) -> User:
    """Whom a link would sign in; looking uses nothing up. Raises SpentLink."""
    query = sa.select(User).join(SignInLink, SignInLink.user_id == User.id)
    user = (await session.scalars(query.where(_holds(token, now)))).one_or_none()
    if user is None:
        raise SpentLink
    return user


async def use_sign_in_link(session: AsyncSession, token: str, now: datetime) -> User:
    """Whom the link signs in, this once. Raises SpentLink."""
    used = (
        sa.delete(SignInLink)
        .where(SignInLink.user_id == User.id, _holds(token, now))
        .returning(SignInLink.user_id)
    )
    user_id = await session.scalar(used)
    if user_id is None:
        raise SpentLink
    return await session.get_one(User, user_id)


def _holds(token: str, now: datetime) -> sa.ColumnElement[bool]:
    """Whoever has got another Slack account since, or is switched off, is not signed in by it."""
    return sa.and_(
        SignInLink.token_hash == token_hash(token),
        SignInLink.expires_at > now,
        SignInLink.slack_user_id.is_not_distinct_from(User.slack_user_id),
        User.active,
    )


async def cancel_sign_in_links(session: AsyncSession, user_id: int) -> None:
    """No link signs this person in any more."""
    await session.execute(sa.delete(SignInLink).where(SignInLink.user_id == user_id))
