"""Tokens for scripts: each has a name, may what its person may, and holds until it is revoked."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base, Id
from models.errors import Invalid, NotFound
from models.people.secret_tokens import TokenKind, new_token, token_hash
from models.people.sessions import SEEN_EVERY
from models.people.users import User
from models.text import cleaned_name

NAME_CHARS = 100
MOST_TOKENS = 100
NO_TOKEN = "You have no such token."


class ApiToken(Base):
    """A token for a script, kept as its hash alone."""

    __tablename__ = "api_tokens"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    name: Mapped[str]
    token_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


async def make_api_token(
    session: AsyncSession, user: User, name: str, now: datetime
) -> tuple[ApiToken, str]:
    """A new token, and its text, which is told once and never again; refuses a name they have."""
    name = _token_name(name)
    own = [one.name for one in await api_tokens_of(session, user)]
    if name in own:
        raise Invalid(f"You have a token called “{name}” already.", "name")
    if len(own) >= MOST_TOKENS:
        raise Invalid(f"You have {len(own)} tokens; revoke one that is not used.", "name")
    token = new_token(TokenKind.SCRIPT)
    made = ApiToken(user_id=user.id, name=name, token_hash=token_hash(token), created_at=now)
    session.add(made)
    await session.flush()
    return made, token


def _token_name(typed: str) -> str:
    name = cleaned_name(typed.replace("\x00", ""))
    if not 1 <= len(name) <= NAME_CHARS or name.splitlines() != [name]:
        raise Invalid(f"A token's name has 1 to {NAME_CHARS} characters on one line.", "name")
    return name


async def find_api_token(session: AsyncSession, token: str, now: datetime) -> User | None:
    """Whose script has this token; None where it is none, or theirs who is switched off. It is
    used by that, which is written down every few minutes.
    """
    query = (
        sa.select(User, ApiToken)
        .join(ApiToken, ApiToken.user_id == User.id)
        .where(ApiToken.token_hash == token_hash(token), User.active)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    user, used = found
    if used.last_used_at is None or now - used.last_used_at >= SEEN_EVERY:
        used.last_used_at = now
        await session.flush()
    return user


async def api_tokens_of(session: AsyncSession, user: User) -> Sequence[ApiToken]:
    """This person's tokens, by name."""
    query = sa.select(ApiToken).where(ApiToken.user_id == user.id).order_by(ApiToken.name)
    return (await session.scalars(query)).all()


async def get_api_token(session: AsyncSession, token_id: int) -> ApiToken:
    """Raises NotFound."""
    token = await session.get(ApiToken, token_id)
    if token is None:
        raise NotFound(NO_TOKEN)
    return token


async def revoke_api_token(session: AsyncSession, user: User, token_id: int) -> None:
    """Whoever has this token can do nothing by it any more; refuses one that is not theirs."""
    gone = sa.delete(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == user.id)
    if not await session.scalar(gone.returning(ApiToken.id)):
        raise NotFound(NO_TOKEN)


async def revoke_api_tokens(session: AsyncSession, user_id: int) -> None:
    """All tokens of somebody."""
    await session.execute(sa.delete(ApiToken).where(ApiToken.user_id == user_id))
