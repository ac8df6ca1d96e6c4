"""A bill, and finding and locking one."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.bills.states import BillKind, State
from models.currencies import Currency
from models.customers.customers import Customer
from models.db.columns import Base, Calls, Id
from models.db.locks import busy_after_waiting
from models.db.rows import keep, rows
from models.errors import NotFound
from models.period import Period


class Bill(Base):
    """One month's overage of one customer, or a correction of what was billed for it.

    Its row changes only together with a BillAction. One with a number has been issued.
    """

    __tablename__ = "bills"

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(Customer.id))
    year: Mapped[int]
    month: Mapped[int]
    kind: Mapped[str] = mapped_column(server_default="overage")
    api_usage: Mapped[Calls]
    monthly_api_limit: Mapped[Calls]
    overage_units: Mapped[Calls]
    overage_unit_cost: Mapped[Decimal | None]
    overage_amount: Mapped[Decimal | None]
    currency: Mapped[str] = mapped_column(sa.ForeignKey(Currency.code))
    status: Mapped[str]
    hold_reason: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default="1")
    number: Mapped[str | None]
    replaces_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("bills.id"))
    adjusts_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("bills.id"))
    billed_so_far: Mapped[Decimal | None]
    waived_units: Mapped[int | None] = mapped_column(sa.BigInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())

    @property
    def period(self) -> Period:
        return Period(self.year, self.month)


async def get_bill(session: AsyncSession, bill_id: int, lock: bool = False) -> Bill:
    """The bill, locked on request after what it corrects; refuses an unknown id.

    Refuses as Busy, too, what somebody else keeps locked for longer than a person waits.
    """
    with busy_after_waiting():
        found = await rows(session, _LOCK if lock else _BY_ID, {"id": bill_id})
    if not found:
        raise no_bill(bill_id)
    return keep(session, Bill, found[0])


def no_bill(bill_id: int) -> NotFound:
    return NotFound(f"There is no bill #{bill_id}.")


_COLUMNS = ", ".join(column.name for column in Bill.__table__.columns)

_BY_ID = f"select {_COLUMNS} from bills where id = %(id)s"

_LOCK = f"select {_COLUMNS} from locked_bill(%(id)s)"


async def lock_bills(session: AsyncSession, which: str, values: Mapping[str, Any]) -> list[int]:
    """Lock the bills whose ids the query `which` finds, in the order of their ids; returns these.

    A transaction locks all the bills that it is to change like this, at once: what it found later
    may come before what it holds already, and is left for the next one.
    """
    locking = f"select id from bills where id in ({which}) order by id for no key update"
    with busy_after_waiting():
        return list(await session.scalars(sa.text(locking), values))


def moving(columns: Iterable[str]) -> str:
    """The SQL that writes a new version of the bill `bill_id`, which goes with an action only."""
    moved = ", ".join(f"{name} = %({name})s" for name in columns)
    return f"update bills set {moved} where id = %(bill_id)s"


async def lock_month(session: AsyncSession, bill: Bill) -> None:
    """Let one at a time see whether another bill stands for this bill's month, and take its place.

    Taken after the bill's own lock.
    """
    month = {"month": f"month:{bill.customer_id}:{bill.period}"}
    await session.execute(_LOCK_MONTH, month)


_LOCK_MONTH = sa.text("select pg_advisory_xact_lock(hashtextextended(:month, 0))")


async def bill_of_month(session: AsyncSession, customer_id: int, period: Period) -> Bill:
    """The overage bill of one customer and month: the live one, else the latest void one."""
    query = (
        sa.select(Bill)
        .where(Bill.customer_id == customer_id, Bill.kind == BillKind.OVERAGE)
        .where(Bill.year == period.year, Bill.month == period.month)
        .order_by(Bill.status == State.VOID, Bill.id.desc())
    )
    bill = (await session.scalars(query.limit(1))).first()
    if bill is None:
        raise NotFound(f"There is no bill for {period.in_words}.")
    return bill
