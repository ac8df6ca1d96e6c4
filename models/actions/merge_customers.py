"""Two customers turn out to be one."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.recalculate import recalculate
from models.bills.bill import Bill
from models.bills.states import State
from models.context import Context
from models.customers.customers import Customer, lock_customer, with_merged
from models.customers.names import CustomerChange
from models.db.locks import lock_for_write
from models.errors import WrongState
from models.outbox.notifications import Recalculation
from models.people.permissions import Permission
from models.people.who_can import require
from models.period import Period
from models.text import reason_text
from models.usage.usage import Usage

NAMED = 6
"""So many bills or months are named where they stand in the way; of others it is said that
there are more.
"""


async def merge_customers(
    session: AsyncSession,
    customer_id: int,
    into_id: int,
    context: Context,
    reason: str | None = None,
) -> tuple[CustomerChange, Recalculation]:
    """Make the first customer one with the second, on the record: its names find that one.

    What was billed to it stays its own, with the usage and the terms that explain it. Usage that
    nobody has billed goes to the second customer, where that has none for the month. Refused while
    bills of it are under way, and where both have usage of a month that the first would still be
    billed for: which of them counts is for people to say.
    """
    await require(session, context.user, Permission.KEEP_BOOKS)
    ids = {customer_id, into_id, *await session.scalars(with_merged(customer_id))}
    customers = {one: await lock_customer(session, one) for one in sorted(ids)}
    await lock_for_write(session, Usage.__tablename__)
    merged, into = customers[customer_id], customers[into_id]
    _refuse_merged(merged, into)
    await _refuse_under_way(session, merged)
    await _refuse_used_twice(session, merged, into, context)
    moved = sorted(await session.scalars(_MOVE, _ids(merged, into) | {"now": context.now}))
    theirs = sa.or_(Customer.id == merged.id, Customer.merged_into_id == merged.id)
    becoming = sa.update(Customer).where(theirs)
    await session.execute(becoming.values(merged_into_id=into.id, updated_at=context.now))
    change = CustomerChange(
        customer_id=merged.id,
        into_id=into.id,
        old_name=merged.name,
        new_name=into.name,
        moved_usage=moved,
        reason=reason_text(reason) if reason else None,
        changed_by=context.user.id,
        changed_at=context.now,
        source=context.source,
    )
    session.add(change)
    await session.flush()
    return change, await recalculate(session, context, corrected_by=context.user)


def _refuse_merged(merged: Customer, into: Customer) -> None:
    if into.id in (merged.id, merged.merged_into_id):
        raise WrongState(f"{merged.name} and {into.name} are one customer. Nothing was changed.")
    if into.merged_into_id is not None or merged.merged_into_id is not None:
        raise WrongState("One of these was merged into another customer before.")


def _ids(merged: Customer, into: Customer) -> dict[str, int]:
    return {"merged_id": merged.id, "into_id": into.id}


_UNBILLED = """
u.customer_id = :merged_id and not exists (
    select from bills b
    where b.customer_id = u.customer_id and b.year = u.year and b.month = u.month
      and b.kind = 'overage' and b.status <> 'void')"""

_OF_BOTH = """
exists (select from usages o
        where o.customer_id = :into_id and o.year = u.year and o.month = u.month)"""

# Once a month within its limit is over, nothing is billed for it, and nothing is to be decided.
_USED_TWICE = sa.text(f"""
select make_date(u.year, u.month, 1)
from usages u cross join lateral overage_of(u.customer_id, u.year, u.month) o
where {_UNBILLED} and {_OF_BOTH} and u.api_usage > 0
  and (o.overage_units > 0 or make_date(u.year, u.month, 1) >= :this_month)
order by 1
""")

_MOVE = sa.text(f"""
with moved as (
    update usages u set customer_id = :into_id, updated_at = :now
    where {_UNBILLED} and not {_OF_BOTH}
    returning make_date(u.year, u.month, 1) as month
), days as (
    update usage_days d set customer_id = :into_id from moved
    where d.customer_id = :merged_id
      and d.day >= moved.month and d.day < moved.month + interval '1 month'
)
select month from moved
""")


async def _refuse_under_way(session: AsyncSession, merged: Customer) -> None:
    query = (
        sa.select(Bill.id)
        .where(Bill.customer_id == merged.id, Bill.status.not_in([State.SENT, State.VOID]))
        .order_by(Bill.id)
        .limit(NAMED + 1)
    )
    found = [f"#{one}" for one in await session.scalars(query)]
    if found:
        raise WrongState(
            f"{merged.name} has bills that are under way: {_named(found)}. "
            "Send them or make them void first."
        )


async def _refuse_used_twice(
    session: AsyncSession, merged: Customer, into: Customer, context: Context
) -> None:
    values = _ids(merged, into) | {"this_month": Period.of(context.today).first_day}
    months = [str(Period.of(day)) for day in await session.scalars(_USED_TWICE, values)]
    if months:
        raise WrongState(
            f"Both have usage of {_named(months)}. Record what both used together for {into.name},"
            f" and 0 for {merged.name}; or bill such a month to {merged.name} first."
        )


def _named(those: list[str]) -> str:
    return ", ".join(those[:NAMED]) + (" and more" if len(those) > NAMED else "")
