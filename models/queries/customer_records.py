"""Customers with all their columns, for programs; a page at a time, by id."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from models.customers.customers import Customer
from models.customers.names import CustomerName
from models.people.users import User
from models.text import cleaned_name


@dataclass(frozen=True)
class CustomerRecord:
    customer: Customer
    csm: str | None
    sales: str | None


@dataclass(frozen=True)
class RecordFilter:
    """Which customers are meant: those that fit all that is given.

    `name`: how a name that they have or had begins; `csm_id`: whose they are.
    """

    name: str = ""
    csm_id: int | None = None


async def customer_records(
    session: AsyncSession, wanted: RecordFilter, after: int = 0, limit: int | None = None
) -> Sequence[CustomerRecord]:
    """Those behind the id `after`; whoever was merged into another is left out."""
    query = _records().where(Customer.id > after, *_conditions(wanted)).limit(limit)
    return [CustomerRecord(*row) for row in await session.execute(query)]


async def customer_record(session: AsyncSession, customer_id: int) -> CustomerRecord | None:
    """One customer, also where it was merged into another; None where there is none."""
    found = await session.execute(_records().where(Customer.id == customer_id))
    row = found.one_or_none()
    return CustomerRecord(*row) if row else None


async def customer_ids(session: AsyncSession, wanted: RecordFilter) -> tuple[int, ...]:
    """Of all that fit."""
    query = sa.select(Customer.id).where(*_conditions(wanted))
    return tuple((await session.scalars(query)).all())


def _records() -> sa.Select[Customer, str | None, str | None]:
    csm, sales = aliased(User), aliased(User)
    return (
        sa.select(Customer, csm.name, sales.name)
        .join(csm, csm.id == Customer.csm_id, isouter=True)
        .join(sales, sales.id == Customer.sales_id, isouter=True)
        .order_by(Customer.id)
    )


def _conditions(wanted: RecordFilter) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [Customer.merged_into_id.is_(None)]
    if wanted.csm_id is not None:
        found.append(Customer.csm_id == wanted.csm_id)
    if wanted.name:
        key = sa.func.name_key(cleaned_name(wanted.name))
        begins = sa.func.starts_with(CustomerName.name_key, key)
        found.append(Customer.id.in_(sa.select(CustomerName.customer_id).where(begins)))
    return found
