"""How long Slack waits for the receipt of a click on Approve.

    python -m benchmarks.clicking [--customers 5000] [--runs 3]

`countersign serve --role web` runs in a process of its own; from this one come signed clicks, each
by the CSM of another pending bill. `alone`: one after the other. `at 100/s`: each at its moment,
whether or not those before it are answered, and timed from that moment on. `acknowledging` answers
on the same server and does nothing else; `by hand` writes the same rows on one connection. Rates
rise until one is hopeless. `CPU` is that of the server's process, which others on a busy machine
disturb less than they do the clock.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlencode

import aiohttp
import psycopg
import uvloop

from benchmarks.deciding import BILLS, WAITING, Asked, by_hand
from benchmarks.ground import Ground, run
from benchmarks.month_end import generated
from handlers.slack.blocks.card import bill_card
from models.db.database import Database
from models.queries.bill_loader import load_bill_details
from sandbox.fake_slack.app import serve
from sandbox.fake_slack.delivery.payloads import message_click
from sandbox.fake_slack.delivery.webhooks import signature
from sandbox.fake_slack.sandbox import Sandbox
from sandbox.fake_slack.shapes import JsonObject

CSMS = 250
ALONE = 200
RATES = (25, 50, 100, 150, 200)
STEP_S = 3
STEPS = ("alone", *(f"at {rate}/s" for rate in RATES))
CLICKS = CSMS + ALONE + STEP_S * sum(RATES)
BEARABLE_S, HOPELESS_S = 0.05, 1.5
START_S, ANSWER_S = 60, 10
SERVERS = {
    "approve": ("bot", "serve", "--role", "web"),
    "acknowledging": ("benchmarks.acknowledging",),
}
PENDING = """
select b.id, u.slack_user_id from bills b join customers c on c.id = b.customer_id
    join users u on u.id = c.csm_id
where b.status = 'pending' order by b.id limit %s"""
APPROVED = "select count(*) from bill_actions where action = 'approve'"

Times = dict[str, list[float]]


@dataclass(frozen=True)
class Door:
    """Where Slack's requests go in."""

    slack: Sandbox
    url: str
    session: aiohttp.ClientSession
    pid: int

    async def click(self, payload: JsonObject) -> None:
        """A click that is not received is an end of the benchmark."""
        body = urlencode({"payload": json.dumps(payload)}).encode()
        stamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(self.slack.signing_secret, stamp, body),
        }
        async with self.session.post(self.url, data=body, headers=headers) as answer:
            await answer.read()
            answer.raise_for_status()


async def one_by_one(door: Door, clicks: Sequence[JsonObject]) -> list[float]:
    seconds = []
    for payload in clicks:
        began = time.perf_counter()
        await door.click(payload)
        seconds.append(time.perf_counter() - began)
    return seconds


async def at_rate(door: Door, clicks: Sequence[JsonObject], rate: int) -> list[float]:
    """Seconds from the moment at which each was to be sent."""
    began = time.perf_counter()

    async def at(number: int, payload: JsonObject) -> float:
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await door.click(payload)
        return time.perf_counter() - due

    return await asyncio.gather(*(at(number, one) for number, one in enumerate(clicks)))


async def clicked(door: Door, clicks: Sequence[JsonObject]) -> Times:
    """First everybody clicks once, since whoever is new to the bot is looked up in Slack."""
    left = iter(clicks)
    await one_by_one(door, list(islice(left, CSMS)))
    began = cpu_s(door.pid)
    times = {"alone": await one_by_one(door, list(islice(left, ALONE)))}
    times["CPU"] = [(cpu_s(door.pid) - began) / ALONE]
    for rate in RATES:
        times[f"at {rate}/s"] = step = await at_rate(door, list(islice(left, rate * STEP_S)), rate)
        if max(step) > HOPELESS_S:
            break
    return times


def cpu_s(pid: int) -> float:
    """Seconds of processor time that the process has used, by itself and in the kernel."""
    of_process = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(of_process[11]) + int(of_process[12])) / os.sysconf("SC_CLK_TCK")


def clicks_on_cards(slack: Sandbox, cards: Sequence[tuple[str, JsonObject]]) -> list[JsonObject]:
    """What Slack sends for Approve on each of these cards, by the person named with it."""
    payloads = []
    for number, (user_id, card) in enumerate(cards):
        message = {"type": "message", "ts": f"1764000000.{number:06}", **card}
        actions = next(block for block in card["blocks"] if block["type"] == "actions")
        button = {**actions["elements"][0], "block_id": actions.get("block_id", "b")}
        user = slack.workspace.users[user_id]
        dm = slack.workspace.dm(user_id)
        payloads.append(message_click(slack.slack, user, dm, message, button))
    return payloads


async def pending_cards(url: str) -> list[tuple[str, JsonObject]]:
    with psycopg.connect(url) as connection:
        bills = connection.execute(PENDING, [CLICKS]).fetchall()
    if len(bills) < CLICKS:
        raise SystemExit(f"{CLICKS:,} pending bills are needed; more --customers make more.")
    db = Database(url)
    async with db.long_transaction() as session:
        facts = await load_bill_details(session, [bill_id for bill_id, _ in bills])
    await db.close()
    cards = {one.id: bill_card(one).payload() for one in facts}
    return [(user_id, cards[bill_id]) for bill_id, user_id in bills]


@asynccontextmanager
async def opened(server: str, slack: Sandbox, database_url: str) -> AsyncIterator[Door]:
    """The server in a process of its own, once it is ready."""
    port = _free_port()
    given = {
        "DATABASE_URL": database_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "PORT": str(port),
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with tempfile.TemporaryDirectory() as folder, _process(server, kept | given, folder) as pid:
        address = f"http://127.0.0.1:{port}"
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            async with asyncio.timeout(START_S):
                while not await _is_ready(session, f"{address}/ready"):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            yield Door(slack, f"{address}/slack/events", session, pid)


@contextmanager
def _process(server: str, settings: dict[str, str], folder: str) -> Iterator[int]:
    """Its id, until the block ends."""
    words = [sys.executable, "-m", *SERVERS[server]]
    with subprocess.Popen(words, env=settings, cwd=folder) as process:
        try:
            yield process.pid
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    with suppress(aiohttp.ClientConnectionError):
        async with session.get(url) as answer:
            return answer.status == 200
    return False


async def ours(url: str) -> dict[str, Times]:
    """Of each server the seconds of each click, and how many of all clicks approved a bill."""
    users = [{"id": f"U{number}", "name": f"csm{number}"} for number in range(1, CSMS + 1)]
    slack = Sandbox(workspace={"users": users}, rate_limits=False)
    times = {}
    async with serve(slack):
        clicks = clicks_on_cards(slack, await pending_cards(url))
        for server in SERVERS:
            async with opened(server, slack, url) as door:
                times[server] = await clicked(door, clicks)
    sent = CSMS + sum(len(times["approve"].get(step, [])) for step in STEPS)
    with psycopg.connect(url) as connection:
        (approved,) = connection.execute(APPROVED).fetchone() or (0,)
    if approved < sent:
        sys.stderr.write(f"{sent - approved} of {sent} clicks were too slow to approve a bill\n")
    return times


def _hand_s(url: str) -> float:
    """Seconds of one approval by hand."""
    with psycopg.connect(url) as connection:
        bills = [Asked(*found) for found in connection.execute(WAITING).fetchmany(BILLS)]
        connection.commit()
        began = time.perf_counter()
        by_hand(connection, bills)
        return (time.perf_counter() - began) / BILLS


def measure(place: Ground, runs: int) -> list[str]:
    hand: list[float] = []
    times: dict[str, Times] = {server: defaultdict(list) for server in SERVERS}
    for _ in range(runs):
        with place.clone() as url:
            asyncio.run(generated(url))
            hand.append(_hand_s(url))
        with place.clone() as url:
            asyncio.run(generated(url))
            for server, measured in uvloop.run(ours(url)).items():
                for step, seconds in measured.items():
                    times[server][step] += seconds
    lines = [f"{'the rows of an approval by hand':<32} p50 {min(hand) * 1000:7.2f} ms"]
    for server in reversed(SERVERS):
        lines += _lines(server, times[server])
    return lines


def _lines(server: str, times: Times) -> Iterator[str]:
    for step in filter(times.get, STEPS):
        seconds = times[step]
        percent = [1000 * one for one in quantiles(seconds, n=100)]
        told = "  ".join(f"p{one} {percent[one - 1]:7.2f}" for one in (50, 90, 99))
        yield f"{f'{server} {step}':<32} {told} ms"
    yield f"{f'{server} alone, CPU':<32}     {1000 * median(times['CPU']):7.2f} ms a click"
    bearable = [rate for rate in RATES if _is_bearable(times.get(f"at {rate}/s"))]
    knee = f"{max(bearable)} clicks a second" if bearable else "no rate that was tried"
    yield f"{server}: p99 is at most {BEARABLE_S * 1000:.0f} ms up to {knee}"


def _is_bearable(seconds: Sequence[float] | None) -> bool:
    return bool(seconds) and quantiles(seconds, n=100)[98] <= BEARABLE_S


if __name__ == "__main__":
    run(__doc__, 5_000, measure)
