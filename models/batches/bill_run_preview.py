"""What generating a month would do, before it is done."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.hold_rules import FRESH, OF_CUSTOMERS, PROPOSED, run_values
from models.bills.states import HoldReason
from models.customers.customers import get_customer
from models.period import Period
from models.queries.totals import Total


@dataclass(frozen=True)
class ProposedBill:
    """A bill that would be made, and held if there is a cause. `jumps`: several times the last."""

    customer: str
    hold_reason: HoldReason | None
    amount: Decimal
    currency: str
    jumps: bool = False


@dataclass(frozen=True)
class BillRunPreview:
    """What generating a month would do, before it is done.

    `bills` and `totals` are of those that would wait for approval, of which `jumps` are several
    times what their customer was billed last; `held` counts by cause those that would be held, and
    `held_customers` names the first of them; `existing` already have a bill; `zero` are over the
    limit by an amount that rounds to nothing; `missing` are customers in contract with no usage
    recorded. `by_rule` of `bills` are approved at once by their customer's own rule. `digest` is
    another one where generating would make anything else.
    """

    period: Period
    customer: str | None
    bills: int
    totals: tuple[Total, ...]
    held: dict[HoldReason, int]
    biggest: tuple[ProposedBill, ...]
    existing: int
    zero: int
    missing: tuple[str, ...]
    missing_count: int
    usages: int
    by_rule: int = 0
    jumps: int = 0
    held_customers: Mapping[HoldReason, tuple[str, ...]] = field(default_factory=dict)
    digest: str = ""

    @property
    def is_within_limits(self) -> bool:
        """Whether there is usage, and none of it over a limit."""
        return bool(self.usages) and not (self.to_make or self.existing or self.zero)

    @property
    def to_make(self) -> int:
        return self.bills + sum(self.held.values())


NAMED_MISSING = 10
NAMED_HELD = 5
BIGGEST = 5

FIRST_HELD = f"""
select hold_reason, name
from (select hold_reason, name,
             row_number() over (partition by hold_reason order by lower(name)) as place
      from held) ranked
where place <= {NAMED_HELD} order by hold_reason, place"""
"""The first customers of each cause that a query named `held` has."""

# The proposed bills are worked out once for all three. Of the biggest, the first of each currency
# comes first, then the second, and so on.
_PROPOSED = sa.text(f"""
with {PROPOSED.format(narrowed=FRESH, rules=OF_CUSTOMERS)},
compared as (
    select p.*, flag.jumps
    from proposed p
    cross join lateral jump_flag(
        p.customer_id, p.currency, p.year, p.month, p.overage_amount) flag
),
sums as (
    select hold_reason, currency, count(*) as bills, sum(overage_amount)::text as amount,
           coalesce(overage_amount = 0, false) as zero,
           count(*) filter (where passes) as by_rule,
           count(*) filter (where hold_reason is null and jumps) as jumps,
           sum(hashtextextended(concat_ws(
               ' ', customer_id, overage_amount, currency, hold_reason, passes), 0))::text as mark
    from compared group by hold_reason, currency, zero
),
ranked as (
    select p.*, name,
           row_number() over (
               partition by p.currency order by overage_amount desc, name) as place,
           count(*) over (partition by p.currency) as bills
    from compared p join customers c on c.id = p.customer_id
    where overage_amount > 0
),
first as (select * from ranked order by place, bills desc, currency limit {BIGGEST}),
biggest as (
    select name, hold_reason, overage_amount::text as amount, currency, jumps
    from first order by bills desc, currency, place
),
held as (
    select hold_reason, name from proposed p join customers c on c.id = p.customer_id
    where hold_reason is not null and overage_amount is distinct from 0
),
first_held as ({FIRST_HELD})
select (select coalesce(json_agg(sums order by currency), '[]') from sums) as sums,
       (select coalesce(json_agg(biggest), '[]') from biggest) as biggest,
       (select coalesce(json_agg(first_held), '[]') from first_held) as held
""")

AROUND = sa.text("""
select (select count(*) from bills where year = :year and month = :month and kind = 'overage'
          and (cast(:customer_id as bigint) is null or customer_id = :customer_id)) as existing,
       (select count(*) from usages where year = :year and month = :month
          and (cast(:customer_id as bigint) is null or customer_id = :customer_id)) as usages
""")

MISSING = sa.text(f"""
select name, count(*) over ()
from customers c
cross join lateral contract_days(c.id, start_date, end_date, :first_day, :last_day) d
where d.days > 0 and c.merged_into_id is null
  and (cast(:customer_id as bigint) is null or c.id = :customer_id)
  and not exists (select from usages u
                  where u.year = :year and u.month = :month and u.customer_id = c.id)
order by lower(name) limit {NAMED_MISSING}
""")


async def is_quick(session: AsyncSession, customer_id: int | None, most: int) -> bool:
    """Whether a preview looks at no more than so many customers."""
    if customer_id is not None:
        return True
    return int(await session.scalar(_CUSTOMERS, {"limit": most + 1}) or 0) <= most


_CUSTOMERS = sa.text("select count(*) from (select from customers limit :limit) found")


async def preview_run(
    session: AsyncSession,
    period: Period,
    customer_id: int | None = None,
    jump_factor: float | None = None,
) -> BillRunPreview:
    """What generating this month would do. Writes nothing."""
    values = run_values(period, customer_id, jump_factor)
    sums, biggest, first_held = (await session.execute(_PROPOSED, values)).one()
    real = [row for row in sums if not row["zero"]]
    waiting = [row for row in real if row["hold_reason"] is None]
    existing, usages = (await session.execute(AROUND, values)).one()
    missing = (await session.execute(MISSING, with_days(values, period))).all()
    return BillRunPreview(
        period=period,
        customer=await customer_name(session, customer_id),
        bills=sum(row["bills"] for row in waiting),
        by_rule=sum(row["by_rule"] for row in real),
        jumps=sum(row["jumps"] for row in real),
        totals=tuple(
            Total(row["currency"], row["bills"], Decimal(row["amount"])) for row in waiting
        ),
        held=by_hold_reason(
            (row["hold_reason"], row["bills"]) for row in real if row["hold_reason"]
        ),
        held_customers=named_by_reason((row["hold_reason"], row["name"]) for row in first_held),
        biggest=tuple(map(_proposed_bill, biggest)),
        existing=existing,
        zero=sum(row["bills"] for row in sums if row["zero"]),
        missing=tuple(name for name, _ in missing),
        missing_count=missing[0][1] if missing else 0,
        usages=usages,
        digest=_digest(period, (row["mark"] for row in real)),
    )


async def preview_unless_agreed(
    session: AsyncSession,
    period: Period,
    customer_id: int | None,
    jump_factor: float | None,
    agreed: str | None,
) -> BillRunPreview | None:
    """What generating this month would do, where that is not what `agreed` is the digest of."""
    facts = await preview_run(session, period, customer_id, jump_factor)
    return None if facts.digest == agreed else facts


def _digest(period: Period, marks: Iterable[str]) -> str:
    told = " ".join([str(period), *sorted(marks)])
    return hashlib.sha256(told.encode()).hexdigest()


def _proposed_bill(row: Mapping[str, Any]) -> ProposedBill:
    reason = row["hold_reason"]
    return ProposedBill(
        row["name"],
        HoldReason(reason) if reason else None,
        Decimal(row["amount"]),
        row["currency"],
        row["jumps"],
    )


def by_hold_reason(counts: Iterable[tuple[str, int]]) -> dict[HoldReason, int]:
    """Bills held by cause, over all currencies."""
    held: Counter[HoldReason] = Counter()
    for reason, count in counts:
        held[HoldReason(reason)] += count
    return dict(held)


def named_by_reason(rows: Iterable[Any]) -> dict[HoldReason, tuple[str, ...]]:
    """The names of customers, as they come, by the cause for which their bills are held."""
    named: dict[HoldReason, tuple[str, ...]] = {}
    for reason, name in rows:
        named[HoldReason(reason)] = (*named.get(HoldReason(reason), ()), name)
    return named


def with_days(values: dict[str, Any], period: Period) -> dict[str, Any]:
    return values | {"first_day": period.first_day, "last_day": period.last_day}


async def customer_name(session: AsyncSession, customer_id: int | None) -> str | None:
    if customer_id is None:
        return None
    return (await get_customer(session, customer_id)).name
