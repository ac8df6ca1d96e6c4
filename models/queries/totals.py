"""Totals, a currency each: currencies are never added together, and never compared."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.money import add_up


@dataclass(frozen=True)
class Total:
    """What `bills` of a currency come to. `taxed`: customers owe tax besides."""

    currency: str
    bills: int
    amount: Decimal
    taxed: bool = False


def add_totals(amounts: Iterable[tuple[str, Decimal | None]]) -> tuple[Total, ...]:
    """What bills come to, given as currency and amount; those without an amount are left out."""
    by_currency: dict[str, list[Decimal]] = {}
    for currency, amount in amounts:
        if amount is not None:
            by_currency.setdefault(currency, []).append(amount)
    return tuple(
        Total(currency, len(each), add_up(each)) for currency, each in sorted(by_currency.items())
    )


def totals_of(rows: Iterable[Any]) -> tuple[Total, ...]:
    """What rows come to that tell how many bills of a currency are `priced`, and their `amount`.

    Some may take off what others count; of a currency that then has no bills there is no total.
    """
    bills: dict[str, int] = defaultdict(int)
    amounts: dict[str, list[Decimal]] = defaultdict(list)
    for row in rows:
        if row.priced:
            bills[row.currency] += int(row.priced)
            amounts[row.currency].append(row.amount)
    return tuple(
        Total(code, bills[code], add_up(each))
        for code, each in sorted(amounts.items())
        if bills[code]
    )


async def totals_of_sent(session: AsyncSession, bill_ids: Sequence[int]) -> tuple[Total, ...]:
    """What those of these bills come to that have gone out."""
    found = await session.execute(_SENT, {"bill_ids": list(bill_ids)})
    return tuple(Total(row.currency, row.bills, row.amount, row.taxed) for row in found)


_SENT = sa.text("""
select b.currency, count(*) as bills, sum(b.overage_amount) as amount,
       bool_or(c.tax_rate_percent <> 0) as taxed
from bills b join customers c on c.id = b.customer_id
where b.id = any(:bill_ids) and b.status = 'sent' group by b.currency order by b.currency
""")


async def first_sent(session: AsyncSession, bill_ids: Sequence[int], most: int) -> list[int]:
    """The first of those of these bills that have gone out."""
    found = await session.scalars(_FIRST_SENT, {"bill_ids": list(bill_ids), "most": most})
    return list(found)


_FIRST_SENT = sa.text("""
select b.id
from unnest(cast(:bill_ids as bigint[])) with ordinality as asked (id, at)
join bills b using (id)
where b.status = 'sent'
order by asked.at
limit :most
""")
