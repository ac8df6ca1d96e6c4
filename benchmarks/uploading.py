"""`PUT /api/usage` beside `countersign import usage` of the same rows, in turns.

    python -m benchmarks.uploading [--customers 25000] [--runs 3]

Four months of each customer, so a hundred thousand rows by default, into a copy of one database
each: added, then each figure changed, then all the same again. `import` is the command in a
process of its own, `put` the request to a server on a real port, once as CSV and once as JSON.
Both from the first byte to the commit; of the command also `work`, without the start of Python.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy as sa

from benchmarks.ground import Ground, report, run
from bot.web_server import WebServer, make_web_app, serve_people
from handlers.http.services import HttpServices
from models.actions.keep_books import import_book
from models.context import Context, Source
from models.db.database import Database
from models.imports.books import Book
from models.imports.csv_reader import CsvReader
from models.people.sessions import open_session
from models.people.users import User, system_user
from models.settings import BillingSettings

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
MONTHS = range(2, 6)
STEPS = ("added", "changed", "the same")
CSV, JSON = "text/csv", "application/json"
Times = dict[str, list[float]]


def rows(customers: int, plus: int) -> list[tuple[str, int, int]]:
    return [
        (f"customer {one}", month, one * month + plus)
        for month in MONTHS
        for one in range(1, customers + 1)
    ]


def as_csv(figures: Sequence[tuple[str, int, int]]) -> bytes:
    lines = (f"{name},2026,{month},{calls}\n" for name, month, calls in figures)
    return f"customer,year,month,api_usage\n{''.join(lines)}".encode()


def as_json(figures: Sequence[tuple[str, int, int]]) -> bytes:
    row = '{{"customer": "{}", "year": 2026, "month": {}, "api_usage": {}}}'
    return f"[{','.join(row.format(*one) for one in figures)}]".encode()


def by_command(url: str, bodies: Sequence[bytes]) -> list[float]:
    """Seconds of the command, a process each time."""
    spent = []
    command = [str(Path(sys.executable).with_name("countersign")), "import", "usage"]
    for body in bodies:
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            file.write(body)
            file.flush()
            began = time.perf_counter()
            subprocess.run(
                [*command, file.name],
                check=True,
                capture_output=True,
                env=os.environ | {"DATABASE_URL": url},
            )
            spent.append(time.perf_counter() - began)
    return spent


async def by_import(url: str, bodies: Sequence[bytes]) -> list[float]:
    """Seconds of the import in this process: what the command does once it has started."""
    db, spent = Database(url), []
    for body in bodies:
        with tempfile.TemporaryFile() as file:
            file.write(body)
            file.seek(0)
            began = time.perf_counter()
            async with db.long_transaction() as session:
                by = Context(await system_user(session), NOW, Source.CLI)
                await import_book(session, Book.USAGE, CsvReader(file), by)
            spent.append(time.perf_counter() - began)
    await db.close()
    return spent


async def by_request(url: str, bodies: Sequence[bytes], kind: str) -> list[float]:
    """Seconds of the request, from its first byte to its answer."""
    db = Database(url)
    web = make_web_app(_ready)
    server = WebServer(web, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.port}"
    services: dict[str, Any] = {"billing": BillingSettings(), "public_url": base}
    serve_people(web, HttpServices(db=db, now=lambda: NOW, **services))
    await server.start()
    async with db.transaction() as session:
        ana = User(name="Ana", role="Finance")
        session.add(ana)
        await session.flush()
        token = await open_session(session, ana, NOW)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    spent = []
    async with aiohttp.ClientSession(headers=headers) as http:
        for body in bodies:
            with tempfile.TemporaryFile() as file:
                file.write(body)
                file.seek(0)
                began = time.perf_counter()
                async with http.put(f"{base}/api/usage", data=file) as answer:
                    assert answer.status == 200, await answer.text()
                spent.append(time.perf_counter() - began)
    await server.stop(2)
    await db.close()
    return spent


async def _ready() -> list[str]:
    return []


async def _count(url: str) -> int:
    db = Database(url)
    async with db.transaction() as session:
        counted = await session.scalar(sa.text("select count(*) from usages where month < 8"))
    await db.close()
    return int(counted or 0)


def measure(place: Ground, runs: int) -> list[str]:
    with place.clone() as url:
        customers = asyncio.run(_customers(url))
    told = [rows(customers, plus) for plus in (0, 1, 1)]
    csv, json = [as_csv(one) for one in told], [as_json(one) for one in told]
    ways: dict[str, Callable[[str], Awaitable[list[float]]]] = {
        "import, work": lambda url: by_import(url, csv),
        "import": lambda url: asyncio.to_thread(by_command, url, csv),
        "put CSV": lambda url: by_request(url, csv, CSV),
        "put JSON": lambda url: by_request(url, json, JSON),
    }
    times: Times = {f"{way}: {step}": [] for step in STEPS for way in ways}
    for _ in range(runs):
        for way, do in ways.items():
            with place.clone() as url:
                spent = asyncio.run(_whole(do, url, len(told[0])))
            for step, seconds in zip(STEPS, spent, strict=True):
                times[f"{way}: {step}"].append(seconds)
    return [_line(name, seconds, times, len(told[0])) for name, seconds in times.items()]


async def _whole(
    do: Callable[[str], Awaitable[list[float]]], url: str, expected: int
) -> list[float]:
    spent = await do(url)
    assert await _count(url) == expected
    return spent


async def _customers(url: str) -> int:
    db = Database(url)
    async with db.transaction() as session:
        counted = await session.scalar(sa.text("select count(*) from customers"))
    await db.close()
    return int(counted or 0)


def _line(name: str, seconds: list[float], times: Times, count: int) -> str:
    """Those that put, beside both ways of the import."""
    way, _, step = name.partition(": ")
    if not way.startswith("put"):
        return report(name, seconds, unit=count)
    beside = ("import", "import, work")
    lines = (report(name, seconds, times[f"{of}: {step}"], count) for of in beside)
    return "\n".join(f"{line} ({of})" for line, of in zip(lines, beside, strict=True))


if __name__ == "__main__":
    run(__doc__, 25_000, measure)
