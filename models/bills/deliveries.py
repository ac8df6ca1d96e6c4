"""How far a bill's letter has come: what keeps it, and whom it has not reached."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.bills.bill import Bill
from models.db.columns import Base


@dataclass(frozen=True)
class Missing:
    """An address to which a letter did not go, and why in the mail server's words; `later` where
    it may be taken another time.
    """

    address: str
    answer: str
    later: bool


class Delivery(Base):
    """What is amiss with one bill's letter; without a row nothing is.

    `trouble`: why it is not out yet. `unheard`: how often it was handed over without an answer, so
    that it may have arrived. Nothing is tried before `next_at`. `missing`: to whom it did not go.
    """

    __tablename__ = "deliveries"

    bill_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(Bill.id), primary_key=True)
    trouble: Mapped[str | None]
    unheard: Mapped[int] = mapped_column(server_default="0")
    next_at: Mapped[datetime | None]
    missing: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")

    @property
    def later(self) -> list[str]:
        """The addresses that may take it another time."""
        return [one["address"] for one in self.missing if one["later"]]


async def delivery_of(session: AsyncSession, bill_id: int) -> Delivery | None:
    return await session.get(Delivery, bill_id, populate_existing=True)


async def may_have_arrived(session: AsyncSession, bill_id: int) -> bool:
    """Whether the letter on its way was handed over, and nobody heard that it was taken."""
    delivery = await delivery_of(session, bill_id)
    return delivery is not None and delivery.unheard > 0


async def repeat_now(session: AsyncSession, bill_id: int) -> None:
    """What may have arrived waits no longer to be mailed again."""
    waiting = sa.update(Delivery).where(Delivery.bill_id == bill_id)
    await session.execute(waiting.values(next_at=None))


async def deliveries_of(session: AsyncSession, bill_ids: Sequence[int]) -> dict[int, Delivery]:
    """The same of many, by bill, without those with which nothing is amiss."""
    query = sa.select(Delivery).where(Delivery.bill_id.in_(bill_ids))
    found = await session.scalars(query.execution_options(populate_existing=True))
    return {one.bill_id: one for one in found}


async def write_trouble(
    session: AsyncSession,
    bill_id: int,
    trouble: str,
    unheard: int = 0,
    next_at: datetime | None = None,
) -> bool:
    """Why the letter is not out yet; returns whether that is news."""
    values = {"trouble": trouble, "unheard": unheard, "next_at": next_at}
    return await _write(session, bill_id, values)


async def write_missing(session: AsyncSession, bill_id: int, missing: Sequence[Missing]) -> bool:
    """To whom the letter that is out did not go; returns whether that is news."""
    nothing = {"trouble": None, "unheard": 0, "next_at": None}
    return await _write(session, bill_id, nothing | {"missing": [asdict(one) for one in missing]})


async def _write(session: AsyncSession, bill_id: int, values: dict[str, Any]) -> bool:
    before = await delivery_of(session, bill_id)
    if before is not None and all(getattr(before, name) == is_ for name, is_ in values.items()):
        return False
    writing = insert(Delivery).values(bill_id=bill_id, **values)
    await session.execute(
        writing.on_conflict_do_update(index_elements=[Delivery.bill_id], set_=values)
    )
    return True


async def forget_delivery(session: AsyncSession, *bill_ids: int) -> None:
    """Nothing is amiss any more, or it is told elsewhere."""
    if bill_ids:
        await session.execute(sa.delete(Delivery).where(Delivery.bill_id.in_(bill_ids)))
