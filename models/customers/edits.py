"""What people changed about customers by hand, one by one, and why."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.customers.customers import Customer
from models.db.columns import Base, Id
from models.people.users import User

Changes = dict[str, tuple[str | None, str | None]]
"""A column of a file of customers to (before, after), as texts; None: empty."""


TERMS_FROM = "valid_from"
"""Among changes of terms: from which month on they hold."""


class CustomerEdit(Base):
    """Somebody changed a customer. Never changed, never removed."""

    __tablename__ = "customer_edits"

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(Customer.id))
    changes: Mapped[Changes] = mapped_column(JSONB)
    reason: Mapped[str | None]
    changed_by: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    changed_at: Mapped[datetime]
    source: Mapped[str]


async def newest_edits(
    session: AsyncSession, customer_id: int, most: int
) -> Sequence[tuple[CustomerEdit, User]]:
    """The newest first, each with whoever did it."""
    query = (
        sa.select(CustomerEdit, User)
        .join(User, User.id == CustomerEdit.changed_by)
        .where(CustomerEdit.customer_id == customer_id)
        .order_by(CustomerEdit.id.desc())
        .limit(most)
    )
    return [(edit, user) for edit, user in await session.execute(query)]
