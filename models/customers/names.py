"""The names of customers, those they had among them, and what became of them."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.customers.customers import Customer
from models.db.columns import Base, Id
from models.db.names import NameKey
from models.people.users import User


class CustomerName(Base):
    """A name that a customer has or had; no other customer can have it."""

    __tablename__ = "customer_names"

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(Customer.id))
    name: Mapped[str]
    name_key: Mapped[NameKey] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class CustomerChange(Base):
    """A customer was renamed, or merged into another one.

    `moved_usage`: the months whose usage went to that one, by their first days.
    """

    __tablename__ = "customer_changes"

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(Customer.id))
    into_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey(Customer.id))
    old_name: Mapped[str]
    new_name: Mapped[str]
    moved_usage: Mapped[list[date]] = mapped_column(ARRAY(sa.Date), server_default="{}")
    reason: Mapped[str | None]
    changed_by: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    changed_at: Mapped[datetime]
    source: Mapped[str]
