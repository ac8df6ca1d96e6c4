"""Customers, their terms by month, and finding one by what a person typed."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.currencies import Currency
from models.customers.customers import Customer
from models.db.columns import Base, Calls, Id
from models.db.locks import busy_after_waiting, lock_for_write
from models.period import Period


class Terms(Base):
    """Currency, limit and price from a month on, until later terms take over."""

    __tablename__ = "customer_terms"

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(Customer.id))
    valid_from: Mapped[date]
    currency: Mapped[str] = mapped_column(sa.ForeignKey(Currency.code))
    monthly_api_limit: Mapped[Calls]
    overage_unit_cost: Mapped[Decimal | None]


TERMS = ("currency", "monthly_api_limit", "overage_unit_cost")
LAST_ID = 2**63 - 1

_FROZEN = """
select customer_id, max(make_date(year, month, 1)) as month
from bills
where customer_id = any(:customer_ids)
  and kind = 'overage' and number is not null and status <> 'void'
group by customer_id"""

# Who has other terms than those wanted, in the month asked for or in this one. All others are left
# alone.
_CONCERNED = """
select c.id
from customers c
join ({wanted}) w on w.customer_id = c.id
cross join lateral terms_in_force(c.id, coalesce(w.asked_from, :month)) t
where (t.*) is distinct from ({values})
order by c.id
for no key update of c"""

_TOO_EARLY = """
select w.customer_id, f.month
from ({wanted}) w join ({frozen}) f using (customer_id)
where w.asked_from <= f.month"""

# The first terms hold for all months before them. So where they change, or others come before
# them, a frozen month that they hold for gets a row of its own with what they were.
_WRITE = """
with frozen as ({frozen}),
due as (
    select w.*, f.month as frozen, first.valid_from as first_from,
           coalesce(w.asked_from, greatest(
               :month, (f.month + interval '1 month')::date, first.valid_from)) as valid_from
    from ({wanted}) w
    left join frozen f using (customer_id)
    cross join lateral (
        select min(valid_from) as valid_from from customer_terms
        where customer_id = w.customer_id) first
    where w.customer_id = any(:customer_ids)
),
changed as (
    select d.customer_id, d.valid_from, d.frozen, d.first_from, v.*
    from due d
    cross join lateral terms_in_force(d.customer_id, d.valid_from) t
    cross join lateral (values ({values})) v (currency, monthly_api_limit, overage_unit_cost)
    where (t.*) is distinct from (v.*)
),
pinned as (
    insert into customer_terms
        (customer_id, valid_from, currency, monthly_api_limit, overage_unit_cost)
    select c.customer_id, c.frozen, t.currency, t.monthly_api_limit, t.overage_unit_cost
    from changed c cross join lateral terms_in_force(c.customer_id, c.frozen) t
    where c.frozen < c.first_from and c.valid_from <= c.first_from
),
written as (
    insert into customer_terms
        (customer_id, valid_from, currency, monthly_api_limit, overage_unit_cost)
    select customer_id, valid_from, currency, monthly_api_limit, overage_unit_cost from changed
    on conflict (customer_id, valid_from) do update
    set currency = excluded.currency, monthly_api_limit = excluded.monthly_api_limit,
        overage_unit_cost = excluded.overage_unit_cost
)
select d.customer_id, d.valid_from, c.customer_id is not null as changed
from due d left join changed c using (customer_id)"""

_SHOW = sa.text("""
update customers c
set currency = t.currency, monthly_api_limit = t.monthly_api_limit,
    overage_unit_cost = t.overage_unit_cost, updated_at = now()
from unnest(cast(:customer_ids as bigint[])) as due (id)
cross join lateral terms_in_force(due.id, :today) t
where c.id = due.id
  and (c.currency, c.monthly_api_limit, c.overage_unit_cost) is distinct from (t.*)
returning c.id
""")

# Terms come into force with time alone where they have begun, so the first ones, which hold before
# that too, need no look. Tried: terms_in_force() for everybody takes twice as long.
_BEHIND = sa.text("""
select c.id
from customers c
join customer_terms t on t.customer_id = c.id and t.valid_from <= :today
where c.id > :after and c.id <= :upto
  and (c.currency, c.monthly_api_limit, c.overage_unit_cost)
      is distinct from (t.currency, t.monthly_api_limit, t.overage_unit_cost)
  and not exists (
      select from customer_terms l
      where l.customer_id = t.customer_id and l.valid_from > t.valid_from
        and l.valid_from <= :today)
order by c.id
for no key update of c skip locked
""")


@dataclass(frozen=True)
class _Written:
    """From when one customer's change holds, and whether it changes anything."""

    customer_id: int
    valid_from: date
    changed: bool


async def lock_customers_with_other_terms(
    session: AsyncSession, wanted: str, today: date, given: Collection[str] = TERMS
) -> list[int]:
    """Lock the customers whose terms are not those wanted, so that no month freezes; their ids.

    `wanted` is a query for `customer_id`, those of `TERMS` that are `given`, and `asked_from`, the
    first day of the month from which they are to hold: null for none given. Terms that are not
    `given` stay as they are in that month.
    """
    concerned = sa.text(_CONCERNED.format(wanted=wanted, values=_values("w", given)))
    with busy_after_waiting():
        return list(await session.scalars(concerned, {"month": Period.of(today).first_day}))


async def frozen_months(
    session: AsyncSession, wanted: str, customer_ids: Sequence[int]
) -> dict[int, Period]:
    """Of customers that are locked, those asked from a month that cannot change any more.

    With the last month that is frozen: the first one possible is the month after it.
    """
    query = sa.text(_TOO_EARLY.format(wanted=wanted, frozen=_FROZEN))
    found = await session.execute(query, {"customer_ids": customer_ids})
    return {customer_id: Period.of(month) for customer_id, month in found}


async def change_terms_of_many(
    session: AsyncSession,
    wanted: str,
    customer_ids: Sequence[int],
    today: date,
    given: Collection[str] = TERMS,
) -> dict[int, Period]:
    """Other terms for customers that are locked; from when they hold, by the ids of those changed.

    Asked from no month, they hold from the current one; or from the first one after the last
    frozen month, or from the month of the first terms, if later. What is in force then already is
    not written again. Nothing is refused here: frozen months are for the caller to refuse, see
    `frozen_months`. What `customers` shows is left to the caller as well.
    """
    written = await _write(session, wanted, customer_ids, today, given)
    return {row.customer_id: Period.of(row.valid_from) for row in written if row.changed}


async def show_terms_of_today(
    session: AsyncSession, today: date, after: int = 0, upto: int = LAST_ID
) -> int:
    """Show in `customers` the terms that have come into force; returns how many were behind.

    Looks at those with ids `after` that and `upto` that. A customer that is being changed right now
    is passed over until the next time.
    """
    await lock_for_write(session, Customer.__tablename__)
    behind = (await session.scalars(_BEHIND, {"today": today, "after": after, "upto": upto})).all()
    return await _show(session, behind, today)


async def terms_history(session: AsyncSession, customer_id: int) -> Sequence[Terms]:
    """All terms of a customer, oldest first, with those that are still ahead."""
    query = sa.select(Terms).where(Terms.customer_id == customer_id).order_by(Terms.valid_from)
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


def terms_in_force(terms: Sequence[Terms], period: Period) -> Terms:
    """Those of a customer's history that hold in a month, as the database's own rule has it."""
    begun = [one for one in terms if one.valid_from <= period.first_day]
    return begun[-1] if begun else terms[0]


async def _write(
    session: AsyncSession,
    wanted: str,
    customer_ids: Sequence[int],
    today: date,
    given: Collection[str],
) -> list[_Written]:
    """Of customers that are locked by now, so that no month freezes meanwhile."""
    if not customer_ids:
        return []
    statement = sa.text(_WRITE.format(frozen=_FROZEN, wanted=wanted, values=_values("d", given)))
    values = {"customer_ids": customer_ids, "month": Period.of(today).first_day}
    return [_Written(*row) for row in await session.execute(statement, values)]


def _values(wanted: str, given: Collection[str]) -> str:
    """What is to hold: as it is wanted where it is given, else as it is."""
    return ", ".join(f"{wanted if term in given else 't'}.{term}" for term in TERMS)


async def _show(session: AsyncSession, customer_ids: Iterable[int], today: date) -> int:
    values = {"customer_ids": list(customer_ids), "today": today}
    return len((await session.execute(_SHOW, values)).all())
