"""What is over and deleted: sessions, one-time links, attempts that count no more, kept answers."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.people.access_attempts import FORGOTTEN_AFTER, KNOWN_FOR, AccessAttempt
from models.people.kept_answers import KEPT_FOR, KeptAnswer
from models.people.sessions import WebSession
from models.people.sign_in_links import SignInLink


async def delete_expired(session: AsyncSession, now: datetime) -> int:
    """Returns how many rows were deleted."""
    return sum([await _deleted(session, one) for one in _expired(now)])


def _expired(now: datetime) -> tuple[sa.Delete, ...]:
    over = sa.and_(sa.not_(AccessAttempt.succeeded), AccessAttempt.at <= now - FORGOTTEN_AFTER)
    unknown = AccessAttempt.at <= now - KNOWN_FOR
    return (
        sa.delete(WebSession).where(WebSession.expires_at <= now),
        sa.delete(SignInLink).where(SignInLink.expires_at <= now),
        sa.delete(AccessAttempt).where(sa.or_(over, unknown)),
        sa.delete(KeptAnswer).where(KeptAnswer.created_at <= now - KEPT_FOR),
    )


async def _deleted(session: AsyncSession, deleting: sa.Delete) -> int:
    outcome = await session.execute(deleting)
    return outcome.rowcount  # type: ignore[attr-defined, no-any-return]
