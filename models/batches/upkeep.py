"""What time alone brings about, and what was changed past the program, customer by customer."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.recalculate import recalculate
from models.context import Context
from models.customers.terms import show_terms_of_today
from models.outbox.notifications import Recalculation
from models.period import Period

CHUNK = 500
"""So many customers are looked at in one transaction, which takes a tenth of a second."""


@dataclass(frozen=True)
class UpkeepStep:
    """Customers looked at `upto` this id, None where these were the last; and what came of it."""

    upto: int | None
    shown: int
    settled: Recalculation


async def upkeep_step(
    session: AsyncSession, context: Context, after: int, most: int = CHUNK
) -> UpkeepStep:
    """Look at the next customers, those with ids `after` that.

    Terms that have come into force are shown, and bills whose figures are not those of usage and
    terms are recalculated: those without a number, and those of the months that are corrected.
    """
    ids = (await session.scalars(_CUSTOMERS, {"after": after, "most": most})).all()
    if not ids:
        return UpkeepStep(None, 0, Recalculation())
    first = Period.of(context.today).plus(-context.settings.lookback_months)
    values = {"after": after, "upto": ids[-1], "year": first.year, "month": first.month}
    shown = await show_terms_of_today(session, context.today, after, ids[-1])
    bills = (await session.scalars(_BILLS, values)).all()
    settled = await recalculate(session, context, bills) if bills else Recalculation()
    return UpkeepStep(ids[-1] if len(ids) == most else None, shown, settled)


_CUSTOMERS = sa.text("select id from customers where id > :after order by id limit :most")

_BILLS = sa.text("""
select id from bills
where customer_id > :after and customer_id <= :upto
  and (number is null and status <> 'void' or (year, month) >= (:year, :month))
order by id
""")
