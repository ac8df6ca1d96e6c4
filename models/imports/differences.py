"""What the rows of a file are to change, one by one, before they are merged."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.customers.terms import TERMS
from models.imports.csv_columns import Column
from models.period import Period

SHOWN_DIFFERENCES = 200


@dataclass(frozen=True)
class Difference:
    """One field of `what`, before and after; None: empty. `is_new`: of something to be added, and
    then `field` may be empty, with what it gets as a JSON object of fields in `new`.
    """

    line: int
    what: str
    field: str
    old: str | None
    new: str | None
    is_new: bool

    @property
    def given(self) -> Mapping[str, str]:
        """What something new gets, by field."""
        if self.new is None or not self.is_new:
            return {}
        told: Mapping[str, str] = {self.field: self.new} if self.field else json.loads(self.new)
        return told


@dataclass(frozen=True)
class Differences:
    """The first of all differences, their number, and a digest of all."""

    first: tuple[Difference, ...] = ()
    total: int = 0
    digest: str = ""

    def preceded_by(self, one: Difference) -> "Differences":
        digest = f"{self.digest} {one}"
        return Differences((one, *self.first), self.total + 1, digest)


_ALL = """
with d (line, what, field, old, new, is_new) as materialized ({query}),
told as (select count(*) as total, md5(string_agg(d::text, ',' order by line, field)) as digest
         from d)
select d.*, told.* from d cross join told order by line, field limit {most}"""

_OF_USAGE = """
select r.line, c.name || ' ' || r.year || '-' || lpad(r.month::text, 2, '0'), 'api_usage',
       u.api_usage::text, r.api_usage::text, u.id is null
from ready r
join customers c on c.id = r.customer_id
left join usages u using (customer_id, year, month)
where u.api_usage is distinct from r.api_usage"""

_OF_PEOPLE = """
with every as (
select r.line, coalesce(u.name, r.name) as what, e.field, e.old, e.new, u.id is null as is_new
from ready r left join users u on u.id = r.user_id
cross join lateral (values
    ('name', u.name, r.name, u.name_key is distinct from r.name_key),
    ('role', u.role, r.role, u.role is distinct from r.role),
    ('email', u.email, r.email, u.email <> r.email or u.email is null and r.email <> ''),
    ('slack_user_id', u.slack_user_id, r.slack_user_id,
     u.slack_user_id <> r.slack_user_id or u.slack_user_id is null and r.slack_user_id <> ''),
    ('active', u.active::text, {active}::text, u.active <> {active})
) e (field, old, new, is_other)
where e.is_other
)
select * from every where not is_new
union all
select line, what, '', null,
       (json_object_agg(field, new) filter (where field <> 'name' and new <> ''))::text, true
from every where is_new group by line, what"""

_OF_CUSTOMERS = """
select r.line, c.name, e.field, e.old, e.new, false
from ready r
join customers c on c.id = r.customer_id
cross join lateral terms_in_force(c.id, coalesce({asked_from}, :month)) t
cross join lateral (values {each}) e (field, old, new, is_other)
where e.is_other
union all
select r.line, r.name, '', null,
       (select json_object_agg(field, new) from (values {given}) v (field, new)
        where new not in ('', 'false'))::text, true
from ready r where r.customer_id is null"""


async def differences_of_usage(session: AsyncSession) -> Differences:
    return await _differences(session, _OF_USAGE)


async def differences_of_people(session: AsyncSession, columns: Sequence[Column]) -> Differences:
    given = {column.name for column in columns}
    active = "r.active" if "active" in given else "null::boolean"
    return await _differences(session, _OF_PEOPLE.format(active=active))


async def differences_of_customers(
    session: AsyncSession, targets: Sequence[str], asked_from: str | None, today: date
) -> Differences:
    """`targets`: the columns that the file has; `asked_from`: that of its months, if it has it."""
    others = [target for target in targets if target != "name"]
    each = ", ".join(map(_one, others)) or "('', null, null, false)"
    given = ", ".join(map(_given, others)) or "('', null)"
    month = f"r.{asked_from}" if asked_from else "null::date"
    query = _OF_CUSTOMERS.format(each=each, given=given, asked_from=month)
    return await _differences(session, query, month=Period.of(today).first_day)


_PEOPLE = {"csm_id": "csm", "sales_id": "sales"}


def _one(target: str) -> str:
    pair = (f"{'t' if target in TERMS else 'c'}.{target}", f"r.{target}")
    old, new = (_text(target, value) for value in pair)
    is_other = f"{pair[0]} is distinct from {pair[1]}"
    return f"('{_PEOPLE.get(target, target)}', {old}, {new}, {is_other})"


def _given(target: str) -> str:
    return f"('{_PEOPLE.get(target, target)}', {_text(target, f'r.{target}')})"


def _text(target: str, value: str) -> str:
    return f"(select name from users where id = {value})" if target in _PEOPLE else f"{value}::text"


async def _differences(session: AsyncSession, query: str, **values: object) -> Differences:
    statement = sa.text(_ALL.format(query=query, most=SHOWN_DIFFERENCES))
    rows = (await session.execute(statement, values)).all()
    if not rows:
        return Differences()
    first = tuple(Difference(*row[:6]) for row in rows)
    return Differences(first, rows[0].total, rows[0].digest)
