"""How long the event loop is kept from its work while people sign in.

    python -m benchmarks.signing_in

The server and its loop are in this process, whoever signs in is in another one: twenty attempts
a second for ten seconds, with the right password, at bcrypt's cost 12. `quiet` is the same server
before that, and `beside` the same beside a process that only keeps a processor busy: what of the
lag is the machine's own. Where the machine hashes fewer a second, the others wait, and of more than
a hundred that wait the rest is answered with 503.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections import Counter
from functools import partial

import aiohttp

from benchmarks.ground import Ground, run
from models.db.database import Database
from models.people.passwords import Passwords
from models.people.permissions import Role
from models.people.users import add_user
from tests.harness.browser_side import browser_side

PEOPLE, PASSWORD = 20, "correct horse 12"
A_SECOND, FOR_S = 20, 10
TICK_S = 0.002
FROM = "--from"


async def lags(until: asyncio.Event) -> list[float]:
    """How much later than asked the loop goes on, again and again, in ms."""
    late = []
    while not until.is_set():
        begun = time.perf_counter()
        await asyncio.sleep(TICK_S)
        late.append((time.perf_counter() - begun - TICK_S) * 1000)
    return late


async def seeded(db: Database, passwords: Passwords) -> None:
    digest = await passwords.digest(PASSWORD)
    async with db.transaction() as session:
        for number in range(PEOPLE):
            user = await add_user(session, f"Person {number}", Role.SALES)
            user.password_digest = digest


async def served(url: str) -> list[str]:
    db, passwords = Database(url), Passwords()
    await seeded(db, passwords)
    lines = []
    async with browser_side(db, passwords=passwords) as side:
        phases = {
            "quiet": _nothing,
            "beside": _beside_a_busy_process,
            f"{A_SECOND} a second": partial(_signing_in, side.base),
        }
        for name, work in phases.items():
            over = asyncio.Event()
            measured = asyncio.create_task(lags(over))
            told = await work()
            over.set()
            late = sorted(await measured)
            p50, p99 = late[len(late) // 2], late[len(late) * 99 // 100]
            lines.append(
                f"{name:<12} loop late by p50 {p50:5.2f} ms, p99 {p99:5.2f} ms, most"
                f" {late[-1]:6.2f} ms   {told}"
            )
    await db.close()
    return lines


async def _nothing() -> str:
    await asyncio.sleep(FOR_S / 2)
    return ""


async def _beside_a_busy_process() -> str:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
    await asyncio.sleep(FOR_S / 2)
    process.kill()
    await process.wait()
    return ""


async def _signing_in(base: str) -> str:
    command = [sys.executable, "-m", "benchmarks.signing_in", FROM, base]
    child = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    told, _ = await child.communicate()
    return told.decode().strip()


async def crowd(base: str) -> str:
    """Everybody's attempts, begun when it is their time, whatever became of those before."""
    answers: Counter[int] = Counter()
    taken: list[float] = []

    async def one(http: aiohttp.ClientSession, number: int) -> None:
        await asyncio.sleep(number / A_SECOND)
        begun = time.perf_counter()
        given = {"name": f"Person {number % PEOPLE}", "password": PASSWORD}
        async with http.post(f"{base}/api/session", json=given) as answer:
            await answer.read()
            answers[answer.status] += 1
        taken.append(time.perf_counter() - begun)

    jar, all_at_once = aiohttp.DummyCookieJar(), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(cookie_jar=jar, connector=all_at_once) as http:
        await asyncio.gather(*(one(http, number) for number in range(A_SECOND * FOR_S)))
    taken.sort()
    counts = ", ".join(f"{count} x {status}" for status, count in sorted(answers.items()))
    return f"{counts}; answered in p50 {taken[len(taken) // 2]:.2f} s, most {taken[-1]:.2f} s"


def measure(place: Ground, runs: int) -> list[str]:
    lines = []
    for _ in range(runs):
        with place.clone() as url:
            lines += asyncio.run(served(url))
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(FROM)
    here, _ = parser.parse_known_args()
    if vars(here)["from"]:
        sys.stdout.write(asyncio.run(crowd(vars(here)["from"])))
    else:
        run(__doc__, 10, measure)
