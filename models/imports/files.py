"""Customers, usage and people from files of CSV and other rows: all of a file, or nothing of it.

Each import takes all rows in the caller's transaction, wants one without a limit on its
statements (`Database.long_transaction`), and changes only what differs: the same file again
changes nothing. `now` is the time in the company's own zone. A file with faults raises BadRows,
and whoever may not import is refused before anything is read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, BinaryIO

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Source
from models.customers.terms import (
    TERMS,
    change_terms_of_many,
    frozen_months,
    lock_customers_with_other_terms,
)
from models.db.locks import lock_for_import
from models.db.statistics import analyze
from models.errors import NextStep, Step
from models.imports.column_kinds import OTHER_ACCOUNT
from models.imports.csv_reader import CsvReader
from models.imports.differences import (
    Differences,
    differences_of_customers,
    differences_of_people,
    differences_of_usage,
)
from models.imports.emptied import Emptied, emptied_of_customers
from models.imports.layouts import (
    ASKED_FROM,
    CUSTOMERS,
    PEOPLE,
    USAGE,
    USAGE_BY_ID,
    refuse_other_book,
)
from models.imports.rows import BadRows, Flaw, Rows
from models.imports.staging import Layout, Lock, Progress, stage
from models.imports.unwritten import Unwritten, unwritten_customers
from models.people.permissions import Permission
from models.people.users import PersonChange, PersonState, User, keeping_finance
from models.people.who_can import require
from models.period import Period
from models.usage.usage import UsageOrigin, merge_usage

FEW = 1000
"""Of up to so many rows it is told whose they are."""


@dataclass(frozen=True)
class Imported:
    """Rows of a file by what became of them."""

    added: int
    changed: int
    unchanged: int
    people: tuple[PersonChange, ...] = ()
    """Of people: each that was changed, before and after."""
    emptied: tuple[Emptied, ...] = ()
    """Of customers: what was filled and is empty now."""
    unwritten: Unwritten | None = None
    """Of customers: those whose documents cannot be drawn."""
    terms_from: Mapping[int, Period] = field(default_factory=dict, compare=False)
    """Of customers that are known: whose terms are others, and from when."""
    customer_ids: Sequence[int] | None = field(default=None, compare=False)
    """Of usage: whose the rows are, where they are few."""
    differences: Differences = field(default_factory=Differences, compare=False)
    """What was changed one by one, where these details were asked for."""

    @property
    def written(self) -> int:
        return self.added + self.changed


async def import_people(
    session: AsyncSession,
    file: BinaryIO | Rows,
    user: User,
    now: datetime,
    *,
    progress: Progress | None = None,
    details: bool = False,
) -> Imported:
    """Add people or give them other roles, found by their Slack id, then by their name.

    An empty role takes a role away; an empty e-mail or Slack id leaves what is known. Somebody
    whose account is switched off is found by name with a new Slack id as well, and is back.
    Refuses to leave nobody of Finance.
    """
    await require(session, user, Permission.GIVE_ROLES)
    try:
        columns, rows = await stage(session, _rows(file, PEOPLE), PEOPLE, now.date(), progress)
    except BadRows as refused:
        if any(flaw.reason.endswith(OTHER_ACCOUNT) for flaw in refused.flaws):
            refused.next_steps = (NextStep(Step.REPLACE_ACCOUNT),)
        raise
    told = await differences_of_people(session, columns) if details else Differences()
    active = "active" if "active" in {column.name for column in columns} else "null::boolean"
    async with keeping_finance(session, can_get_in=not user.is_system):
        change = sa.text(_CHANGE_PEOPLE.format(active=active))
        found = await session.execute(change, {"now": now})
        changed = [PersonChange(PersonState(*row[1:5]), PersonState(*row[5:])) for row in found]
        added = await _write(session, _ADD_PEOPLE.format(active=active), now=now)
    same = rows - added - len(changed)
    return Imported(added, len(changed), same, tuple(changed), differences=told)


# Whoever is found by another spelling of a name keeps the one that is known. With another Slack
# account the workspace is noted anew.
_CHANGE_PEOPLE = """
with wanted as (
    select r.line, user_id, r.role,
           case when u.name_key = r.name_key then u.name else r.name end as name,
           coalesce(r.given_active, u.active or r.role is not null) as active,
           coalesce(r.email, u.email) as email,
           coalesce(r.slack_user_id, u.slack_user_id) as slack_user_id
    from (select *, {active} as given_active from ready) r join users u on u.id = r.user_id
), changed as (
    update users u
    set name = w.name, role = w.role, active = w.active, email = w.email,
        slack_user_id = w.slack_user_id, updated_at = :now,
        slack_team_id = case when u.slack_user_id = w.slack_user_id then u.slack_team_id end
    from wanted w join users was on was.id = w.user_id
    where u.id = w.user_id
        and (was.name, was.role, was.active, was.email, was.slack_user_id)
            is distinct from (w.name, w.role, w.active, w.email, w.slack_user_id)
    returning w.line, was.name as old_name, was.role as old_role, was.active as was_active,
        was.slack_user_id as old_account, u.name, u.role, u.active, u.slack_user_id
)
select * from changed order by line
"""

_ADD_PEOPLE = """
insert into users (name, email, role, slack_user_id, active, created_at, updated_at)
select name, email, role, slack_user_id, coalesce({active}, true), :now, :now
from ready where user_id is null order by line
"""


async def import_customers(
    session: AsyncSession,
    file: BinaryIO | Rows,
    user: User,
    now: datetime,
    *,
    progress: Progress | None = None,
    lock: Lock = lock_for_import,
    details: bool = False,
) -> Imported:
    """Add customers, or change the columns given of those whose name is known, but for the name.

    Of these the file may leave out any other column, which keeps what is known; a customer that is
    new needs a limit.
    Another limit or price holds from the month that the row gives; without one from this month on,
    or from a later one, as `change_terms_of_many` has it. What that means for bills that are
    made already is for `recalculate` to say.
    """
    await require(session, user, Permission.KEEP_BOOKS)
    given_rows = _rows(file, CUSTOMERS)
    columns, rows = await stage(session, given_rows, CUSTOMERS, now.date(), progress, lock)
    given = [column.target for column in columns]
    dated = ASKED_FROM in given
    targets = [target for target in given if target != ASKED_FROM]
    emptied = await emptied_of_customers(session, columns, ASKED_FROM)
    unwritten = await unwritten_customers(session, targets)
    told = Differences()
    if details:
        asked_from = ASKED_FROM if dated else None
        told = await differences_of_customers(session, targets, asked_from, now.date())
    terms_from = await _change_terms(session, targets, dated, now.date())
    changed = {*terms_from, *await _change_shown(session, targets, now)}
    added = await _add_customers(session, targets, dated, now)
    await analyze(session, added + len(changed), ("customers", "customer_terms"))
    counts = (added, len(changed), rows - added - len(changed))
    return Imported(
        *counts, emptied=emptied, unwritten=unwritten, terms_from=terms_from, differences=told
    )


_RULES = ("auto_approve_below", "second_approval_above")


async def _change_terms(
    session: AsyncSession, targets: Sequence[str], dated: bool, today: date
) -> dict[int, Period]:
    """Those of customers that are known; of whose changed, from when they hold."""
    given = [term for term in TERMS if term in targets]
    values = ", ".join(("customer_id", *given, ASKED_FROM if dated else "null::date as asked_from"))
    wanted = f"select {values} from ready where customer_id is not null"
    concerned = await lock_customers_with_other_terms(session, wanted, today, given)
    if dated and (frozen := await frozen_months(session, wanted, concerned)):
        await _refuse_frozen(session, frozen)
    return await change_terms_of_many(session, wanted, concerned, today, given)


async def _change_shown(
    session: AsyncSession, targets: Sequence[str], now: datetime
) -> Iterable[int]:
    """What `customers` itself says of those that are known; their ids, where it says more now."""
    known = [target for target in targets if target != "name"]
    if not known:
        return ()
    shown = sa.text(_change_customers(known))
    return await session.scalars(shown, {"now": now, "today": now.date()})


async def _refuse_frozen(session: AsyncSession, frozen: Mapping[int, Period]) -> None:
    lines = sa.text("select line, customer_id from ready where customer_id = any(:customer_ids)")
    found = await session.execute(lines, {"customer_ids": list(frozen)})
    raise BadRows(
        [
            Flaw(
                line,
                "valid_from",
                f"the bill of {frozen[customer_id]} has its number already; "
                f"terms can change from {frozen[customer_id].plus(1)} on",
            )
            for line, customer_id in found
        ]
    )


async def _add_customers(
    session: AsyncSession, targets: Sequence[str], dated: bool, now: datetime
) -> int:
    """Those that are new; where a row gives a month, its first terms stand there."""
    names = ", ".join(targets)
    added = await _write(
        session,
        f"""
        insert into customers ({names}, created_at, updated_at)
        select {names}, :now, :now from ready where customer_id is null order by line
        """,
        now=now,
    )
    if dated and added:
        await session.execute(_BEGIN_FIRST_TERMS)
    return added


_BEGIN_FIRST_TERMS = sa.text("""
update customer_terms t set valid_from = r.asked_from
from ready r join customer_names n using (name_key)
where r.customer_id is null and t.customer_id = n.customer_id and t.valid_from <> r.asked_from""")


def _change_customers(targets: Sequence[str]) -> str:
    """Of the terms, `customers` takes what is in force today: the file's may be still ahead.

    Amounts of rules that the file changes are in its own currency, whenever that begins.
    """
    values = [f"{'t' if target in TERMS else 'r'}.{target}" for target in targets]
    old = ", ".join(f"c.{target}" for target in targets)
    sets = ", ".join(f"{t} = {value}" for t, value in zip(targets, values, strict=True))
    rules = [target for target in _RULES if target in targets]
    if rules and "rules_currency" not in targets:
        was, now = (", ".join(f"{of}.{rule}" for rule in rules) for of in "cr")
        currency = "r.currency" if "currency" in targets else "t.currency"
        sets += f""", rules_currency = case
            when row({was}) is distinct from row({now}) then {currency} else c.rules_currency end"""
    return f"""
        update customers c set {sets}, updated_at = :now
        from ready r cross join lateral terms_in_force(r.customer_id, :today) t
        where c.id = r.customer_id and ({old}) is distinct from ({", ".join(values)})
        returning c.id
    """


_USAGE_OF_FILE = "select customer_id, year, month, api_usage from ready"


async def import_usage(
    session: AsyncSession,
    file: BinaryIO | Rows,
    user: User,
    now: datetime,
    *,
    source: Source = Source.CLI,
    progress: Progress | None = None,
    details: bool = False,
) -> Imported:
    """Record calls by customer and month; each figure that changes leaves a `usage_changes` row.

    A bill that was made of the old figure is not touched here: the change is on record, and what
    it means for the bill is decided by whoever looks after bills.
    """
    await require(session, user, Permission.KEEP_BOOKS)
    given = _rows(file, USAGE)
    by_id = "customer_id" in given.header and "customer" not in given.header
    layout = USAGE_BY_ID if by_id else USAGE
    _, rows = await stage(session, given, layout, now.date(), progress)
    told = await differences_of_usage(session) if details else Differences()
    origin = UsageOrigin(user.id, now, source, file_name=given.file_name)
    merged = await merge_usage(session, _USAGE_OF_FILE, origin)
    written = merged.added + merged.changed
    await analyze(session, written, ("usages",))
    whose = (await session.scalars(_WHOSE)).all() if rows <= FEW else None
    return Imported(
        merged.added, merged.changed, rows - written, customer_ids=whose, differences=told
    )


_WHOSE = sa.text("select distinct customer_id from ready order by 1")


def _rows(file: BinaryIO | Rows, layout: Layout) -> Rows:
    rows = file if isinstance(file, Rows) else CsvReader(file)
    refuse_other_book(rows, layout)
    return rows


async def _write(session: AsyncSession, statement: str, **values: Any) -> int:
    """Run a statement; returns how many rows it wrote, or tells of."""
    result = await session.execute(sa.text(statement), values)
    return result.rowcount  # type: ignore[attr-defined,no-any-return]
