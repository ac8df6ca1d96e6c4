"""What a proof, an export or a pack of evidence is about: everything, a month, or one bill."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import Invalid, NotFound
from models.period import Period, is_month, split_month
from models.queries.bill_list import BillFilter
from models.queries.references import DOCUMENT, bill_id_of, find_bill
from models.text import unquoted


@dataclass(frozen=True)
class Scope:
    """The bills of a month, one bill, or with neither all there are; or the customers with these
    ids, in the months `first` to `last`; or the bills that `bills` means.
    """

    period: Period | None = None
    bill_id: int | None = None
    customer_ids: tuple[int, ...] | None = None
    first: Period | None = None
    last: Period | None = None
    bills: BillFilter | None = None

    @property
    def values(self) -> dict[str, int | None]:
        """Itself as parameters of SQL: `year`, `month`, `bill_id`."""
        year, month = (self.period.year, self.period.month) if self.period else (None, None)
        return {"year": year, "month": month, "bill_id": self.bill_id}


EVERYTHING = Scope()


def readable_scope(typed: str) -> str:
    """What was typed, if it can mean a month or a bill; refuses anything else."""
    text = unquoted(typed)
    if bill_id_of(text) is not None or DOCUMENT.fullmatch(text):
        return text
    month, name = split_month(text)
    if month is None:
        raise Invalid(
            f"“{text}” is neither a month nor a bill. Write 2026-10, #12 or Acme 2026-10."
        )
    return f"{name} {Period.parse(month)}".strip()


async def find_scope(session: AsyncSession, typed: str) -> Scope:
    """The month `2026-10`, or the bill `#12`, `12`, its document's number or `customer 2026-10`.

    Refuses an unknown bill. One of which only the record is left is known too.
    """
    text = readable_scope(typed)
    if is_month(text):
        return Scope(period=Period.parse(text))
    bill_id = bill_id_of(text)
    if bill_id is None:
        return Scope(bill_id=await find_bill(session, text))
    if not await session.scalar(_KNOWN, {"bill_id": bill_id}):
        raise NotFound(f"There is no bill #{bill_id}.")
    return Scope(bill_id=bill_id)


_KNOWN = sa.text("""
select exists (select from bills where id = :bill_id)
    or exists (select from bill_chains where bill_id = :bill_id)
    or exists (select from bill_actions where bill_id = :bill_id)
""")
