"""One bill after the other decided on, beside the same rows written by hand.

    python -m benchmarks.deciding [--customers 5000] [--runs 3]

`floor`: of each bill its row locked, the rows of an approval written and its job promised, in one
transaction, on one connection. `approve` also finds who may, whether the figures are those of
today, and what stood before; so do the others. `facts`: what a bill's card tells, gathered to be
drawn. They take turns on one database, so that whatever else the machine does hits all of them.
CPU is ours and the server's.
"""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

import psycopg
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.ground import Ground, Spent, Stopwatch, report_spent, run
from benchmarks.month_end import generated
from benchmarks.wire import statements
from models.actions.approve import approve_bill, reject_bill
from models.actions.comment import add_comment
from models.actions.send import send_bill
from models.actions.undo import undo_decision
from models.bills.states import RejectReason
from models.context import Context, Source
from models.db.database import Database
from models.people.users import find_by_slack
from models.queries.bill_loader import load_bill_details

BILLS = 300
TURNS = 5
SHARES = 4
"""Of the bills of a turn: by hand, approved, rejected and commented on."""
EACH = BILLS // TURNS + 1
"""The first of a share tells how many statements it takes."""
NEEDED = (TURNS + 1) * SHARES * EACH
WAITING = (
    "select b.id, u.id, u.slack_user_id from bills b join customers c on c.id = b.customer_id"
    " join users u on u.id = c.csm_id order by b.id"
)

FINANCE = """
insert into users (name, role, slack_user_id) values ('Finance', 'Finance', 'UFINANCE')"""
KNOWN = "update users set slack_team_id = 'T0DEMO'"

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


class Asked(NamedTuple):
    """A bill, and who acts on it: by their id, and by that of their Slack account."""

    bill_id: int
    user_id: int
    slack_id: str


Do = Callable[[AsyncSession, int, Context], Awaitable[object]]


async def _approve(session: AsyncSession, bill_id: int, by: Context) -> None:
    await approve_bill(session, bill_id, 1, by)


async def _reject(session: AsyncSession, bill_id: int, by: Context) -> None:
    await reject_bill(session, bill_id, 1, by, RejectReason.OTHER, "Not so")


async def _comment(session: AsyncSession, bill_id: int, by: Context) -> None:
    await add_comment(session, bill_id, by, "Asked them about it")


async def _undo(session: AsyncSession, bill_id: int, by: Context) -> None:
    await undo_decision(session, bill_id, 2, by, "Too soon")


async def _send(session: AsyncSession, bill_id: int, by: Context) -> None:
    await send_bill(session, bill_id, 2, by)


async def _facts(session: AsyncSession, bill_id: int, _: Context) -> None:
    await load_bill_details(session, [bill_id])


def by_hand(connection: psycopg.Connection, bills: Sequence[Asked]) -> None:
    """Approve these bills."""
    for bill_id, user_id, _ in bills:
        connection.execute(LOCK, [bill_id])
        connection.execute(MOVE, [bill_id])
        row = connection.execute(RECORD, [user_id, bill_id]).fetchone()
        assert row is not None
        connection.execute(STAND, [bill_id, user_id, row[0]])
        connection.execute(PROMISE)
        connection.commit()


def doing(do: Do, asked: Asked) -> Callable[[AsyncSession], Awaitable[object]]:
    """What a click does, and whoever made it found by their Slack account first."""

    async def done(session: AsyncSession) -> None:
        if do is _facts:
            await load_bill_details(session, [asked.bill_id])
            return
        user = await find_by_slack(session, asked.slack_id, "T0DEMO")
        assert user is not None
        await do(session, asked.bill_id, Context(user, datetime.now(UTC), Source.SLACK))

    return done


async def in_turns(url: str) -> tuple[dict[str, Spent], dict[str, int]]:
    """What each step took for all its bills, and how many statements for one of them."""
    db = Database(url)
    spent: dict[str, list[Spent]] = defaultdict(list)
    counts = {}
    with psycopg.connect(url) as connection:
        connection.execute("update customers set billing_email = 'billing@customer.example'")
        connection.execute(FINANCE)
        connection.execute(KNOWN)
        waiting = [Asked(*found) for found in connection.execute(WAITING)]
        if len(waiting) < NEEDED:
            sys.exit(f"{len(waiting):,} bills wait, {NEEDED:,} are needed: give more --customers.")
        bills = iter(waiting)
        connection.commit()
        for turn in range(TURNS + 1):
            some = [[*islice(bills, EACH)] for _ in range(SHARES)]
            finance = [asked._replace(slack_id="UFINANCE") for asked in some[1]]
            steps: dict[str, tuple[Do, Sequence[Asked]]] = {
                "approve": (_approve, some[1]),
                "facts of a card": (_facts, some[1]),
                "reject": (_reject, some[2]),
                "undo": (_undo, some[2]),
                "comment": (_comment, some[3]),
                "send": (_send, finance),
            }
            with Stopwatch(connection) as floor:
                by_hand(connection, some[0][1:])
            spent["floor"].append(floor.spent)
            for name, (do, asked) in steps.items():
                counts[name] = await statements(db, doing(do, asked[0]))
                with Stopwatch(connection) as watch:
                    for one in asked[1:]:
                        async with db.transaction() as session:
                            await doing(do, one)(session)
                spent[name].append(watch.spent)
            if turn == 0:  # which only warms them up
                spent.clear()
    await db.close()
    return {name: Spent.of(turns) for name, turns in spent.items()}, counts


def measure(place: Ground, runs: int) -> list[str]:
    spent: dict[str, list[Spent]] = defaultdict(list)
    for _ in range(runs):
        with place.clone() as url:
            asyncio.run(generated(url))
            done, counts = asyncio.run(in_turns(url))
            for name, one in done.items():
                spent[name].append(one)
    floor = spent.pop("floor")
    lines = [report_spent(f"floor: {BILLS} approvals by hand", floor, unit=BILLS)]
    for name, ours in spent.items():
        lines.append(f"{report_spent(name, ours, floor, BILLS)}   {counts[name]} statements")
    return lines


if __name__ == "__main__":
    run(__doc__, 5_000, measure)
