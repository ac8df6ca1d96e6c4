"""A company of any size in a database of its own: customers, their usage, a year of their bills.

Made by the owner of the tables, set-based, with their guards off. Left out: every bill has one
action, its making, whose hash is no hash; so the record can be read and gone on with, and not be
verified. Nor do numbered bills have documents.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from models.db.embedded import EmbeddedPostgres
from models.db.migrate import migrate
from tests.harness.database import unguarded

CSMS, SALES = 250, 50
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "8GB",
    "maintenance_work_mem": "512MB",
}

PEOPLE = f"""
insert into users (name, role, slack_user_id, slack_team_id)
select 'Finance', 'Finance', 'UFINANCE', 'T0' union all
select 'Manager', 'Manager', 'UMANAGER', 'T0' union all
select 'csm ' || i, 'Customer Success', 'UCSM' || i, 'T0' from generate_series(1, {CSMS}) i
union all select 'sales ' || i, 'Sales', 'USALES' || i, 'T0' from generate_series(1, {SALES}) i;
"""

WORDS = r"""regexp_split_to_array('Amber Basalt Cedar Delta Ember Fjord Granite Harbor Indigo
    Juniper Kestrel Lumen Maple Nimbus Onyx Pioneer Quartz Raven Summit Tidal Umber Vertex Willow
    Xenon Yarrow Zephyr', '\s+')"""

# A third needs its CSM, a tenth both; the others anybody, who asks the CSM they have.
CUSTOMERS = f"""
insert into customers (name, csm_id, sales_id, monthly_api_limit, overage_unit_cost, start_date,
    currency, billing_email, require_csm_approval, require_sales_approval)
select w[1 + i % 26] || ' ' || w[1 + (i / 26) % 26] || ' ' || i,
       (select min(id) from users where role = 'Customer Success') + i % {CSMS},
       case when i % 10 = 0 then (select min(id) from users where role = 'Sales') + i % {SALES} end,
       1000, case when i % 100 <> 7 then 0.01 end, '2020-01-01',
       (array['USD', 'EUR', 'JPY'])[1 + i % 3], 'billing@customer.example', i % 3 = 0, i % 10 = 0
from generate_series(1, {{customers}}) i, (select {WORDS} as w) words;
"""

# The last month has no bills yet.
USAGES = """
insert into usages (customer_id, year, month, api_usage)
select c.id, extract(year from m), extract(month from m), (random() * 2500)::bigint
from generate_series(
    date '2026-10-01' - make_interval(months => {months}), '2026-10-01', '1 month') m, customers c
order by m, c.id;
"""

BILLS = """
insert into bills (customer_id, year, month, api_usage, monthly_api_limit, overage_units,
    overage_unit_cost, overage_amount, currency, status, hold_reason, number, created_at,
    updated_at)
select u.customer_id, u.year, u.month, u.api_usage, 1000, u.api_usage - 1000, 0.01,
       round((u.api_usage - 1000) * 0.01, case c.currency when 'JPY' then 0 else 2 end), c.currency,
       s.status, case s.status when 'held' then 'outside_contract' end,
       case s.status when 'sent' then u.year || '-' || lpad(u.id::text, 9, '0') end,
       at, at
from usages u join customers c on c.id = u.customer_id
cross join lateral (select make_date(u.year, u.month, 1) + interval '1 month 1 day' as at) made
cross join lateral (
    select case when (u.year, u.month) < (2026, 9) then 'sent'
                when u.id % 100 < 2 then 'held' when u.id % 100 < 32 then 'approved'
                when u.id % 100 < 40 then 'sending' else 'pending' end as status) s
where (u.year, u.month) < (2026, 10) and u.api_usage > 1000 + 50
order by u.year, u.month, u.customer_id;
"""

ACTIONS = r"""
insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, snapshot, hash,
    created_at, updated_at)
select id, 1, 1, 'generate', 'cli', jsonb_build_object('run', month, 'after', bill_figures(b))
       || case status when 'sending' then jsonb_build_object('due', now()) else '{}' end,
       '\x00', created_at, created_at
from bills b order by id;
insert into bill_chains (bill_id, bill_version, actions, last_hash, last_action_id)
select bill_id, 1, 1, hash, id from bill_actions order by bill_id;
"""

# A card for each bill and its CSM, told of by a digest of each month and CSM.
MESSAGES = """
insert into messages (kind, recipient, bill_id, state)
select 'card', 'user:' || c.csm_id, b.id, 'listed'
from bills b join customers c on c.id = b.customer_id
order by b.year, b.month, c.csm_id, b.id;
insert into messages (key, kind, recipient, facts, state, channel, ts)
select 'digest:' || min(m.id), 'digest', m.recipient,
       jsonb_build_object('first', min(m.id), 'last', max(m.id), 'of', m.recipient),
       'posted', 'D' || m.recipient, min(m.id)::text
from messages m join bills b on b.id = m.bill_id group by m.recipient, b.year, b.month;
"""

INDEXES = """
select schemaname || '.' || indexname, indexdef from pg_indexes
where tablename in ('usages', 'bills', 'bill_actions', 'bill_chains', 'messages')
  and not exists (select from pg_constraint where conname = indexname)
"""


def fill(url: str, customers: int, months: int) -> None:
    """Make the company; indexes that no constraint needs are built at the end."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(PEOPLE.encode())
        connection.execute(CUSTOMERS.format(customers=customers).encode())
        connection.execute("vacuum analyze")
        indexes = connection.execute(INDEXES).fetchall()
        with unguarded(connection):
            for name, _ in indexes:
                connection.execute(f"drop index {name}".encode())
            connection.execute(USAGES.format(months=months).encode())
            for statements in (BILLS, ACTIONS, MESSAGES):
                connection.execute("analyze")
                connection.execute(statements.encode())
            for _, definition in indexes:
                connection.execute(definition.encode())
        connection.execute("select count_months_anew()")
        connection.execute("vacuum analyze")


@contextmanager
def company(folder: Path, customers: int, months: int) -> Iterator[str]:
    """The address of its database, which is made once in a folder, and brought up to date."""
    server = EmbeddedPostgres(folder)
    try:
        with psycopg.connect(server.url(), autocommit=True) as admin:
            for name, value in CARELESS.items():
                admin.execute(f"alter system set {name} = '{value}'".encode())
            admin.execute("select pg_reload_conf()")
            made = admin.execute("select from pg_database where datname = 'company'").fetchone()
            if made is None:
                admin.execute("drop database if exists unfinished")
                admin.execute("create database unfinished")
                migrate(server.url("unfinished"))
                fill(server.url("unfinished"), customers, months)
                admin.execute("alter database unfinished rename to company")
        migrate(server.url("company"))
        yield server.url("company")
    finally:
        server.stop()
