"""What a source of usage answered for a month: checked, and held against what is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.db.columns import MOST_CALLS
from models.db.names import MOST_KEY
from models.imports.csv_columns import Column, ColumnKind
from models.imports.pulled_rows import CALLS, CUSTOMER, DAY, PulledRows
from models.imports.rows import Flaw
from models.imports.staging import Layout, Naming, Progress, stage
from models.period import Period

NAMED = 20
"""So many customers are named of those that there is something to say about."""

_NAME = ColumnKind(
    value="{v}",
    ok=f"k.key <> '' and length(k.key) <= {MOST_KEY}",
    reasons=(
        ("k.key = ''", "has nothing that can be seen"),
        ("true", "is too long a name"),
    ),
)
_WHOLE = ColumnKind(value="{v}::bigint")


# A customer that is known by several names is one; so are names that only look like others.
_SAME = """
select r.line, 'customer', '“' || left(r.customer, 60) || '” ' || case
    when r.customer = f.customer then 'is the same customer as row ' || f.line
    when r.name_key = f.name_key then 'only looks like another: it is the same customer as “'
        || left(f.customer, 60) || '” of row ' || f.line || ', written otherwise'
    else 'is the same customer as “' || left(f.customer, 60) || '” of row ' || f.line end
from (
    select line, customer, name_key, min(line) over (partition by whose, stranger{day}) as first
    from ready
    where sound and (whose, stranger) in (
        select whose, stranger from ready where sound
        group by whose, stranger{day} having count(*) > 1)
) r join ready f on f.line = r.first
where r.line > r.first"""

_DAYS_OF_CUSTOMERS = """
select min(line) as line, max(calls) filter (where day is null) as told,
       sum(calls) filter (where day is not null) as sum
from ready where sound group by whose, stranger"""

_OTHER_SUM = f"""
select line, 'calls', 'the days of this customer come to ' || sum
    || ', and the row without a day to ' || told
from ({_DAYS_OF_CUSTOMERS}) d where told <> sum"""

_TOO_MUCH = f"""
select line, 'calls', 'the days of this customer come to ' || sum || ', which is more than '
    || '{MOST_CALLS:,} calls, which is all that can be kept'
from ({_DAYS_OF_CUSTOMERS}) d where sum > {MOST_CALLS}"""

_STRANGERS = "select line, customer as name from ready where customer_id is null"


def _layout(period: Period, has_days: bool) -> Layout:
    """Whoever is no customer here is left in, and told; what else is wrong is refused."""
    month = f"u.year = {period.year} and u.month = {period.month}"
    day = ColumnKind(
        value="{v}::date",
        ok=f"""{{v}} collate "C" between '{period.first_day}' and '{period.last_day}'""",
        reasons=(("true", f"is no day of {period.in_words}"),),
    )
    return Layout(
        columns=(
            Column(CUSTOMER, _NAME, CUSTOMER, needed=True),
            Column(CALLS, _WHOLE, CALLS, needed=True),
            Column(DAY, day, DAY, optional=True),
        ),
        locked="usages",
        joins=f"""
        cross join lateral (select name_key(s.customer) as key offset 0) k
        left join customer_names cn on cn.name_key = k.key
        left join customers named on named.id = cn.customer_id
        left join lateral (
            select case
                when named.merged_into_id is null then named.id
                when exists (
                    select from usages u where u.customer_id = named.id and {month}) then named.id
                else named.merged_into_id end as id) c on true""",
        matched=(
            "c.id as customer_id",
            "k.key as name_key",
            "coalesce(c.id, 0) as whose",
            "case when c.id is null then k.key else '' end as stranger",
        ),
        unique=(),
        naming=Naming(CUSTOMER, "correct it in the source, or in the query", _STRANGERS),
        checks=(_SAME.format(day=", day"), _OTHER_SUM, _TOO_MUCH)
        if has_days
        else (_SAME.format(day=""),),
    )


@dataclass(frozen=True)
class Pulled:
    """The month's answer, in `ready` of this transaction.

    `figures` is a query for `customer_id`, `year`, `month` and `api_usage` of customers that are
    known, `days` one for `customer_id`, `day` and `api_usage`, where the source tells days.
    """

    period: Period
    has_days: bool

    @classmethod
    def of(cls, rows: PulledRows, period: Period) -> "Pulled":
        return cls(period, DAY in rows.header)

    @property
    def figures(self) -> str:
        calls = "calls as api_usage"
        grouped = ""
        if self.has_days:
            calls = """coalesce(max(calls) filter (where day is null),
                       sum(calls) filter (where day is not null))::bigint as api_usage"""
            grouped = "group by customer_id"
        year, month = self.period.year, self.period.month
        return f"""
            select customer_id, {year} as year, {month} as month, {calls}
            from ready where sound and customer_id is not null {grouped}"""

    @property
    def days(self) -> str | None:
        if not self.has_days:
            return None
        return """
            select customer_id, day, calls as api_usage from ready
            where sound and customer_id is not null and day is not null"""


async def stage_pull(
    session: AsyncSession,
    rows: PulledRows,
    period: Period,
    today: date,
    progress: Progress | None = None,
) -> Pulled:
    """Check the answer of a source. Raises BadRows where any row cannot be usage of the month."""
    pulled = Pulled.of(rows, period)
    await stage(session, rows, _layout(period, pulled.has_days), today, progress)
    return pulled


@dataclass(frozen=True)
class Whole:
    """The answer as a whole: `checksum` is the same for the same rows in any order."""

    rows: int
    total: Decimal
    checksum: str


_WHOLE_ANSWER = """
select count(*), coalesce(sum(calls), 0), coalesce(sum(
    ('x' || left(md5(concat_ws(chr(31), customer, calls{day})), 15))::bit(60)::bigint), 0)
from ready"""


async def whole_of(session: AsyncSession, pulled: Pulled) -> Whole:
    day = ", day" if pulled.has_days else ""
    rows, total, checksum = (await session.execute(sa.text(_WHOLE_ANSWER.format(day=day)))).one()
    return Whole(rows, Decimal(total), f"{int(checksum):x}")


class ChangedFigure(NamedTuple):
    """`before` None: nothing was recorded."""

    customer: str
    before: int | None
    after: int


@dataclass(frozen=True)
class Foretold:
    """What an answer would change, in customers.

    `to_zero`: of those that are changed, whose recorded calls would be none, be it that the source
    says so or that it has nothing of them any more. `recorded`: who has calls in the month as yet.
    `days_changed`: of those that are unchanged, whose days are others.
    `unknown`: whose name nobody has here. `missing`: in contract in the month, and not in the
    answer. Some of the latter are named.
    """

    added: int
    changed: int
    unchanged: int
    to_zero: int
    recorded: int
    days_changed: int
    unknown: int
    missing: int
    unknown_names: tuple[str, ...] = ()
    missing_names: tuple[str, ...] = ()
    biggest: tuple[ChangedFigure, ...] = ()

    @property
    def changes_nothing(self) -> bool:
        return not (self.added or self.changed or self.days_changed)

    @property
    def counts(self) -> dict[str, int]:
        return {name: count for name, count in vars(self).items() if isinstance(count, int)}

    @property
    def found(self) -> dict[str, tuple[Any, ...]]:
        named = {
            "changed": self.biggest,
            "unknown": self.unknown_names,
            "missing": self.missing_names,
        }
        return {what: names for what, names in named.items() if names}


def figures_from(pulled: Pulled, source_id: int) -> str:
    """The answer's figures, and zero for whom the source told of before, and has nothing now."""
    return f"""
        with told as materialized ({pulled.figures})
        select * from told
        union all
        select u.customer_id, u.year, u.month, 0
        from usages u join usage_pulls p on p.id = u.pull_id
        where u.year = {pulled.period.year} and u.month = {pulled.period.month}
          and p.source_id = {source_id:d} and u.api_usage > 0
          and not exists (select from told t where t.customer_id = u.customer_id)"""


_FORETELL = """
select count(distinct customer_id) filter (where u.id is null),
       count(distinct customer_id) filter (where u.api_usage <> f.api_usage),
       count(distinct customer_id) filter (where u.api_usage = f.api_usage),
       count(distinct customer_id) filter (where u.api_usage > 0 and f.api_usage = 0),
       (select count(*) from usages where year = :year and month = :month and api_usage > 0)
from ({figures}) f left join usages u using (customer_id, year, month)"""

_OTHER_DAYS = """
with told as materialized ({days}),
kept as (
    select customer_id, day, api_usage from usage_days
    where day between :first_day and :last_day
      and customer_id in (select customer_id from told))
select count(distinct customer_id) from (
    (table told except all table kept) union all (table kept except all table told)) other
where customer_id in (
    select f.customer_id from ({figures}) f join usages u using (customer_id, year, month)
    where u.api_usage = f.api_usage)"""

_CHANGED = """
select c.name, u.api_usage, f.api_usage
from ({figures}) f
join customers c on c.id = f.customer_id
left join usages u using (customer_id, year, month)
where u.api_usage is distinct from f.api_usage
order by abs(f.api_usage - coalesce(u.api_usage, 0)) desc, c.name limit :named"""

_UNKNOWN = """
select customer, count(*) over () from (
    select min(line) as line, min(customer) as customer from ready
    where sound and customer_id is null group by name_key) r
order by line limit :named"""

_MISSING = """
select c.name, count(*) over ()
from customers c
cross join lateral contract_days(c.id, c.start_date, c.end_date, :first_day, :last_day) d
where c.merged_into_id is null and d.days > 0
  and not exists (select from ready r where r.customer_id = c.id)
order by lower(c.name), c.id limit :named"""


async def foretell(session: AsyncSession, pulled: Pulled, source_id: int) -> Foretold:
    period = pulled.period
    of_month = {"year": period.year, "month": period.month}
    days = {"first_day": period.first_day, "last_day": period.last_day}
    figures = figures_from(pulled, source_id)
    counted = await session.execute(sa.text(_FORETELL.format(figures=figures)), of_month)
    days_changed = 0
    if pulled.days:
        other = sa.text(_OTHER_DAYS.format(days=pulled.days, figures=figures))
        days_changed = await session.scalar(other, days) or 0
    biggest = await session.execute(
        sa.text(_CHANGED.format(figures=figures)), of_month | {"named": NAMED}
    )
    unknown = await _named(session, _UNKNOWN, {"named": NAMED})
    missing = await _named(session, _MISSING, days | {"named": NAMED})
    added, changed, unchanged, to_zero, recorded = counted.one()
    return Foretold(
        added=added,
        changed=changed,
        unchanged=unchanged,
        to_zero=to_zero,
        recorded=recorded,
        days_changed=days_changed,
        unknown=unknown[1],
        missing=missing[1],
        unknown_names=unknown[0],
        missing_names=missing[0],
        biggest=tuple(ChangedFigure(*row) for row in biggest),
    )


async def _named(
    session: AsyncSession, query: str, values: dict[str, Any]
) -> tuple[tuple[str, ...], int]:
    found = (await session.execute(sa.text(query), values)).all()
    return tuple(row[0] for row in found), found[0][1] if found else 0


async def customers_of(session: AsyncSession, flaws: Sequence[Flaw]) -> dict[int, str]:
    """Whose the rows are that were refused, by their number."""
    query = sa.text("select line, customer from staged where line = any(:lines)")
    found = await session.execute(query, {"lines": [flaw.line for flaw in flaws]})
    return {line: customer for line, customer in found if customer}
