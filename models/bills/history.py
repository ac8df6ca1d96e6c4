"""The record of a bill: its actions, which are only ever added."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base, Id


class BillAction(Base):
    """What somebody did to a bill, when, from where and why. Never changed, never removed.

    `prev_hash` and `hash` are filled in by the database.
    """

    __tablename__ = "bill_actions"

    id: Mapped[Id]
    bill_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("bills.id"))
    bill_version: Mapped[int]
    stakeholder_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("users.id"))
    action: Mapped[str]
    comment: Mapped[str | None]
    source: Mapped[str]
    acted_for_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("users.id"))
    reverses_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("bill_actions.id"))
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    prev_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary, server_default=sa.FetchedValue())
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


async def actions_of(session: AsyncSession, bill_id: int) -> Sequence[BillAction]:
    query = sa.select(BillAction).where(BillAction.bill_id == bill_id).order_by(BillAction.id)
    return (await session.scalars(query)).all()


def comment_text(actions: Iterable[BillAction], comment_id: int) -> str | None:
    """What a comment says after its edits; None once it is deleted."""
    text = None
    for action in actions:
        if action.id == comment_id or action.snapshot.get("comment_id") == comment_id:
            text = action.comment
    return text
