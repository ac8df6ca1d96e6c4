"""Which columns each kind of file has, and how its rows are matched with what is there."""

from collections.abc import Sequence
from dataclasses import replace

from models.customers.look_alikes import KNOWN_NAMES
from models.imports.column_kinds import (
    CALLS,
    CHANNEL_ID,
    COUNTRY,
    CURRENCY,
    CUSTOMER,
    CUSTOMER_ID,
    CUSTOMER_NAME,
    DATE,
    DAYS,
    END_DATE,
    LOCALE,
    MAILBOXES,
    MONTH,
    MONTH_BEGUN,
    PERCENT,
    PERSON_NAME,
    PRORATION,
    ROLE,
    SLACK_ID,
    TAX_ID,
    YEAR,
    YES_NO,
    decimal,
    person,
    text,
)
from models.imports.csv_columns import Column
from models.imports.rows import BadRows, Flaw, Rows
from models.imports.staging import Layout, Naming, Unique
from models.people.permissions import Role

ASKED_FROM = "asked_from"
"""From when the terms of a row hold: theirs, and no column of `customers`."""


def todays(customer_id: str, month: str) -> str:
    """Joins for `c.id`: the customer itself, or whom it was merged into. What was recorded for it
    in the `month`, a condition on `usages u`, before it was merged stays its own.
    """
    return f"""
        left join customers merged on merged.id = {customer_id}
            and merged.merged_into_id is not null and not exists (
                select from usages u where u.customer_id = merged.id and {month})
        cross join lateral (select coalesce(merged.merged_into_id, {customer_id}) as id) c"""


CUSTOMERS = Layout(
    columns=(
        Column("name", CUSTOMER_NAME, "name", needed=True),
        Column("csm", person("csm", Role.CSM), "csm_id", optional=True),
        Column("sales", person("sales", Role.SALES), "sales_id", optional=True),
        Column("billing_address", text(), "billing_address", optional=True),
        Column("billing_email", MAILBOXES, "billing_email", optional=True),
        Column("currency", CURRENCY, "currency", empty="'USD'", optional=True),
        Column("monthly_api_limit", CALLS, "monthly_api_limit", needed=True, optional=True),
        Column("overage_unit_cost", decimal(10), "overage_unit_cost", optional=True),
        Column("start_date", DATE, "start_date", optional=True),
        Column("end_date", END_DATE, "end_date", optional=True),
        Column(
            "require_csm_approval", YES_NO, "require_csm_approval", empty="false", optional=True
        ),
        Column(
            "require_sales_approval", YES_NO, "require_sales_approval", empty="false", optional=True
        ),
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
        Column("alerts_muted", YES_NO, "alerts_muted", empty="false", optional=True),
        Column("valid_from", MONTH_BEGUN, ASKED_FROM, optional=True),
    ),
    locked="customers",
    called="name",
    joins="""
        left join customer_names cn on cn.name_key = s.name_key
        left join customers named on named.id = cn.customer_id
        left join customers c on c.id = coalesce(named.merged_into_id, named.id)
        left join users csm on csm.name_key = name_key(s.csm)
            and (csm.role = 'Customer Success' or csm.id = c.csm_id)
        left join users sales on sales.name_key = name_key(s.sales)
            and (sales.role = 'Sales' or sales.id = c.sales_id)""",
    matched=(
        "c.id as customer_id",
        "s.name_key",
        "case when c.id is null then s.name_key else ' ' || c.id end as customer_key",
    ),
    unique=(Unique("name", "customer_key", "is the same customer"),),
    naming=Naming(
        "name",
        "write it so that people can tell them apart",
        known=f"{KNOWN_NAMES} union all select name, name_key from ready where customer_id is null",
    ),
    beside={
        "currency": "overage_unit_cost",
        "start_date": "end_date",
        "end_date": "start_date",
    },
    is_new="customer_id is null",
)

_FIGURES = (
    Column("year", YEAR, "year", needed=True),
    Column("month", MONTH, "month", needed=True),
    Column("api_usage", CALLS, "api_usage", needed=True),
)

_MONTH = "u.year::text = s.year and u.month::text = ltrim(s.month, '0')"

_KEPT_BESIDE = frozenset(
    {
        *("id", "changes", "created_at", "updated_at", "origin", "days"),
        *("recorded_by", "recorded_at", "recorded_from", "recorded_reason", "recorded_file"),
        *("pulled_from", "pull_id"),
    }
)
_REPEATED = (Unique("customer", "customer_id, year, month", "is the same customer and month"),)

USAGE = Layout(
    columns=(Column("customer", CUSTOMER, "customer_id", needed=True), *_FIGURES),
    locked="usages",
    called="customer",
    joins=f"""
        left join customer_names cn on cn.name_key = s.name_key
        {todays("cn.customer_id", _MONTH)}""",
    unique=_REPEATED,
    naming=Naming(
        "customer",
        "write it as the customer is called",
        strangers="""
            select line, s.customer as name from ready join staged s using (line)
            where customer_id is null""",
    ),
    passed_over=_KEPT_BESIDE | {"customer_id", "period"},
)

USAGE_BY_ID = Layout(
    columns=(Column("customer_id", CUSTOMER_ID, "customer_id", needed=True), *_FIGURES),
    locked="usages",
    joins=f"""
        left join customers known on known.id =
            case when s.customer_id ~ '^[0-9]+$' then s.customer_id::bigint end
        {todays("known.id", _MONTH)}""",
    unique=tuple(replace(one, column="customer_id") for one in _REPEATED),
    passed_over=_KEPT_BESIDE | {"customer", "period"},
)

PEOPLE = Layout(
    columns=(
        Column("name", PERSON_NAME, "name", needed=True),
        Column("email", MAILBOXES, "email"),
        Column("role", ROLE, "role"),
        Column("slack_user_id", SLACK_ID, "slack_user_id"),
        Column("active", YES_NO, "active", optional=True),
    ),
    locked="users",
    called="name",
    joins="""
        left join users t on t.slack_user_id = s.slack_user_id
        left join users n on n.name_key = s.name_key""",
    matched=("coalesce(t.id, n.id) as user_id", "s.name_key"),
    unique=(
        Unique("name", "name_key", "is the same name"),
        Unique("slack_user_id", "slack_user_id", "is the same Slack account"),
        Unique("name", "user_id", "is the same person"),
    ),
)

_BOOKS = (
    ("customers", CUSTOMERS),
    ("usage", USAGE),
    ("usage", USAGE_BY_ID),
    ("people", PEOPLE),
)
"""What each kind of file is about."""


def refuse_other_book(rows: Rows, layout: Layout) -> None:
    """Refuse the file of another book in one sentence, rather than column by column."""
    fitting = {name: one.locked for name, one in _BOOKS if _fits(rows.header, one)}
    if fitting and layout.locked not in fitting.values():
        reason = f"this first line is that of a file of {next(iter(fitting))}; import it as one"
        raise BadRows([Flaw(rows.header_line, "", reason)])


def _fits(header: Sequence[str], layout: Layout) -> bool:
    known = {column.name for column in layout.columns} | layout.passed_over
    needed = {column.name for column in layout.columns if not column.optional}
    return needed <= {*header} <= known
