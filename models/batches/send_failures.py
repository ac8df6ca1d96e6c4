"""Why bills that were sent from a list are back with Finance."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.batches.bulk_send import HAPPENED
from models.batches.send_preview import LINE
from models.queries.bill_list import BillLine, bill_line

NAMED_FAILURES = 3


@dataclass(frozen=True)
class FailedBills:
    """So many `bills` failed for one cause; `named` are the biggest of them."""

    cause: str
    bills: int
    named: tuple[BillLine, ...]


async def failed_bills(session: AsyncSession, list_id: int) -> tuple[FailedBills, ...]:
    """Those of a list that were not taken, by cause, that of the most first."""
    values = {"list_id": list_id, "named": NAMED_FAILURES}
    found = await session.execute(_BY_CAUSE, values | _NO_CAUSE)
    by_cause: dict[str, FailedBills] = {}
    for row in found:
        before = by_cause[row.cause].named if row.cause in by_cause else ()
        named = (*before, bill_line(row, row.name))
        by_cause[row.cause] = FailedBills(row.cause, row.bills, named)
    return tuple(by_cause.values())


FAILURES = f"""
{HAPPENED}
join lateral (
    select f.action, f.bill_version, f.snapshot from bill_actions f
    where f.bill_id = b.id and f.action = 'send_failed'
    order by f.id desc limit 1) f on true
where shown.list_id = :list_id and a.id is not null and b.status = 'approved'
  and f.bill_version = b.version and not f.snapshot ? 'dry_run'
  and not exists (
      select from send_list_bills again
      join messages later on later.id = again.list_id and later.facts ? 'begun'
      join bill_actions s on s.bill_id = again.bill_id and s.action = 'send'
          and s.bill_version = again.version + 1
      where again.bill_id = b.id and again.version > shown.version)"""
"""Sent from a list and from none later, which tells of it then, and the last of a bill `b` is that
it failed; `f` says why. One that went out
and came back may have arrived all the same: whether it is mailed again is asked of each.
"""

# Addresses, and what a server calls one letter by, are not what several have in common.
_NO_CAUSE = {
    "addresses": r" \(to [^()]*\)|[^\s<>()]+@[^\s<>()]+",
    "names": r"\m(?=\S*\d)(?=\S*[a-z])[-\w.]{12,}",
}

_BY_CAUSE = sa.text(f"""
with failed as (
    select b.id, f.snapshot ->> 'failure' as failure,
           regexp_replace(
               regexp_replace(f.snapshot ->> 'failure', :addresses, '…', 'g'),
               :names, '…', 'g') as common,
           b.currency, row_number() over (
               partition by b.currency order by abs(b.overage_amount) desc, b.id) as of_currency
    from {FAILURES}
),
ranked as (
    select id, failure, common, count(*) over (partition by common) as bills,
           row_number() over (
               partition by common order by of_currency, currency) as place
    from failed
)
select {LINE}, case when r.bills = 1 then r.failure else r.common end as cause, r.bills
from ranked r join bills b using (id) join customers c on c.id = b.customer_id
where place <= :named order by r.bills desc, r.common, place
""")
