"""What was billed held against what its source says now. It changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.imports.pulled import Pulled


class Differs(StrEnum):
    """How a customer's month differs: in its calls, or since one side knows nothing of it."""

    CALLS = "calls"
    NOT_IN_SOURCE = "not in the source"
    NOT_HERE = "not here"
    UNKNOWN = "no such customer"


@dataclass(frozen=True)
class Mismatch:
    """`here`: the calls of the month's bills with what corrects them; where nothing was billed,
    those on record. None on either side: nothing is known there. `bill_id`: the latest of its
    bills; `customer_id` None: nobody here has that name.
    """

    how: Differs
    customer: str
    customer_id: int | None
    bill_id: int | None
    number: str | None
    here: int | None
    source: int | None

    @property
    def more(self) -> int:
        """How many calls more the source says."""
        return (self.source or 0) - (self.here or 0)


@dataclass(frozen=True)
class Reconciliation:
    """Of so many customers, by either side; `differences` by name."""

    customers: int
    differences: Sequence[Mismatch]


async def reconcile(session: AsyncSession, pulled: Pulled, source_id: int) -> Reconciliation:
    """Hold a month's answer, which is in `ready` of this transaction, against what is here.

    Figures that were pulled from another source are not held against this one.
    """
    period = pulled.period
    values = {"year": period.year, "month": period.month, "source_id": source_id}
    found = (await session.execute(sa.text(_HELD.format(figures=pulled.figures)), values)).all()
    differences = [_read(*row) for _, *row in found if row[0] is not None]
    return Reconciliation(found[0].customers if found else 0, differences)


def _read(
    how: str,
    customer: str,
    customer_id: int | None,
    bill_id: int | None,
    number: str | None,
    here: int | None,
    source: Decimal | int | None,
) -> Mismatch:
    told = None if source is None else int(source)
    return Mismatch(Differs(how), customer, customer_id, bill_id, number, here, told)


# Of each customer the last word on the month: its invoice, or what corrects that as far as it is
# asked for. A void month is billed no more, and neither is what takes it back.
_HELD = """
with told as materialized ({figures}),
others as (
    select u.customer_id from usages u join usage_pulls p on p.id = u.pull_id
    where u.year = :year and u.month = :month and p.source_id <> :source_id
),
billed as (
    select distinct on (b.customer_id) b.customer_id, b.id, b.number, b.api_usage
    from bills b left join bills root on root.id = b.adjusts_id
    where b.year = :year and b.month = :month and b.status <> 'void'
      and root.status is distinct from 'void'
    order by b.customer_id, b.id desc
),
here as (
    select customer_id, b.id as bill_id, b.number, coalesce(b.api_usage, u.api_usage) as calls
    from billed b full join (
        select customer_id, api_usage from usages where year = :year and month = :month
    ) u using (customer_id)
),
held as (
    select c.name, c.id as customer_id, h.bill_id, h.number, h.calls as here,
           t.api_usage as source
    from told t full join here h using (customer_id)
    join customers c on c.id = customer_id
    where c.id not in (table others)
    union all
    select min(customer), null, null, null, null, sum(calls)
    from ready where sound and customer_id is null group by name_key
),
judged as (
    select case
        when customer_id is null then 'no such customer'
        when here is null and source > 0 then 'not here'
        when source is null and here > 0 then 'not in the source'
        when coalesce(here, 0) <> coalesce(source, 0) then 'calls' end as how, held.*
    from held
)
select count(*) over () as customers, how, name, customer_id, bill_id, number, here, source
from judged
order by how is null, name collate "C"
"""
