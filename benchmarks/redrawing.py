"""1,000 cards drawn anew at once, and 1,000 posted, beside the bare calls to Slack.

    python -m benchmarks.redrawing [--customers 5000] [--runs 3]

A Slack that says yes to everything stands in a process of its own. `floor`: the same calls, as many
at a time, with one statement to find the cards and one to mark them. The worker finds, loads and
draws each card besides, and works off a job for each bill. Statements are all that the server was
sent, `begin`, `commit` and the job queue's own included, counted in a run that is not timed.

Last figures, where others kept the machine busy (load 12):

    floor: the same calls by hand         1,146/s
    redraw                                  115/s   x10.62 of the floor
        a card: 1.77 ms of CPU here, 1.22 ms of the server's, 0.6 statements
    post                                     16/s   x78.22 of the floor
        a card: 16.10 ms of CPU here, 6.82 ms of the server's, 22.1 statements
"""

import asyncio
import itertools
import multiprocessing
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from statistics import median

import psycopg
import sqlalchemy as sa
from aiohttp import web

from benchmarks.cost import Cost, Meter
from benchmarks.ground import Ground, report, run
from benchmarks.month_end import generated
from bot.slack.client import SlackClient
from bot.timings import Timings
from bot.worker.worker import AT_ONCE, Worker
from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.blocks.card import bill_card
from models.db.database import Database
from models.outbox.cards import redraw_cards
from models.outbox.jobs import Queue
from models.outbox.messages import defer_all_posts
from models.queries.bill_loader import load_bill_details
from models.settings import BillingSettings
from tests.harness.drawing import draw_here

CARDS = 1000
TIMINGS = Timings(pace=0.0)

POSTED = f"""
delete from messages where id not in (
    select id from messages where kind = 'card' order by id limit {CARDS});
update messages set state = 'posted', channel = 'D' || recipient, ts = id::text, drawn_actions = 1;
delete from procrastinate_jobs"""

# Few enough for each person to get them one by one.
WAITING = f"""
with counted as (
    select id, row_number() over (partition by recipient order by id) as place from messages)
delete from messages where id not in (
    select id from counted where place <= 5 order by id limit {CARDS});
delete from procrastinate_jobs"""

STANDING = "select bill_id, channel, ts, id from messages order by id"
DRAWN = "update messages set drawn_actions = 1 where id = any(%s)"
LEFT = "select exists (select from procrastinate_jobs)"

Work = Callable[[Meter, Database, SlackClient], Awaitable[Cost]]


def _say_yes(ready: Connection) -> None:
    """Slack, as far as cards need it."""
    stamps = itertools.count()

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("conversations.open"):
            return web.json_response({"ok": True, "channel": {"id": f"D{next(stamps)}"}})
        asked = await request.json()
        ts = asked.get("ts") or f"1800000000.{next(stamps):06}"
        return web.json_response({"ok": True, "channel": asked["channel"], "ts": ts})

    async def serve() -> None:
        application = web.Application()
        application.router.add_post("/api/{method}", answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(serve())


@contextmanager
def agreeable_slack() -> Iterator[str]:
    """Its address."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_say_yes, args=(theirs,), daemon=True
    )
    process.start()
    yield f"http://127.0.0.1:{ours.recv()}/api/"
    process.terminate()
    process.join()


@asynccontextmanager
async def _opened(url: str, slack_url: str) -> AsyncIterator[tuple[Database, SlackClient]]:
    db = Database(url)
    async with SlackClient.open("xoxb-bench", slack_url) as slack:
        yield db, slack
    await db.close()


async def redrawn(meter: Meter, db: Database, slack: SlackClient) -> Cost:
    """Every card out of date in one transaction, then a worker until no job is left."""
    async with db.long_transaction() as session:
        bills = await session.scalars(sa.text("select bill_id from messages order by bill_id"))
        await redraw_cards(session, bills.all())
    return await _worked_off(meter, db, slack)


async def posted(meter: Meter, db: Database, slack: SlackClient) -> Cost:
    """A worker until every card that waits is posted."""
    async with db.long_transaction() as session:
        await defer_all_posts(session)
    return await _worked_off(meter, db, slack)


async def _worked_off(meter: Meter, db: Database, slack: SlackClient) -> Cost:
    worker = Worker(
        db,
        slack,
        now=lambda: datetime.now(UTC),
        billing=BillingSettings(),
        draw=draw_here,
        timings=TIMINGS,
    )

    async def work() -> None:
        await worker.start()
        async with await psycopg.AsyncConnection.connect(db.url, autocommit=True) as watch:
            await watch.execute("set log_statement = 'none'")
            while (await (await watch.execute(LEFT)).fetchone()) == (True,):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    cost = await meter.cost(work)
    await worker.stop(deadline_s=5)
    return cost


async def by_hand(meter: Meter, db: Database, slack: SlackClient) -> Cost:
    """The same calls to Slack, drawn beforehand."""
    async with db.long_transaction() as session:
        ids = (await session.scalars(sa.text("select bill_id from messages"))).all()
        drawn = {one.id: bill_card(one) for one in await load_bill_details(session, ids)}
    return await meter.cost(lambda: _call_all(db.url, slack, drawn))


async def _call_all(url: str, slack: SlackClient, drawn: dict[int, SlackMessage]) -> None:
    places = asyncio.Semaphore(AT_ONCE[Queue.TEAM])

    async def call(bill_id: int, channel: str, ts: str) -> None:
        async with places:
            await slack.update(channel, ts, drawn[bill_id])

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cards = await (await connection.execute(STANDING)).fetchall()
        await asyncio.gather(*(call(*place) for *place, _ in cards))
        await connection.execute(DRAWN, [[card[-1] for card in cards]])


def _measured(
    place: Ground, slack_url: str, prepare: str, work: Work, count: bool = False
) -> tuple[Cost, int]:
    """Its cost on a fresh month, and how many statements it took."""

    async def on_ground(url: str) -> Cost:
        async with _opened(url, slack_url) as (db, slack):
            return await work(place.meter, db, slack)

    with place.clone() as url:
        asyncio.run(generated(url))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(prepare.encode())
            connection.execute("vacuum analyze")
        before = place.meter.statements()
        if count:
            place.meter.log_statements(url)
        cost = asyncio.run(on_ground(url))
        return cost, place.meter.statements() - before


def measure(place: Ground, runs: int) -> list[str]:
    lines, floors = [], list[float]()
    with agreeable_slack() as slack_url:
        for name, prepare, work in (
            ("floor: the same calls by hand", POSTED, by_hand),
            ("redraw", POSTED, redrawn),
            ("post", WAITING, posted),
        ):
            costs = [_measured(place, slack_url, prepare, work)[0] for _ in range(runs)]
            seconds = [cost.seconds for cost in costs]
            lines.append(report(name, seconds, floors or None, CARDS))
            floors = floors or seconds
            statements = _measured(place, slack_url, prepare, work, count=True)[1] / CARDS
            lines.append(_per_card(costs, statements))
    return lines


def _per_card(costs: list[Cost], statements: float) -> str:
    client, server = (
        1000 * median(getattr(cost, whose) for cost in costs) / CARDS
        for whose in ("client_s", "server_s")
    )
    return (
        f"    a card: {client:.2f} ms of CPU here, {server:.2f} ms of the server's,"
        f" {statements:.1f} statements"
    )


if __name__ == "__main__":
    run(__doc__, 5_000, measure)
