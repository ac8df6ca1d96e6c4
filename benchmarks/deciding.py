"""One bill after the other approved, beside the same rows written by hand.

    python -m benchmarks.deciding [--customers 5000] [--runs 3]

`floor`: of each bill its row locked, the rows of an approval written and its job promised, in one
transaction, on one connection. `approve` also finds who may, whether the figures are those of
today, and what stood before. `facts`: what a bill's card tells, gathered to be drawn.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import islice

import psycopg
import sqlalchemy as sa

from benchmarks.ground import Ground, report, run
from benchmarks.month_end import generated
from models.actions.approve import approve_bill
from models.context import Context, Source
from models.db.database import Database
from models.people.users import User
from models.queries.bill_loader import load_bill_details

BILLS = 300
WAITING = (
    "select b.id, c.csm_id from bills b join customers c on c.id = b.customer_id order by b.id"
)

LOCK = "select * from bills where id = %s for update"
MOVE = """
update bills set status = 'approved', version = version + 1, updated_at = now() where id = %s"""
RECORD = """
insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, snapshot,
    created_at, updated_at)
select id, version, %s, 'approve', 'slack',
    jsonb_build_object('part', 'csm', 'before', bill_figures(b), 'after', bill_figures(b)),
    now(), now()
from bills b where id = %s
returning id"""
STAND = "insert into approvals (bill_id, slot, user_id, action_id) values (%s, 'csm', %s, %s)"
PROMISE = (
    "insert into procrastinate_jobs (task_name, queue_name, args) values ('redraw', 'x', '{}')"
)

Waiting = Sequence[tuple[int, int]]


def by_hand(url: str) -> float:
    """Seconds of approving the first bills."""
    with psycopg.connect(url) as connection:
        bills = connection.execute(WAITING).fetchmany(BILLS)
        connection.commit()
        began = time.perf_counter()
        for bill_id, user_id in bills:
            connection.execute(LOCK, [bill_id])
            connection.execute(MOVE, [bill_id])
            row = connection.execute(RECORD, [user_id, bill_id]).fetchone()
            assert row is not None
            connection.execute(STAND, [bill_id, user_id, row[0]])
            connection.execute(PROMISE)
            connection.commit()
        return time.perf_counter() - began


async def ours(url: str) -> tuple[float, float]:
    """Seconds of approving them, and of gathering what their cards tell."""
    db = Database(url)
    async with db.transaction() as session:
        bills = [(row[0], row[1]) for row in islice(await session.execute(sa.text(WAITING)), BILLS)]
    approving = await _each(bills, lambda bill_id, user_id: _approve(db, bill_id, user_id))
    gathering = await _each(bills, lambda bill_id, _: _facts(db, bill_id))
    await db.close()
    return approving, gathering


async def _each(bills: Waiting, do: Callable[[int, int], Awaitable[None]]) -> float:
    began = time.perf_counter()
    for bill_id, user_id in bills:
        await do(bill_id, user_id)
    return time.perf_counter() - began


async def _approve(db: Database, bill_id: int, user_id: int) -> None:
    async with db.transaction() as session:
        user = await session.get_one(User, user_id)
        await approve_bill(session, bill_id, 1, Context(user, datetime.now(UTC), Source.SLACK))


async def _facts(db: Database, bill_id: int) -> None:
    async with db.transaction() as session:
        await load_bill_details(session, [bill_id])


def measure(place: Ground, runs: int) -> list[str]:
    floor, approving, gathering = [], [], []
    for _ in range(runs):
        with place.clone() as url:
            asyncio.run(generated(url))
            floor.append(by_hand(url))
        with place.clone() as url:
            asyncio.run(generated(url))
            first, second = asyncio.run(ours(url))
            approving.append(first)
            gathering.append(second)
    return [
        report(f"floor: {BILLS} approvals by hand", floor, None, BILLS),
        report("approve", approving, floor, BILLS),
        report("facts of a card", gathering, floor, BILLS),
    ]


if __name__ == "__main__":
    run(__doc__, 5_000, measure)
