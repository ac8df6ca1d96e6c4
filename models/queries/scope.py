"""What a proof, an export or a pack of evidence is about: everything, a month, or one bill."""

import re
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import Invalid, NotFound
from models.period import Period
from models.queries.bill_list import find_bill

_MONTH = re.compile(r"\d{4}-\S*", re.ASCII)
_NUMBER = re.compile(r"#?(\d{1,18})", re.ASCII)


@dataclass(frozen=True)
class Scope:
    """The bills of a month, one bill, or with neither all there are."""

    period: Period | None = None
    bill_id: int | None = None

    @property
    def values(self) -> dict[str, int | None]:
        """Itself as parameters of SQL: `year`, `month`, `bill_id`."""
        year, month = (self.period.year, self.period.month) if self.period else (None, None)
        return {"year": year, "month": month, "bill_id": self.bill_id}


EVERYTHING = Scope()


def readable_scope(typed: str) -> str:
    """What was typed, if it can mean a month or a bill; refuses anything else."""
    text = typed.strip()
    if _MONTH.fullmatch(text):
        return str(Period.parse(text))
    if _NUMBER.fullmatch(text):
        return text
    name, _, month = text.rpartition(" ")
    if not name.strip():
        raise Invalid(
            f"“{text}” is neither a month nor a bill. Write 2026-10, #12 or Acme 2026-10."
        )
    return f"{name} {Period.parse(month)}"


async def find_scope(session: AsyncSession, typed: str) -> Scope:
    """The month `2026-10`, or the bill `#12`, `12` or `customer 2026-10`; refuses an unknown bill.

    A bill of which only the record is left is known too.
    """
    text = readable_scope(typed)
    if _MONTH.fullmatch(text):
        return Scope(period=Period.parse(text))
    number = _NUMBER.fullmatch(text)
    if number is None:
        return Scope(bill_id=await find_bill(session, text))
    bill_id = int(number[1])
    if not await session.scalar(_KNOWN, {"bill_id": bill_id}):
        raise NotFound(f"There is no bill #{bill_id}.")
    return Scope(bill_id=bill_id)


_KNOWN = sa.text("""
select exists (select from bills where id = :bill_id)
    or exists (select from bill_chains where bill_id = :bill_id)
    or exists (select from bill_actions where bill_id = :bill_id)
""")
