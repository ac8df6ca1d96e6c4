"""Customers, their terms by month, and finding one by what a person typed."""

import heapq
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from difflib import SequenceMatcher

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models import locks
from models.base import Base, Calls, Id
from models.currencies import Currency
from models.refusals import Ambiguous, NotFound

CHOICES = 5
CANDIDATES = 500
MOST_CHARS, MOST_PIECES = 100, 12
ALIKE = 0.6
"""From this share of letters in common on, a name may be the one that was meant."""


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


async def lock(session: AsyncSession, customer_id: int) -> Customer:
    """The customer, which until the transaction ends is nobody else's to change.

    What rests on its usage and terms waits as well: a bill is issued under a share of this lock.
    """
    await locks.to_write(session, Customer.__tablename__)
    query = sa.select(Customer).where(Customer.id == customer_id)
    query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    with locks.waiting():
        customer = (await session.scalars(query)).one_or_none()
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
    many = "More than five" if len(candidates) > CHOICES else "Several"
    raise Ambiguous(f"{many} customers begin with “{typed}”. Which one?", names)


async def _closest(session: AsyncSession, typed: str) -> Ambiguous:
    """Names that hold what was typed, then those that are spelt most like it."""
    needle = typed.strip().lower()[:MOST_CHARS]
    names = _ranked(needle, await session.scalars(_candidates(needle))) if needle else []
    if names:
        return Ambiguous(f"No customer is called “{typed}”. Did you mean one of these?", names)
    return Ambiguous(f"No customer is called “{typed}”, or anything like it.", [])


def _candidates(needle: str) -> sa.Select[tuple[str]]:
    """Names with the same first letter or three letters in a row in common, the likelier first."""
    folded = sa.select(Customer.name, _NAME.label("folded")).cte("folded")
    folded = folded.prefix_with("MATERIALIZED")
    pieces = sorted({needle[at : at + 3] for at in range(max(1, len(needle) - 2))})[:MOST_PIECES]
    held = [sa.func.strpos(folded.c.folded, piece) > 0 for piece in pieces]
    common = sum((sa.cast(one, sa.Integer) for one in held), sa.literal(0))
    longer = sa.func.abs(sa.func.length(folded.c.folded) - len(needle))
    return (
        sa.select(folded.c.name)
        .where(sa.or_(*held, sa.func.starts_with(folded.c.folded, needle[0])))
        .order_by(common.desc(), longer, folded.c.folded)
        .limit(CANDIDATES)
    )


def _ranked(needle: str, candidates: Iterable[str]) -> list[str]:
    """The few likest; the beginning of a longer name counts as the whole does, but after it."""
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(needle)

    def likeness(folded: str) -> float:
        matcher.set_seq1(folded)
        return matcher.ratio()

    ranked = []
    for name in candidates:
        folded = name.lower()
        whole, beginning = likeness(folded), likeness(folded[: len(needle)])
        nearest = 1.0 if needle in folded else max(whole, beginning)
        if nearest >= ALIKE:
            ranked.append((-nearest, -whole, folded, name))
    return [name for *_, name in heapq.nsmallest(CHOICES, ranked)]
