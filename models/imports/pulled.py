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
from models.imports.layouts import todays
from models.imports.overlaps import Overlap, overlaps_of
from models.imports.pulled_rows import CALLS, CUSTOMER, DAY, PulledRows
from models.imports.rows import Flaw
from models.imports.staging import Layout, Naming, Progress, stage
from models.period import Period

NAMED = 20
"""So many customers are named of those that there is something to say about."""

_NAME = ColumnKind(
    value="{v}",
    ok=f"s.name_key <> '' and length(s.name_key) <= {MOST_KEY}",
    reasons=(
        ("s.name_key = ''", "has nothing that can be seen"),
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
        called=CUSTOMER,
        joins=f"""
        left join customer_names cn on cn.name_key = s.name_key
        {todays("cn.customer_id", month)}""",
        matched=(
            "c.id as customer_id",
            "s.name_key",
            "coalesce(c.id, 0) as whose",
            "case when c.id is null then s.name_key else '' end as stranger",
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

    `figures` is a query for `customer_id` and `api_usage` of customers that are known, `days` one
    for `customer_id`, `day` and `api_usage`, where the source tells days. `changed` is one for
    `customer_id`, `year`, `month` and `api_usage` of what `foretell` has found to differ.
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
        return f"""
            select customer_id, {calls} from ready
            where sound and customer_id is not null {grouped}"""

    @property
    def changed(self) -> str:
        year, month = self.period.year, self.period.month
        return f"""
            select customer_id, {year} as year, {month} as month, after as api_usage
            from compared where before is null or before <> after"""

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
    answer. Some of the latter are named. `overlapping`: whom another source told of, by source in
    `overlaps`.
    """

    added: int
    changed: int
    unchanged: int
    to_zero: int
    recorded: int
    days_changed: int
    unknown: int
    missing: int
    overlapping: int = 0
    unknown_names: tuple[str, ...] = ()
    missing_names: tuple[str, ...] = ()
    biggest: tuple[ChangedFigure, ...] = ()
    overlaps: tuple[Overlap, ...] = ()

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
            "overlaps": tuple(
                one._asdict() | {"pulled_at": one.pulled_at.isoformat()} for one in self.overlaps
            ),
        }
        return {what: names for what, names in named.items() if names}


# Whose figure is the source's, and of whom it has nothing now, has used nothing.
_COMPARE = """
create temp table compared on commit drop as
select customer_id, u.api_usage as before, case
    when t.customer_id is not null then t.api_usage
    when u.source_id = {source_id} and u.api_usage > 0 then 0 end as after
from ({figures}) t full join (
    select u.customer_id, u.api_usage, p.source_id
    from usages u left join usage_pulls p on p.id = u.pull_id
    where u.year = {year} and u.month = {month}) u using (customer_id)"""

# With faults, which a check looks past, a customer can be there twice.
_COUNT = """
select count(distinct customer_id) filter (where before is null),
       count(distinct customer_id) filter (where before <> after),
       count(distinct customer_id) filter (where before = after),
       count(distinct customer_id) filter (where before > 0 and after = 0),
       count(distinct customer_id) filter (where before > 0)
from compared"""

_OTHER_DAYS = """
with told as materialized ({days}),
kept as (
    select customer_id, day, api_usage from usage_days
    where day between :first_day and :last_day
      and customer_id in (select customer_id from told))
select count(distinct customer_id) from (
    (table told except all table kept) union all (table kept except all table told)) other
where customer_id in (select customer_id from compared where before = after)"""

_CHANGED = """
select c.name, before, after
from compared join customers c on c.id = customer_id
where before is null or before <> after
order by abs(after - coalesce(before, 0)) desc, c.name limit :named"""

_UNKNOWN = """
select customer, count(*) over () from (
    select min(line) as line, min(customer) as customer from ready
    where sound and customer_id is null group by name_key) r
order by line limit :named"""

_MISSING = """
select c.name, count(*) over ()
from (
    select * from customers c
    where merged_into_id is null and not exists (select from ready where customer_id = c.id)
    offset 0) c
cross join lateral contract_days(c.id, c.start_date, c.end_date, :first_day, :last_day) d
where d.days > 0
order by lower(c.name), c.id limit :named"""


async def foretell(session: AsyncSession, pulled: Pulled, source_id: int) -> Foretold:
    """What taking in the answer would change, which is left in `compared` figure by figure."""
    period = pulled.period
    days = {"first_day": period.first_day, "last_day": period.last_day}
    compare = _COMPARE.format(figures=pulled.figures, source_id=source_id, **vars(period))
    await session.execute(sa.text("drop table if exists pg_temp.compared"))
    await session.execute(sa.text(compare))
    counted = await session.execute(sa.text(_COUNT))
    days_changed = 0
    if pulled.days:
        other = sa.text(_OTHER_DAYS.format(days=pulled.days))
        days_changed = await session.scalar(other, days) or 0
    biggest = await session.execute(sa.text(_CHANGED), {"named": NAMED})
    unknown = await _named(session, _UNKNOWN, {"named": NAMED})
    missing = await _named(session, _MISSING, days | {"named": NAMED})
    overlaps = await overlaps_of(session, period, source_id, NAMED)
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
        overlapping=sum(one.customers for one in overlaps),
        unknown_names=unknown[0],
        missing_names=missing[0],
        biggest=tuple(ChangedFigure(*row) for row in biggest),
        overlaps=overlaps,
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
