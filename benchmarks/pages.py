"""How long pages and the JSON API take to answer, at companies of two sizes.

    python -m benchmarks.pages [--customers 200 100000] [--months 12] [--repeat 15] [--folder DIR]

Asked for over HTTP by Finance, of the server as the program starts it. `first byte`: until the
answer begins. `database`: what of that is spent waiting for rows, in what the program reads them
with. `raw`: the same statements in the same transaction by one connection of psycopg alone, in the
same run, in turns. `grows`: how many times as long the largest company takes as the smallest. With
`--folder` the companies are kept; what they lack is told by `benchmarks.company`.

Last figures, nothing else running (7 months, 7,000,000 bills at 1,000,000 customers):

                             first byte at 200, 1,000,000    x raw        grows
    /dashboard?view=all           32.2 ms       39.6 ms    1.42  1.38     1.41
    /dashboard, one month         28.5 ms       33.1 ms    1.49  1.45     1.23
    /bills/{bill}                 21.9 ms       20.4 ms    1.31  1.33     0.97
    /api/bills                     8.7 ms        9.8 ms    1.38  1.47     1.14
    /customers                    19.0 ms       20.1 ms    1.17  1.14     1.13
    /customers?over=yes           28.2 ms       20.4 ms    1.05  1.11     0.61
    /customers/{customer}         39.5 ms       36.8 ms    1.24  1.21     0.93
    /month/2026-09                20.4 ms       20.4 ms    1.33  1.34     0.94
"""

import argparse
import asyncio
import functools
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.company import company
from models.db.database import Database
from models.people.users import User
from tests.harness.browser_side import BrowserSide, Visitor, browser_side

WARM = 3
SESSION_WORK = ("execute", "scalar", "scalars", "get", "get_one", "flush", "refresh")
ADDRESSES = ("/dashboard?view=all", "/dashboard?view=pending&month=2026-09", "/bills/{bill}",
             "/api/bills", "/customers", "/customers?over=yes", "/customers/{customer}",
             "/month/2026-09")  # fmt: skip

Statement = tuple[Any, Any]


@dataclass
class Meter:
    """Seconds waited for the database, and each statement that was waited for."""

    waited: float = 0
    statements: list[Statement] = field(default_factory=list)
    _depth: int = 0

    def of(self, do: Callable[..., Awaitable[Any]], *, keeps: bool) -> Callable[..., Any]:
        @functools.wraps(do)
        async def measured(self_: Any, *given: Any, **named: Any) -> Any:
            if keeps:
                self.statements.append((given[0], given[1] if len(given) > 1 else None))
            began, self._depth = time.perf_counter(), self._depth + 1
            try:
                return await do(self_, *given, **named)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.waited += time.perf_counter() - began

        return measured


@contextmanager
def metered() -> Iterator[Meter]:
    """Until the block ends, everything read in this process is measured."""
    meter = Meter()
    patched = [(AsyncSession, name, False) for name in SESSION_WORK]
    patched.append((psycopg.AsyncCursor, "execute", True))  # type: ignore[arg-type]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in patched]
    for owner, name, keeps in patched:
        setattr(owner, name, meter.of(getattr(owner, name), keeps=keeps))
    try:
        yield meter
    finally:
        for owner, name, done in before:
            setattr(owner, name, done)


@dataclass(frozen=True)
class Times:
    """Medians, in seconds."""

    first_byte: float
    database: float
    raw: float
    statements: int


async def _first_byte(visitor: Visitor, address: str) -> float:
    began = time.perf_counter()
    answer = await visitor.get(address)
    assert answer.status == 200, (address, answer.status)
    return time.perf_counter() - began


async def _raw(connection: psycopg.AsyncConnection[Any], statements: Sequence[Statement]) -> float:
    began = time.perf_counter()
    async with connection.transaction(), connection.cursor() as cursor:
        for query, given in statements:
            await cursor.execute(query, given)
            if cursor.description:
                await cursor.fetchall()
    return time.perf_counter() - began


async def _measure(
    visitor: Visitor, address: str, raw: psycopg.AsyncConnection[Any], repeat: int
) -> Times:
    for _ in range(WARM):
        await _first_byte(visitor, address)
    firsts, databases, raws = [], [], []
    for _ in range(repeat):
        with metered() as meter:
            firsts.append(await _first_byte(visitor, address))
        databases.append(meter.waited)
        raws.append(await _raw(raw, meter.statements))
    return Times(median(firsts), median(databases), median(raws), len(meter.statements))


async def _of_company(url: str, repeat: int) -> dict[str, Times]:
    db = Database(url)
    try:
        async with browser_side(db) as served:
            visitor, ids = await _visitor(db, served)
            async with await psycopg.AsyncConnection.connect(url, prepare_threshold=None) as raw:
                return {
                    address: await _measure(visitor, address.format(**ids), raw, repeat)
                    for address in ADDRESSES
                }
    finally:
        await db.close()


async def _visitor(db: Database, served: BrowserSide) -> tuple[Visitor, dict[str, int]]:
    async with db.transaction() as session:
        finance = await session.scalar(sa.select(User).where(User.role == "Finance"))
        assert finance
        found = await session.execute(sa.text(_EXAMPLE))
        bill, customer = found.one()
    return await served.signed_in(finance), {"bill": bill, "customer": customer}


_EXAMPLE = """
select id, customer_id from bills where (year, month) = (2026, 9) and status = 'pending'
order by customer_id limit 1 offset 10
"""


def _lines(sizes: Sequence[int], found: Sequence[dict[str, Times]]) -> Iterator[str]:
    head = f"{'':<40}{'customers':>10}{'first byte':>12}{'database':>10}"
    yield f"{head}{'raw':>9}{'x raw':>7}{'grows':>7}"
    for address in ADDRESSES:
        first = found[0][address]
        for size, times in zip(sizes, (one[address] for one in found), strict=True):
            ratio, grows = times.database / times.raw, times.database / first.database
            yield (
                f"{address:<40}{size:>10,}{times.first_byte * 1000:>9.1f} ms"
                f"{times.database * 1000:>7.1f} ms{times.raw * 1000:>6.1f} ms"
                f"{ratio:>7.2f}{grows:>7.2f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=[200, 100_000])
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = []
        for size in options.customers:
            folder = (options.folder or Path(scratch)) / f"{size}-{options.months}"
            with company(folder, size, options.months) as url:
                found.append(asyncio.run(_of_company(url, options.repeat)))
    sys.stdout.write("\n".join(_lines(options.customers, found)) + "\n")


if __name__ == "__main__":
    main()
