"""Bills that something has moved, as they were and as they are, before it is committed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

MADE = ("proposed", "passed")
LEFT = ("reported", "unbilled", "rejected", "kept")
"""What is only told of bills, which stay as they are."""


@dataclass(frozen=True)
class MovedBill:
    """`outcome`: what became of it, as `Recalculation` has it. `before` None: it had no amount.

    A correction is a new bill, `id` the one that it corrects, and `before` what is billed so far.
    """

    id: int
    customer: str
    year: int
    month: int
    outcome: str
    before: Decimal | None
    after: Decimal | None
    currency_before: str | None
    currency: str

    @property
    def is_correction(self) -> bool:
        return self.outcome in MADE


_MOVED = sa.text("""
select b.id, b.adjusts_id, c.name, b.year, b.month, b.overage_amount, b.currency,
       b.billed_so_far, (a.snapshot -> 'before' ->> 'overage_amount')::numeric as before,
       a.snapshot -> 'before' ->> 'currency' as currency_before,
       coalesce(a.snapshot ? 'before', false) as has_before
from bills b
join customers c on c.id = b.customer_id
left join lateral (
    select snapshot from bill_actions where bill_id = b.id order by id desc limit 1) a on true
where b.id = any(:bill_ids)
order by c.name, b.year, b.month, b.id
""")


async def moved_bills(
    session: AsyncSession, outcomes: Mapping[str, Collection[int]]
) -> Sequence[MovedBill]:
    """Each bill of `outcomes`, by what became of it, in the order of customers and months."""
    outcome_of = {bill_id: kind for kind, bills in outcomes.items() for bill_id in bills}
    rows = await session.execute(_MOVED, {"bill_ids": list(outcome_of)})
    return [_moved(row, outcome_of[row.id]) for row in rows]


def _moved(row: sa.Row[*tuple[object, ...]], outcome: str) -> MovedBill:
    is_new, is_moved = outcome in MADE, outcome not in LEFT and row.has_before
    before, currency_before = row.overage_amount, row.currency
    if is_new:
        before = row.billed_so_far
    elif is_moved:
        before, currency_before = row.before, row.currency_before
    return MovedBill(
        id=row.adjusts_id if is_new and row.adjusts_id else row.id,
        customer=row.name,
        year=row.year,
        month=row.month,
        outcome=outcome,
        before=before,
        after=row.overage_amount,
        currency_before=currency_before,
        currency=row.currency,
    )
