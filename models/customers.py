"""Customers, their terms by month, and finding one by what a person typed."""

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Calls, Id
from models.currencies import Currency
from models.refusals import Ambiguous, NotFound

CHOICES = 5


class Customer(Base):
    """A company that calls the API, with the terms in force today."""

    __tablename__ = "customers"

    id: Mapped[Id]
    csm_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("users.id"))
    sales_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("users.id"))
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
    limit_proration: Mapped[str] = mapped_column(server_default="full")
    slack_channel_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class Terms(Base):
    """The limit and the price from a month on, until later terms take over."""

    __tablename__ = "customer_terms"

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("customers.id"))
    valid_from: Mapped[date]
    monthly_api_limit: Mapped[Calls]
    overage_unit_cost: Mapped[Decimal | None]


_NAME = sa.func.lower(Customer.name.collate("pg_c_utf8"))


async def get(session: AsyncSession, customer_id: int) -> Customer:
    customer = await session.get(Customer, customer_id)
    if customer is None:
        raise NotFound("That customer is not here.")
    return customer


async def find(session: AsyncSession, typed: str) -> Customer:
    """The customer meant by `typed`: its exact name, any case, a prefix, else the closest name.

    Refuses a name that fits several or none; the refusal carries the nearest names.
    """
    folded = sa.func.lower(sa.literal(typed.strip()).collate("pg_c_utf8"))
    exact = await session.scalars(sa.select(Customer).where(folded == _NAME))
    customer = exact.one_or_none()
    if customer is not None:
        return customer
    begins = sa.select(Customer).where(sa.func.starts_with(_NAME, folded)).order_by(_NAME)
    candidates = (await session.scalars(begins.limit(CHOICES + 1))).all() if typed.strip() else ()
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise await _closest(session, typed)
    names = [candidate.name for candidate in candidates[:CHOICES]]
    more = " and more" if len(candidates) > CHOICES else ""
    raise Ambiguous(f"Several customers begin with “{typed}”{more}. Which one?", names)


async def _closest(session: AsyncSession, typed: str) -> Ambiguous:
    """Names that hold what was typed, else those that begin like it."""
    needle = typed.strip().lower()[:100]
    nearness = sa.case((sa.func.strpos(_NAME, needle) > 0, 0), else_=1)
    alike = sa.or_(sa.func.strpos(_NAME, needle) > 0, sa.func.starts_with(_NAME, needle[:3]))
    query = sa.select(Customer.name).where(alike).order_by(nearness, _NAME).limit(CHOICES)
    names = list(await session.scalars(query)) if needle else []
    if names:
        return Ambiguous(f"No customer is called “{typed}”. Did you mean one of these?", names)
    return Ambiguous(f"No customer is called “{typed}”, or anything like it.", [])
