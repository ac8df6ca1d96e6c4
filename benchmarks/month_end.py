"""Generating a month, beside the same rows written by hand-made SQL.

    python -m benchmarks.month_end [--customers 100000] [--runs 3]

`bare`: one statement, bills and actions into tables with the foreign keys and nothing else.
`floor`: the same statement into the real tables, so that the database's promises (record, chain,
version) are kept; `generate` does that and finds the prices, the holds and the cards besides.
"""

import asyncio
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import psycopg

from benchmarks.ground import Ground, report, run
from models.batches.bill_run import run_step, start_bill_run
from models.context import Source, system_context
from models.db.database import Database
from models.period import Period
from models.settings import BillingSettings

OCTOBER = Period(2026, 10)

BARE_TABLES = """
create schema bare;
create table bare.bills (like public.bills including defaults including identity including indexes);
create table bare.bill_actions
    (like public.bill_actions including defaults including identity including indexes);
alter table bare.bill_actions alter hash drop not null;
alter table bare.bills add foreign key (customer_id) references customers;
alter table bare.bills add foreign key (currency) references currencies;
alter table bare.bill_actions add foreign key (bill_id) references bare.bills;
alter table bare.bill_actions add foreign key (stakeholder_id) references users;
set search_path to bare, public;
"""

WRITE = """
with made as (
    insert into bills (customer_id, year, month, api_usage, monthly_api_limit, overage_units,
        overage_unit_cost, overage_amount, currency, status, created_at, updated_at)
    select u.customer_id, u.year, u.month, u.api_usage, c.monthly_api_limit,
        u.api_usage - c.monthly_api_limit, c.overage_unit_cost,
        round((u.api_usage - c.monthly_api_limit) * c.overage_unit_cost, 2), c.currency,
        'pending', now(), now()
    from usages u join customers c on c.id = u.customer_id
    where u.year = 2026 and u.month = 10 and u.api_usage > c.monthly_api_limit + 4
    on conflict do nothing returning *)
insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, snapshot,
    created_at, updated_at)
select id, version, 1, 'generate', 'cli', jsonb_build_object('after', jsonb_build_object(
        'status', status, 'api_usage', api_usage, 'monthly_api_limit', monthly_api_limit,
        'overage_units', overage_units, 'overage_unit_cost', overage_unit_cost::text,
        'overage_amount', overage_amount::text)), now(), now()
from made
"""


def by_hand(url: str, prepare: str = "") -> tuple[float, int]:
    """Seconds of one statement and its commit, and how many bills it made."""
    with psycopg.connect(url) as connection:
        if prepare:
            connection.execute(prepare.encode())
            connection.commit()
        began = time.perf_counter()
        made = connection.execute(WRITE.encode()).rowcount
        connection.commit()
        return time.perf_counter() - began, made


async def generated(url: str) -> tuple[float, float]:
    """Seconds of generating the month, and of generating it again."""
    db = Database(url)
    first, second = await _generate(db), await _generate(db)
    await db.close()
    return first, second


async def _generate(db: Database) -> float:
    now = datetime.now(UTC)
    began = time.perf_counter()
    async with db.long_transaction() as session:
        act = await system_context(session, now, Source.CLI)
        run = await start_bill_run(session, OCTOBER, act, ZoneInfo("UTC"))
    finished = False
    while not finished:
        async with db.long_transaction() as session:
            finished = (await run_step(session, run, BillingSettings(), now)).finished
    return time.perf_counter() - began


def measure(place: Ground, runs: int) -> list[str]:
    bare, floor, ours, again, made = [], [], [], [], 0
    for _ in range(runs):
        with place.clone() as url:
            bare.append(by_hand(url, BARE_TABLES)[0])
        with place.clone() as url:
            seconds, made = by_hand(url)
            floor.append(seconds)
        with place.clone() as url:
            first, second = asyncio.run(generated(url))
            ours.append(first)
            again.append(second)
    return [
        report("bare: two tables, foreign keys", bare, floor, made),
        report("floor: the same SQL under our promises", floor, None, made),
        report("generate", ours, floor, made),
        report("generate again: nothing to add", again, ours, made),
    ]


if __name__ == "__main__":
    run(__doc__, 100_000, measure)
