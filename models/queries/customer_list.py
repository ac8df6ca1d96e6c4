"""Customers as a list: searched, filtered, a page at a time, however many there are."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.states import UNSETTLED
from models.named_people import PersonRef
from models.period import Period
from models.text import cleaned_name
from models.usage.usage import UsageMonth

PAGE_CUSTOMERS = 50
MOST_COUNTED = 1_000
LOOKED_THROUGH = 5_000
"""Who is over the limit is found by looking, and of so many at most in one page."""


@dataclass(frozen=True)
class CustomerFilter:
    """Which customers are meant: those that fit all that is given.

    `name`: a part of a name that they have or had; `csm_id`: whose they are, 0 for nobody's;
    `over`: only those over their limit in the month that the list shows.
    """

    name: str = ""
    csm_id: int | None = None
    over: bool = False


@dataclass(frozen=True)
class CustomerLine:
    """One customer with one month's usage. `listed_as`: the name that was looked for, which is not
    always today's.
    """

    id: int
    name: str
    listed_as: str
    csm: PersonRef | None
    usage: UsageMonth
    unit_cost: Decimal | None
    open_bills: int


@dataclass(frozen=True)
class CustomerPage:
    """A page of the list; `after` continues it, also where none of those looked through fits.

    `count` is of the whole list, up to `MOST_COUNTED`; None: not counted.
    """

    period: Period
    lines: tuple[CustomerLine, ...]
    after: str | None
    count: int | None


# All customers: walked in the order of names, each looked up by itself, and no more than are asked
# for. What is fenced off by `offset 0` keeps the plan from joining them all and sorting them.
_WALKED = """
select n.name_key, n.name as listed_as, c.id, c.name, c.csm_id
from {names} n
cross join lateral (
    select * from customers where id = n.customer_id offset 0) named
cross join lateral (
    select * from customers where id = coalesce(named.merged_into_id, named.id) offset 0) c
where n.name_key > :after and coalesce({meant}, false)
order by n.name_key limit :most"""

# Names that are looked for are found in their index alone, and only what is found is looked up.
_FOUND = """(
    select found.name_key, named.name, named.customer_id
    from (select name_key from customer_names
          where name_key > :after and strpos(name_key, :needle) > 0
          order by name_key offset 0) found
    cross join lateral (
        select * from customer_names where name_key = found.name_key offset 0) named)"""

# Those of one CSM, or of nobody, are found by that.
_LOOKED_AFTER = """
select n.name_key, n.name as listed_as, c.id, c.name, c.csm_id
from customers c
cross join lateral (
    select c.id union all select id from customers where merged_into_id = c.id) own (id)
join customers named on named.id = own.id
join customer_names n on n.customer_id = named.id
where {whose} and c.merged_into_id is null
  and n.name_key > :after and coalesce({meant}, false)
order by n.name_key limit :most"""

_ALL = "n.name = named.name and named.merged_into_id is null"

# A former name is listed only where today's is not what was looked for.
_NAMED = """
strpos(n.name_key, :needle) > 0
and (n.name = c.name or strpos(name_key(c.name), :needle) = 0)"""

_PAGE = """
with listed as materialized ({listed})
select l.*, u.id as csm_user_id, u.name as csm_name, u.role as csm_role,
       u.slack_user_id as csm_slack_id, t.currency, t.overage_unit_cost, t.monthly_api_limit,
       g.api_usage, coalesce(t.active_days > 0, true) as in_contract, (
           select count(*) from bills b
           where b.status = any(:unsettled) and b.customer_id = any(array(
               select l.id union all select id from customers where merged_into_id = l.id))
       ) as open_bills
from listed l
left join usages g on g.customer_id = l.id and g.year = :year and g.month = :month
cross join lateral month_terms(l.id, :year, :month) t
left join users u on u.id = l.csm_id
where not :over or g.api_usage > t.monthly_api_limit
order by l.name_key limit :limit"""

_END = "select max(name_key), count(*) from ({listed}) listed"
_COUNT = "select count(*) from ({listed}) listed"

# Each customer that is not merged has one name of its own: without a name that is looked for they
# are as many as there are customers, and nothing has to be looked up for them.
_COUNT_ALL = """
select count(*) from (
    select from customers c where {whose} and c.merged_into_id is null limit :most) listed"""


async def list_customers(
    session: AsyncSession,
    wanted: CustomerFilter,
    period: Period,
    after: str | None = None,
    limit: int = PAGE_CUSTOMERS,
) -> CustomerPage:
    """Customers in the order of their names, each with what it used in `period`.

    `after` continues a page.
    """
    needle = await session.scalar(sa.select(sa.func.name_key(cleaned_name(wanted.name)))) or ""
    listed = _listed(wanted, is_named=bool(needle))
    counting = _COUNT.format(listed=listed) if needle else _COUNT_ALL.format(whose=_whose(wanted))
    most = LOOKED_THROUGH if wanted.over else limit + 1
    values = {
        "after": after or "",
        "needle": needle,
        "csm_id": wanted.csm_id,
        "year": period.year,
        "month": period.month,
        "over": wanted.over,
        "unsettled": [*UNSETTLED],
        "most": most,
        "limit": limit + 1,
    }
    found = (await session.execute(sa.text(_PAGE.format(listed=listed)), values)).all()
    return CustomerPage(
        period=period,
        lines=tuple(_line(row, period) for row in found[:limit]),
        after=await _next(session, listed, values, found, limit),
        count=None if wanted.over else await _count(session, counting, values),
    )


def _listed(wanted: CustomerFilter, *, is_named: bool) -> str:
    meant, names = (_NAMED, _FOUND) if is_named else (_ALL, "customer_names")
    if wanted.csm_id is None:
        return _WALKED.format(meant=meant, names=names)
    return _LOOKED_AFTER.format(meant=meant, whose=_whose(wanted))


def _whose(wanted: CustomerFilter) -> str:
    if wanted.csm_id is None:
        return "true"
    return "c.csm_id = :csm_id" if wanted.csm_id else "c.csm_id is null"


async def _next(
    session: AsyncSession, listed: str, values: dict[str, Any], found: Any, limit: int
) -> str | None:
    """Behind which name the next page begins: the last one shown, or the last looked at."""
    if len(found) > limit:
        return str(found[limit - 1].name_key)
    if not values["over"]:
        return None
    last, looked = (await session.execute(sa.text(_END.format(listed=listed)), values)).one()
    return str(last) if looked == values["most"] else None


async def _count(session: AsyncSession, counting: str, values: dict[str, Any]) -> int:
    whole = values | {"after": "", "most": MOST_COUNTED + 1}
    return int(await session.scalar(sa.text(counting), whole) or 0)


def _line(row: Any, period: Period) -> CustomerLine:
    csm = row.csm_user_id and PersonRef(
        row.csm_user_id, row.csm_name, row.csm_role, row.csm_slack_id
    )
    return CustomerLine(
        id=row.id,
        name=row.name,
        listed_as=row.listed_as,
        csm=csm or None,
        usage=UsageMonth(
            period, row.api_usage, row.monthly_api_limit, row.currency, row.in_contract
        ),
        unit_cost=row.overage_unit_cost,
        open_bills=row.open_bills,
    )


async def csms(session: AsyncSession) -> list[PersonRef]:
    """Everybody who looks after a customer, by name."""
    return [PersonRef(*row) for row in await session.execute(_CSMS)]


_CSMS = sa.text("""
select id, name, role, slack_user_id from users u
where exists (select from customers c where c.csm_id = u.id) order by lower(name), id
""")
