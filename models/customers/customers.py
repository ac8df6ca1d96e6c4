"""Customers, with the terms in force today."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.currencies import Currency
from models.db.columns import Base, Calls, Id
from models.db.locks import busy_after_waiting, lock_for_write
from models.errors import NotFound
from models.people.users import User


class Customer(Base):
    """A company that calls the API, with the terms in force today."""

    __tablename__ = "customers"

    id: Mapped[Id]
    csm_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    sales_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    name: Mapped[str]
    billing_address: Mapped[str | None]
    country: Mapped[str | None]
    tax_id: Mapped[str | None]
    tax_rate_percent: Mapped[Decimal] = mapped_column(server_default="0")
    tax_note: Mapped[str | None]
    locale: Mapped[str | None]
    payment_days: Mapped[int | None]
    billing_email: Mapped[str | None]
    cc_emails: Mapped[str | None]
    currency: Mapped[str] = mapped_column(sa.ForeignKey(Currency.code), server_default="USD")
    monthly_api_limit: Mapped[Calls]
    overage_unit_cost: Mapped[Decimal | None]
    start_date: Mapped[date | None]
    end_date: Mapped[date | None]
    require_csm_approval: Mapped[bool] = mapped_column(server_default=sa.false())
    require_sales_approval: Mapped[bool] = mapped_column(server_default=sa.false())
    auto_approve_below: Mapped[Decimal | None]
    second_approval_above: Mapped[Decimal | None]
    rules_currency: Mapped[str | None] = mapped_column(sa.ForeignKey(Currency.code))
    limit_proration: Mapped[str] = mapped_column(server_default="full")
    slack_channel_id: Mapped[str | None]
    alerts_muted: Mapped[bool] = mapped_column(server_default=sa.false())
    merged_into_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("customers.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())

    @property
    def written(self) -> tuple[str | None, ...]:
        """What documents show as it is written."""
        return (self.name, self.billing_address, self.tax_id, self.tax_note)


@dataclass(frozen=True)
class CustomerRef:
    id: int
    name: str
    billing_email: str | None
    cc_emails: str | None
    written: tuple[str | None, ...]


async def get_customer(session: AsyncSession, customer_id: int) -> Customer:
    customer = await session.get(Customer, customer_id)
    if customer is None:
        raise NotFound("That customer is not here.")
    return customer


_VERSION = sa.text("""
select (select coalesce(max(id), 0) from customer_edits e where e.customer_id = c.id)
    || '-' || md5(c::text || coalesce(string_agg(t::text, ',' order by t.id), ''))
from customers c left join customer_terms t on t.customer_id = c.id
where c.id = :customer_id
group by c.id
""")


async def customer_version(session: AsyncSession, customer_id: int) -> str:
    """What is another text once anything of the customer or of its terms is another.

    It begins with the last edit that it has seen, as `edits_since` reads it.
    """
    found: str = (await session.execute(_VERSION, {"customer_id": customer_id})).scalar_one()
    return found


def with_merged(customer_id: int) -> sa.Select[int]:
    """The ids of a customer and of those that were merged into it."""
    is_one = sa.or_(Customer.id == customer_id, Customer.merged_into_id == customer_id)
    return sa.select(Customer.id).where(is_one)


async def lock_customer(session: AsyncSession, customer_id: int) -> Customer:
    """The customer, which until the transaction ends is nobody else's to change.

    What rests on its usage and terms waits as well: a bill is issued under a share of this lock.
    """
    await lock_for_write(session, Customer.__tablename__)
    query = sa.select(Customer).where(Customer.id == customer_id)
    query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    with busy_after_waiting():
        customer = (await session.scalars(query)).one_or_none()
    if customer is None:
        raise NotFound("That customer is not here.")
    return customer
