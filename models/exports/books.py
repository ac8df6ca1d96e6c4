"""The books as files, streamed out of the database row by row.

Times are UTC in ISO 8601, money is text, hashes are hex, people are told by id and name. Nothing
that is secret is in any of them. Usage, customers and people are read back by an import, unchanged.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.customers.customers import Customer
from models.db.database import driver_connection
from models.exports.formats import Format, Table
from models.imports.layouts import CUSTOMERS, PEOPLE
from models.queries.bill_list import BillFilter
from models.queries.scope import Scope
from models.text import FORMULA

Progress = Callable[[int, int], None]
"""Called with the rows written and the rows in all."""

EACH_ROWS = 1000
_TIME = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'


def _utc(moment: str) -> str:
    return f"to_char({moment} at time zone 'UTC', '{_TIME}')"


def _period(table: str) -> str:
    return f"to_char(make_date({table}.year, {table}.month, 1), 'YYYY-MM')"


_OF_CUSTOMER = {
    "csm": "csm.name",
    "sales": "sales.name",
    "overage_unit_cost": "c.overage_unit_cost::text",
    "tax_rate_percent": "c.tax_rate_percent::text",
    "auto_approve_below": "c.auto_approve_below::text",
    "second_approval_above": "c.second_approval_above::text",
}

_COLUMNS: dict[Table, dict[str, str]] = {
    Table.BILLS: {
        "id": "b.id",
        "number": "b.number",
        "kind": "b.kind",
        "customer_id": "b.customer_id",
        "customer": "c.name",
        "month": _period("b"),
        "status": "b.status",
        "hold_reason": "b.hold_reason",
        "version": "b.version",
        "api_usage": "b.api_usage",
        "monthly_api_limit": "b.monthly_api_limit",
        "overage_units": "b.overage_units",
        "overage_unit_cost": "b.overage_unit_cost::text",
        "overage_amount": "b.overage_amount::text",
        "currency": "b.currency",
        "replaces_id": "b.replaces_id",
        "adjusts_id": "b.adjusts_id",
        "document_sha256": "d.sha256",
        "actions": "h.actions",
        "last_hash": "encode(h.last_hash, 'hex')",
        "created_at": _utc("b.created_at"),
        "updated_at": _utc("b.updated_at"),
    },
    Table.ACTIONS: {
        "id": "a.id",
        "bill_id": "a.bill_id",
        "bill_version": "a.bill_version",
        "customer": "c.name",
        "month": _period("b"),
        "action": "a.action",
        "stakeholder_id": "a.stakeholder_id",
        "stakeholder": "s.name",
        "acted_for_id": "a.acted_for_id",
        "acted_for": "f.name",
        "source": "a.source",
        "comment": "a.comment",
        "reverses_id": "a.reverses_id",
        "snapshot": "a.snapshot",
        "prev_hash": "encode(a.prev_hash, 'hex')",
        "hash": "encode(a.hash, 'hex')",
        "created_at": _utc("a.created_at"),
        "updated_at": _utc("a.updated_at"),
    },
    Table.USAGE: {
        "customer": "c.name",
        "year": "u.year",
        "month": "u.month",
        "api_usage": "u.api_usage",
        "id": "u.id",
        "customer_id": "u.customer_id",
        "changes": "coalesce(ch.changes, '[]')",
        "created_at": _utc("u.created_at"),
        "updated_at": _utc("u.updated_at"),
        "recorded_by": "r.name",
        "recorded_at": _utc("u.recorded_at"),
        "recorded_from": "u.recorded_from",
        "recorded_reason": "u.recorded_reason",
        "recorded_file": "u.recorded_file",
        "pulled_from": "o.name",
        "pull_id": "u.pull_id",
    },
    Table.CUSTOMERS: {
        column.name: _OF_CUSTOMER.get(column.name, f"c.{column.target}")
        for column in CUSTOMERS.columns
        if column.target in Customer.__table__.columns
    },
    Table.PEOPLE: {column.name: f"u.{column.target}" for column in PEOPLE.columns},
}

_TYPED = frozenset(
    {
        *("customer", "stakeholder", "acted_for", "comment", "name", "email", "csm", "sales"),
        *("billing_address", "billing_email", "cc_emails", "tax_id", "tax_note", "locale"),
        *("slack_channel_id", "recorded_by", "recorded_reason", "recorded_file", "pulled_from"),
    }
)
"""Texts that people have typed."""

_FROM: dict[Table, str] = {
    Table.BILLS: """
        from bills b
        join customers c on c.id = b.customer_id
        left join documents d on d.bill_id = b.id
        left join bill_chains h on h.bill_id = b.id
        where {scope}
        order by b.id""",
    # The left joins: what is left of a record is exported too where its bill has been removed.
    Table.ACTIONS: """
        from bill_actions a
        left join bills b on b.id = a.bill_id
        left join customers c on c.id = b.customer_id
        left join users s on s.id = a.stakeholder_id
        left join users f on f.id = a.acted_for_id
        where {scope}
        order by a.id""",
    Table.USAGE: f"""
        from usages u
        join customers c on c.id = u.customer_id
        left join users r on r.id = u.recorded_by
        left join usage_pulls p on p.id = u.pull_id
        left join usage_sources o on o.id = p.source_id
        left join lateral (
            select jsonb_agg(jsonb_build_object(
                'old', h.old_api_usage, 'new', h.new_api_usage, 'by_id', h.changed_by,
                'by', s.name, 'at', {_utc("h.changed_at")}, 'reason', h.reason,
                'source', h.source, 'file', h.file_name, 'pull_id', h.pull_id)
                order by h.id) as changes
            from usage_changes h join users s on s.id = h.changed_by
            where h.usage_id = u.id) ch on true
        where {{scope}}
        order by u.year, u.month, u.id""",
    # Whoever was merged into another customer is found by an import as that one.
    Table.CUSTOMERS: """
        from customers c
        left join users csm on csm.id = c.csm_id
        left join users sales on sales.id = c.sales_id
        where c.merged_into_id is null and {scope}
        order by c.id""",
    Table.PEOPLE: "from users u where u.name <> 'system' order by u.id",
}

_OF_MONTH = {
    Table.BILLS: "b.year = {year} and b.month = {month}",
    Table.ACTIONS: "b.year = {year} and b.month = {month}",
    Table.USAGE: "u.year = {year} and u.month = {month}",
}

_OF_BILL = {
    Table.BILLS: "b.id = {bill_id}",
    Table.ACTIONS: "a.bill_id = {bill_id}",
    Table.USAGE: "(u.customer_id, u.year, u.month) ="
    " (select customer_id, year, month from bills where id = {bill_id})",
}


async def export_book(
    session: AsyncSession, table: Table, form: Format, scope: Scope, progress: Progress
) -> AsyncIterator[bytes]:
    """The file, piece by piece: of CSV a line with the names of the columns, then a row each.

    In JSON Lines each row is an object, exactly as it is stored. In CSV a text that people have
    typed has an apostrophe before it where a spreadsheet would take it for a formula.
    """
    total = await session.scalar(sa.text(_counting(table, scope))) or 0
    connection = await driver_connection(session)
    if form is Format.CSV:
        yield f"{','.join(_COLUMNS[table])}\n".encode()
    written = 0
    async with connection.cursor() as cursor, cursor.copy(_copying(table, form, scope)) as copy:
        async for row in copy if form is Format.CSV else _objects(copy):
            yield bytes(row)
            written += 1
            if written % EACH_ROWS == 0 or written == total:
                progress(written, total)


async def _objects(copy: Any) -> AsyncIterator[bytes]:
    async for (row,) in copy.rows():
        yield f"{row}\n".encode()


def _copying(table: Table, form: Format, scope: Scope) -> str:
    columns = ", ".join(
        f"{_written(name, value, form)} as {name}" for name, value in _COLUMNS[table].items()
    )
    rows = f"select {columns} {_from(table, scope)}"
    if form is Format.CSV:
        return f"copy ({rows}) to stdout (format csv)"
    return f"copy (select row_to_json(r) from ({rows}) r) to stdout"


def _written(name: str, value: str, form: Format) -> str:
    """In CSV everything is text, and what begins like a formula is guarded."""
    if form is not Format.CSV:
        return value
    if name not in _TYPED:
        return f"({value})::text"
    formula = FORMULA.replace("'", "''")
    return f"case when {value} ~ '{formula}' then chr(39) || {value} else {value} end"


def _counting(table: Table, scope: Scope) -> str:
    return f"select count(*) from (select {_from(table, scope)}) r"


def _from(table: Table, scope: Scope) -> str:
    """Whole numbers are all that is put into a statement of COPY, which takes no parameters."""
    within = _of_customers(scope)
    if scope.bill_id is not None:
        within = _OF_BILL[table]
    elif scope.period is not None:
        within = _OF_MONTH[table]
    elif scope.bills is not None:
        within = _of_bills(scope.bills)
    return _FROM[table].replace("{scope}", within.format(**scope.values))


def _of_customers(scope: Scope) -> str:
    wanted = ["true"]
    if scope.customer_ids is not None:
        wanted += [f"c.id = any('{{{{{','.join(map(str, scope.customer_ids))}}}}}'::bigint[])"]
    if scope.first is not None:
        wanted += [f"(u.year, u.month) >= ({scope.first.year}, {scope.first.month})"]
    if scope.last is not None:
        wanted += [f"(u.year, u.month) <= ({scope.last.year}, {scope.last.month})"]
    return " and ".join(wanted)


def _of_bills(wanted: BillFilter) -> str:
    """What a list of bills shows, but for whose they are to decide."""
    meant = {
        "b.status = '{}'": wanted.status,
        "b.customer_id in (select id from customers where {} in (id, merged_into_id))": (
            wanted.customer_id
        ),
        "c.csm_id = {}": wanted.csm_id,
        "b.year = {}": wanted.year,
        "b.month = {}": wanted.month,
    }
    given = [form.format(value) for form, value in meant.items() if value is not None]
    return " and ".join(given) or "true"
