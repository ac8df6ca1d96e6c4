"""Customers, usage and people from CSV files: all of a file, or nothing of it.

Each import takes a whole file in the caller's transaction, wants one without a limit on its
statements (`Database.long_transaction`), and changes only what differs: the same file again
changes nothing. `now` is the time in the company's own zone. A file with faults raises BadRows,
and whoever may not import is refused before anything is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, BinaryIO

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Source
from models.customers.terms import (
    change_terms_of_many,
    frozen_months,
    lock_customers_with_other_terms,
)
from models.db.statistics import analyze
from models.imports.csv_columns import (
    CALLS,
    CHANNEL_ID,
    COUNTRY,
    CURRENCY,
    CUSTOMER,
    DATE,
    DAYS,
    END_DATE,
    LOCALE,
    MAILBOXES,
    MONTH,
    MONTH_BEGUN,
    NAME,
    PERCENT,
    PERSON_NAME,
    PRORATION,
    ROLE,
    SLACK_ID,
    TAX_ID,
    YEAR,
    YES_NO,
    Column,
    decimal,
    person,
    text,
)
from models.imports.csv_reader import BadRows, Flaw
from models.imports.staging import Layout, Progress, Unique, stage
from models.people.permissions import Permission, Role
from models.people.users import User
from models.period import Period
from models.usage.usage import merge_usage


@dataclass(frozen=True)
class Imported:
    """Rows of a file by what became of them."""

    added: int
    changed: int
    unchanged: int

    @property
    def written(self) -> int:
        return self.added + self.changed


_ASKED_FROM = "asked_from"
"""From when the terms of a row hold: theirs, and no column of `customers`."""

CUSTOMERS = Layout(
    columns=(
        Column("name", NAME, "name", needed=True),
        Column("csm", person("csm", Role.CSM), "csm_id"),
        Column("sales", person("sales", Role.SALES), "sales_id"),
        Column("billing_address", text(), "billing_address"),
        Column("billing_email", MAILBOXES, "billing_email"),
        Column("currency", CURRENCY, "currency", empty="'USD'"),
        Column("monthly_api_limit", CALLS, "monthly_api_limit", needed=True),
        Column("overage_unit_cost", decimal(10), "overage_unit_cost"),
        Column("start_date", DATE, "start_date"),
        Column("end_date", END_DATE, "end_date"),
        Column("require_csm_approval", YES_NO, "require_csm_approval", empty="false"),
        Column("require_sales_approval", YES_NO, "require_sales_approval", empty="false"),
        Column("country", COUNTRY, "country", optional=True),
        Column("tax_id", TAX_ID, "tax_id", optional=True),
        Column("tax_rate_percent", PERCENT, "tax_rate_percent", empty="0", optional=True),
        Column("tax_note", text(), "tax_note", optional=True),
        Column("locale", LOCALE, "locale", optional=True),
        Column("payment_days", DAYS, "payment_days", optional=True),
        Column("cc_emails", MAILBOXES, "cc_emails", optional=True),
        Column("auto_approve_below", decimal(4), "auto_approve_below", optional=True),
        Column("second_approval_above", decimal(4), "second_approval_above", optional=True),
        Column("rules_currency", CURRENCY, "rules_currency", optional=True),
        Column("limit_proration", PRORATION, "limit_proration", empty="'full'", optional=True),
        Column("slack_channel_id", CHANNEL_ID, "slack_channel_id", optional=True),
        Column("valid_from", MONTH_BEGUN, _ASKED_FROM, optional=True),
    ),
    locked="customers",
    joins="""
        left join users csm on csm.name = s.csm and csm.role = 'Customer Success'
        left join users sales on sales.name = s.sales and sales.role = 'Sales'
        left join customers c
            on lower(c.name collate "pg_c_utf8") = lower(s.name collate "pg_c_utf8")""",
    matched=("c.id as customer_id", 'lower(s.name collate "pg_c_utf8") as folded'),
    unique=(Unique("name", "folded", "is the same customer"),),
)

USAGE = Layout(
    columns=(
        Column("customer", CUSTOMER, "customer_id", needed=True),
        Column("year", YEAR, "year", needed=True),
        Column("month", MONTH, "month", needed=True),
        Column("api_usage", CALLS, "api_usage", needed=True),
    ),
    locked="usages",
    joins="""
        left join customers c
            on lower(c.name collate "pg_c_utf8") = lower(s.customer collate "pg_c_utf8")""",
    unique=(Unique("customer", "customer_id, year, month", "is the same customer and month"),),
)

PEOPLE = Layout(
    columns=(
        Column("name", PERSON_NAME, "name", needed=True),
        Column("email", MAILBOXES, "email"),
        Column("role", ROLE, "role"),
        Column("slack_user_id", SLACK_ID, "slack_user_id"),
    ),
    locked="users",
    joins="""
        left join users t on t.slack_user_id = s.slack_user_id
        left join users n on n.name = s.name""",
    matched=("coalesce(t.id, n.id) as user_id",),
    unique=(
        Unique("name", "name", "is the same name"),
        Unique("slack_user_id", "slack_user_id", "is the same Slack account"),
        Unique("name", "user_id", "is the same person"),
    ),
)


async def import_people(
    session: AsyncSession,
    file: BinaryIO,
    user: User,
    now: datetime,
    *,
    progress: Progress | None = None,
) -> Imported:
    """Add people or give them other roles, found by their Slack id, then by their name.

    An empty role takes a role away; an empty e-mail or Slack id leaves what is known.
    """
    user.require(Permission.GIVE_ROLES)
    _, rows = await stage(session, file, PEOPLE, now.date(), progress)
    changed = await _write(
        session,
        """
        update users u
        set name = r.name, role = r.role, updated_at = :now,
            active = u.active or r.role is not null,
            email = coalesce(r.email, u.email),
            slack_user_id = coalesce(r.slack_user_id, u.slack_user_id)
        from ready r
        where u.id = r.user_id and (u.name, u.role, u.email, u.slack_user_id, u.active)
            is distinct from (r.name, r.role, coalesce(r.email, u.email),
                coalesce(r.slack_user_id, u.slack_user_id), u.active or r.role is not null)
        """,
        now=now,
    )
    added = await _write(
        session,
        """
        insert into users (name, email, role, slack_user_id, created_at, updated_at)
        select name, email, role, slack_user_id, :now, :now
        from ready where user_id is null order by line
        """,
        now=now,
    )
    return Imported(added, changed, rows - added - changed)


async def import_customers(
    session: AsyncSession,
    file: BinaryIO,
    user: User,
    now: datetime,
    *,
    progress: Progress | None = None,
) -> Imported:
    """Add customers, or change the columns given of those whose name, in any case, is known.

    Another limit or price holds from the month that the row gives; without one from this month on,
    or from a later one, as `change_terms` has it. What that means for bills that are made already
    is for `recalculate` to say.
    """
    user.require(Permission.KEEP_BOOKS)
    columns, rows = await stage(session, file, CUSTOMERS, now.date(), progress)
    given = [column.target for column in columns]
    dated = _ASKED_FROM in given
    targets = [target for target in given if target != _ASKED_FROM]
    today = now.date()
    moved = await _change_terms(session, dated, today)
    shown = sa.text(_change_customers(targets))
    changed = moved.union(await session.scalars(shown, {"now": now, "today": today}))
    added = await _add_customers(session, targets, dated, now)
    await analyze(session, added + len(changed), ("customers", "customer_terms"))
    return Imported(added, len(changed), rows - added - len(changed))


_TERMS_OF_FILE = """
select customer_id, currency, monthly_api_limit, overage_unit_cost, {asked_from} as asked_from
from ready where customer_id is not null"""

_TERMS = ("currency", "monthly_api_limit", "overage_unit_cost")
_RULES = ("auto_approve_below", "second_approval_above")


async def _change_terms(session: AsyncSession, dated: bool, today: date) -> set[int]:
    """Those of customers that are known; returns the ids of whose changed."""
    wanted = _TERMS_OF_FILE.format(asked_from=_ASKED_FROM if dated else "null::date")
    concerned = await lock_customers_with_other_terms(session, wanted, today)
    if dated and (frozen := await frozen_months(session, wanted, concerned)):
        await _refuse_frozen(session, frozen)
    return await change_terms_of_many(session, wanted, concerned, today)


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
        ],
        len(frozen),
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
from ready r join customers c on lower(c.name collate "pg_c_utf8") = r.folded
where r.customer_id is null and t.customer_id = c.id and t.valid_from <> r.asked_from""")


def _change_customers(targets: Sequence[str]) -> str:
    """Of the terms, `customers` takes what is in force today: the file's may be still ahead.

    Amounts of rules that the file changes are in its own currency, whenever that begins.
    """
    values = [f"{'t' if target in _TERMS else 'r'}.{target}" for target in targets]
    old = ", ".join(f"c.{target}" for target in targets)
    sets = ", ".join(f"{t} = {value}" for t, value in zip(targets, values, strict=True))
    rules = [target for target in _RULES if target in targets]
    if rules and "rules_currency" not in targets:
        was, now = (", ".join(f"{of}.{rule}" for rule in rules) for of in "cr")
        sets += f""", rules_currency = case
            when row({was}) is distinct from row({now}) then r.currency else c.rules_currency end"""
    return f"""
        update customers c set {sets}, updated_at = :now
        from ready r cross join lateral terms_in_force(r.customer_id, :today) t
        where c.id = r.customer_id and ({old}) is distinct from ({", ".join(values)})
        returning c.id
    """


_USAGE_OF_FILE = "select customer_id, year, month, api_usage from ready"


async def import_usage(
    session: AsyncSession,
    file: BinaryIO,
    user: User,
    now: datetime,
    *,
    source: Source = Source.CLI,
    reason: str | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Record calls by customer and month; each figure that changes leaves a `usage_changes` row.

    A bill that was made of the old figure is not touched here: the change is on record, and what
    it means for the bill is decided by whoever looks after bills.
    """
    user.require(Permission.KEEP_BOOKS)
    _, rows = await stage(session, file, USAGE, now.date(), progress)
    by = {"user_id": user.id, "now": now, "source": source, "reason": reason}
    added, changed = await merge_usage(session, _USAGE_OF_FILE, **by)
    await analyze(session, added + changed, ("usages",))
    return Imported(added, changed, rows - added - changed)


async def _write(session: AsyncSession, statement: str, **values: Any) -> int:
    """Run a statement; returns how many rows it wrote, or tells of."""
    result = await session.execute(sa.text(statement), values)
    return result.rowcount  # type: ignore[attr-defined,no-any-return]
