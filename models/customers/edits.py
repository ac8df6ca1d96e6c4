"""What people changed about customers by hand, one by one, and why."""

import re
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.customers.customers import Customer
from models.db.columns import Base, Id
from models.errors import WrongState
from models.named_people import PersonRef
from models.people.users import User, person_ref

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


class CustomerChanged(WrongState):
    """Somebody changed this customer while you were looking. Nothing was changed."""

    def __init__(self, by: Sequence[PersonRef], changes: Changes) -> None:
        """By whom, in the order of their changes, and what was changed: both empty where it was not
        by hand, as by an import.
        """
        super().__init__()
        self.by = tuple(by)
        self.changes = changes


async def changed_since(session: AsyncSession, customer_id: int, version: str) -> CustomerChanged:
    """What to refuse somebody with who saw the customer in an earlier `version`."""
    edits = await edits_since(session, customer_id, version)
    changes: Changes = {}
    for edit, _ in edits:
        for column, (before, after) in edit.changes.items():
            changes[column] = (changes.get(column, (before,))[0], after)
    by = {user.id: person_ref(user) for _, user in edits}
    return CustomerChanged([*by.values()], changes)


async def edits_since(
    session: AsyncSession, customer_id: int, version: str
) -> Sequence[tuple[CustomerEdit, User]]:
    """Those that a version as `customer_version` tells it has not seen, oldest first; none of a
    text that has none in it.
    """
    seen = re.search(r"(?<!\d)(\d{1,18})-[0-9a-f]{32}", version, re.ASCII)
    if not seen:
        return []
    later = _edits_of(customer_id).where(CustomerEdit.id > int(seen[1])).order_by(CustomerEdit.id)
    return [(edit, user) for edit, user in await session.execute(later)]


async def newest_edits(
    session: AsyncSession, customer_id: int, most: int
) -> Sequence[tuple[CustomerEdit, User]]:
    """The newest first, each with whoever did it."""
    newest = _edits_of(customer_id).order_by(CustomerEdit.id.desc()).limit(most)
    return [(edit, user) for edit, user in await session.execute(newest)]


def _edits_of(customer_id: int) -> sa.Select[CustomerEdit, User]:
    own = sa.select(CustomerEdit, User).join(User, User.id == CustomerEdit.changed_by)
    return own.where(CustomerEdit.customer_id == customer_id)
