"""Settling a month's bills after its usage has changed, beside the same rows moved by hand.

    python -m benchmarks.settling [--customers 50000] [--runs 3]

`floor`: one statement that gives every bill the new figures, with an action each, so that the
database's promises are kept; `settle` finds the bills, the causes and whom to ask besides.
"""

import asyncio
import time
from datetime import UTC, datetime

import psycopg

from benchmarks.ground import Ground, report, run
from benchmarks.month_end import generated
from models.actions.recalculate import recalculate
from models.context import Source, system_context
from models.db.database import Database

CHANGE = "update usages set api_usage = api_usage + 1 where month = 10 and api_usage > 1010"

MOVE = """
with moved as (
    update bills b
    set api_usage = u.api_usage, overage_units = u.api_usage - b.monthly_api_limit,
        overage_amount = round((u.api_usage - b.monthly_api_limit) * b.overage_unit_cost, 2),
        version = b.version + 1, updated_at = now()
    from usages u
    where u.customer_id = b.customer_id and u.year = b.year and u.month = b.month
      and u.api_usage <> b.api_usage
    returning b.id, b.version, bill_figures(b) as figures)
insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, snapshot,
    created_at, updated_at)
select id, version, 1, 'invalidate', 'cli',
    jsonb_build_object('before', figures, 'after', figures), now(), now()
from moved
"""


def by_hand(url: str) -> tuple[float, int]:
    """Seconds of one statement and its commit, and how many bills it moved."""
    with psycopg.connect(url) as connection:
        connection.execute(CHANGE)
        connection.commit()
        began = time.perf_counter()
        moved = connection.execute(MOVE).rowcount
        connection.commit()
        return time.perf_counter() - began, moved


async def settled(url: str) -> tuple[float, float]:
    """Seconds of settling what has changed, and of finding that nothing has."""
    db = Database(url)
    idle = await _settle(db)
    async with db.long_transaction() as session:
        await (await session.connection()).exec_driver_sql(CHANGE)
    busy = await _settle(db)
    await db.close()
    return busy, idle


async def _settle(db: Database) -> float:
    began = time.perf_counter()
    async with db.long_transaction() as session:
        act = await system_context(session, datetime.now(UTC), Source.CLI)
        await recalculate(session, act)
    return time.perf_counter() - began


def measure(place: Ground, runs: int) -> list[str]:
    floor, ours, idle, moved = [], [], [], 0
    for _ in range(runs):
        with place.clone() as url:
            asyncio.run(generated(url))
            seconds, moved = by_hand(url)
            floor.append(seconds)
        with place.clone() as url:
            asyncio.run(generated(url))
            busy, nothing = asyncio.run(settled(url))
            ours.append(busy)
            idle.append(nothing)
    return [
        report("floor: the same moves under our promises", floor, None, moved),
        report("settle", ours, floor, moved),
        report("settle: nothing to do", idle, floor, moved),
    ]


if __name__ == "__main__":
    run(__doc__, 50_000, measure)
