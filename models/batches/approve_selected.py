"""What somebody ticked: kept as a list, and told before it is approved."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.batches.bulk_approve import keep_selection
from models.batches.lists import find_list
from models.context import Context
from models.errors import WrongState
from models.outbox.messages import MessageKind
from models.queries.bill_list import BillLine, bill_line
from models.queries.totals import Total, totals_of

NAMED = 5


@dataclass(frozen=True)
class Selected:
    """So many `bills` that are as they were shown, what they come to, and the biggest of each
    currency, five at most. `changed`: how many more were ticked, and are others by now.
    """

    list_id: int
    bills: int
    changed: int
    totals: tuple[Total, ...]
    biggest: tuple[BillLine, ...]


async def list_selected(
    session: AsyncSession, seen: Sequence[tuple[int, int]], context: Context
) -> Selected:
    """Keep what is ticked, by id and the version that was shown; refused where all of it changed.
    What they ticked before and did not take is forgotten.
    """
    await session.execute(_FORGET, {"of": f"user:{context.user.id}"})
    values = {"id": await keep_selection(session, seen, context), "most": NAMED}
    await session.execute(_NOTE, values)
    rows = (await session.execute(_SUMS, values)).all()
    shown = [row for row in rows if row.is_shown]
    changed = sum(row.bills for row in rows) - sum(row.bills for row in shown)
    if not shown:
        raise WrongState("What you ticked has changed since. See how it stands, and tick it again.")
    biggest = [bill_line(row, row.name) for row in await session.execute(_BIGGEST, values)]
    biggest.sort(key=lambda one: (one.currency, -abs(one.amount or Decimal(0))))
    bills = sum(row.bills for row in shown)
    return Selected(values["id"], bills, changed, totals_of(shown), tuple(biggest))


async def is_selection(session: AsyncSession, list_id: int) -> bool:
    """Whether a list is one of what somebody ticked."""
    return "selected" in (await find_list(session, MessageKind.APPROVING, list_id)).facts


_FORGET = sa.text("""
delete from messages
where recipient = :of and kind = 'approving' and facts ? 'selected' and not facts ? 'begun'
""")

_NOTE = sa.text("""
update messages set facts = facts || '{"selected": true}' where id = :id
""")

_SUMS = sa.text("""
select b.version = l.version as is_shown, b.currency, count(*) as bills,
       count(b.overage_amount) as priced, sum(b.overage_amount) as amount
from approval_list_bills l join bills b on b.id = l.bill_id
where l.list_id = :id group by 1, 2
""")

_BIGGEST = sa.text("""
select b.*, c.name
from (select l.bill_id, row_number() over (
          partition by s.currency order by abs(s.overage_amount) desc nulls last, s.id) as place
      from approval_list_bills l join bills s on s.id = l.bill_id and s.version = l.version
      where l.list_id = :id) ranked
join bills b on b.id = ranked.bill_id join customers c on c.id = b.customer_id
order by ranked.place, b.currency limit :most
""")
