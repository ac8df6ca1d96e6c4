"""Generating a month, beside the same rows written by hand-made SQL.

    python -m benchmarks.month_end [--customers 100000] [--runs 3]

`bare`: one statement, bills and actions into tables with the foreign keys and nothing else. `thin`:
the same statement into the real tables, so that the database's promises (record, chain, version)
are kept. `floor`: it writes all that a month leaves behind, whole snapshots and the cards too.
`generate` does that and finds the prices, the holds and whoever approves besides. CPU is ours and
the server's.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

import psycopg

from benchmarks.ground import Ground, Spent, report_spent, run
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

_BILLS = """
with made as (
    insert into bills (customer_id, year, month, api_usage, monthly_api_limit, overage_units,
        overage_unit_cost, overage_amount, currency, status, created_at, updated_at)
    select u.customer_id, u.year, u.month, u.api_usage, c.monthly_api_limit,
        u.api_usage - c.monthly_api_limit, c.overage_unit_cost,
        round((u.api_usage - c.monthly_api_limit) * c.overage_unit_cost, 2), c.currency,
        'pending', now(), now()
    from usages u join customers c on c.id = u.customer_id
    where u.year = 2026 and u.month = 10 and u.api_usage > c.monthly_api_limit + 4
    on conflict do nothing returning *)"""

_ACTIONS = """
insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, snapshot,
    created_at, updated_at)
select id, version, 1, 'generate', 'cli', jsonb_build_object('after', {figures}), now(), now()
from made
"""

THIN = _BILLS + _ACTIONS.format(
    figures="""jsonb_build_object('status', status, 'api_usage', api_usage,
        'monthly_api_limit', monthly_api_limit, 'overage_units', overage_units,
        'overage_unit_cost', overage_unit_cost::text, 'overage_amount', overage_amount::text)"""
)

WHOLE = f"""{_BILLS},
cards as (
    insert into messages (kind, recipient, bill_id)
    select 'card', 'user:' || c.csm_id, m.id from made m join customers c on c.id = m.customer_id)
{_ACTIONS.format(figures="bill_figures(made)")}"""


async def by_hand(place: Ground, url: str, write: str, prepare: str = "") -> tuple[Spent, int]:
    """What one statement and its commit took, and how many bills it made."""
    made = 0
    with psycopg.connect(url) as connection:
        connection.execute(prepare.encode() or b"select")
        connection.commit()

        async def writing() -> None:
            nonlocal made
            made = connection.execute(write.encode()).rowcount
            connection.commit()

        return await _spent(place, writing), made


async def _spent(place: Ground, do: Callable[[], Awaitable[None]]) -> Spent:
    cost = await place.meter.cost(do)
    return Spent(cost.seconds, cost.client_s + cost.server_s)


async def spent_on_generating(place: Ground, url: str) -> Spent:
    """What generating the month takes."""
    return await _spent(place, partial(generated, url))


async def generated(url: str) -> None:
    """Generate the month."""
    db = Database(url)
    await _generate(db)
    await db.close()


async def _generate(db: Database) -> None:
    now = datetime.now(UTC)
    async with db.long_transaction() as session:
        act = await system_context(session, now, Source.CLI)
        run = await start_bill_run(session, OCTOBER, act, ZoneInfo("UTC"))
    finished = False
    while not finished:
        async with db.long_transaction() as session:
            finished = (await run_step(session, run, BillingSettings(), now)).ended


def measure(place: Ground, runs: int) -> list[str]:
    bare, thin, floor, ours, again = [list[Spent]() for _ in range(5)]
    made = 0
    for _ in range(runs):
        for taken, *how in ((bare, THIN, BARE_TABLES), (thin, THIN), (floor, WHOLE)):
            with place.clone() as url:
                took, made = asyncio.run(by_hand(place, url, *how))
                taken.append(took)
        with place.clone() as url:
            ours.append(asyncio.run(spent_on_generating(place, url)))
            again.append(asyncio.run(spent_on_generating(place, url)))
    return [
        report_spent("bare: two tables, foreign keys", bare, floor, made),
        report_spent("thin: our promises, small snapshots", thin, floor, made),
        report_spent("floor: whole snapshots, and cards", floor, unit=made),
        report_spent("generate", ours, floor, made),
        report_spent("generate, beside thin", ours, thin, made),
        report_spent("generate again: nothing to add", again, ours, made),
    ]


if __name__ == "__main__":
    run(__doc__, 100_000, measure)
