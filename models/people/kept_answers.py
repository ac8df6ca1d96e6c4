"""Answers that are kept for a day, so that a request that comes again by the same key does nothing.

A key belongs to whoever sent it. Of a request its hash is kept, and of an answer that holds a
secret nothing but that it was given.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base
from models.db.locks import busy_after_waiting
from models.errors import Busy, Invalid, Refusal
from models.people.users import User

KEPT_FOR = timedelta(days=1)
KEY_FIELD = "Idempotency-Key"


class KeptAnswer(Base):
    """What a request was answered. `status` None: it is worked on; `body` None: it was a secret."""

    __tablename__ = "kept_answers"

    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[bytes] = mapped_column(sa.LargeBinary)
    status: Mapped[int | None]
    headers: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    body: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    created_at: Mapped[datetime]


class UnderWay(Refusal):
    """The same request is being worked on. Ask again in a moment, by the same key."""


async def claim_key(
    session: AsyncSession, user_id: int, key: str, request: bytes, now: datetime
) -> KeptAnswer | None:
    """What was answered by this key; None for the first, whose it is until the transaction ends.

    Refuses another request by the same key, and one whose first is not done soon.
    """
    new = {"user_id": user_id, "key": key, "request": request, "created_at": now}
    claiming = insert(KeptAnswer).values(new)
    claiming = claiming.on_conflict_do_update(
        index_elements=[KeptAnswer.user_id, KeptAnswer.key],
        set_={**new, "status": None, "headers": None, "body": None},
        where=KeptAnswer.created_at <= now - KEPT_FOR,
    )
    try:
        with busy_after_waiting():
            mine = await session.scalar(claiming.returning(KeptAnswer.key))
    except Busy as busy:
        raise UnderWay from busy
    if mine is not None:
        return None
    kept = await session.get_one(KeptAnswer, (user_id, key))
    if kept.request != request:
        raise Invalid(
            "That key came with another request before. Use a new one.", "Idempotency-Key"
        )
    return kept


async def name_of_claim(session: AsyncSession, user_id: int, key: str) -> str:
    """What is asked by this key, told apart from what was once asked by it and is forgotten."""
    claim = await session.get_one(KeptAnswer, (user_id, key))
    return f"{user_id}:{claim.created_at.isoformat()}:{key}"


async def keep_answer(
    session: AsyncSession,
    user_id: int,
    key: str,
    status: int,
    headers: dict[str, str],
    body: bytes | None,
) -> None:
    """Keep what the request that claimed this key is answered."""
    answer: dict[str, Any] = {"status": status, "headers": headers, "body": body}
    await session.execute(
        sa.update(KeptAnswer)
        .where(KeptAnswer.user_id == user_id, KeptAnswer.key == key)
        .values(answer)
    )
