"""How far a forecast is off at mid-month, beside the straight line, and what looking costs.

    python -m benchmarks.forecasting [--customers 100000] [--runs 3] [--data DIR]

No source of ours holds days. So the days of a month are made up: a day of the weekend has 40 % of a
working day's calls, and days differ from each other at random, by the `calm` or the `wild` of a
normal distribution of their logarithm. A forecast sees what was made until the middle of the month.
`2017` are the months of DIR/original-2017-usage.csv from May on; `npm` is the month of
DIR/npm-usage-2026-10.csv, with made-up months before it that differ by a tenth; without DIR both
are left out. `steady` are made-up customers whose months differ by a tenth. Errors are means of the
absolute error in percent; `held`: so many of a hundred months were in the range, of 80 promised.

The cost is that of looking for the alerts of all customers, a third of them over their limit,
beside one bare statement that reads what the alerts rest on.

Last figures, on two cores that others kept busy (load 14):

    steady, calm days    3,000 months   forecast off by   4.4 %, straight line   5.0 %, held 93
    steady, wild days    3,000 months   forecast off by   9.7 %, straight line  13.6 %, held 57
    2017, calm days      1,400 months   forecast off by   5.6 %, straight line   5.1 %, held 90
    2017, wild days      1,400 months   forecast off by  13.6 %, straight line  13.5 %, held 49
    npm, calm days       3,000 months   forecast off by   4.3 %, straight line   5.0 %, held 92
    npm, wild days       3,000 months   forecast off by   9.7 %, straight line  13.6 %, held 57
"""

import argparse
import asyncio
import csv
import math
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import psycopg

from benchmarks.ground import Ground, ground, report
from models.context import Source, system_context
from models.db.database import Database
from models.schedule.due import LOOKED_AT_ONCE
from models.usage.alerts import customers_with_usage, raise_alerts

FIRST, DAYS, WEEKEND = datetime(2026, 11, 1, tzinfo=UTC), 30, 0.4
MIDDLE = FIRST + timedelta(days=DAYS / 2)
NOISE = {"calm": 0.3, "wild": 0.8}
FLOOR = """
select count(*), sum(u.api_usage), sum(p.api_usage) from usages u
join usages p on p.customer_id = u.customer_id and (p.year, p.month) < (u.year, u.month)
where u.year = 2026 and u.month = 11"""


class Case(NamedTuple):
    """A month's calls, and those of the months before it, the oldest first."""

    calls: int
    before: Sequence[int]


def of_2017(data: Path) -> Iterator[Case]:
    months = defaultdict[str, list[int]](list)
    with (data / "original-2017-usage.csv").open() as file:
        for row in csv.DictReader(file):
            months[row["customer"]].append(int(row["api_usage"]))
    for figures in months.values():
        yield from (
            Case(figures[at], figures[max(0, at - 6) : at])
            for at in range(4, len(figures))
            if figures[at]
        )


def of_npm(data: Path, rng: random.Random) -> Iterator[Case]:
    with (data / "npm-usage-2026-10.csv").open() as file:
        figures = [int(row["api_usage"]) for row in csv.DictReader(file)]
    yield from (steady(calls, rng) for calls in rng.sample([f for f in figures if f > 99], 3000))


def steady(calls: int, rng: random.Random) -> Case:
    before = [calls]
    while len(before) < 7:
        before.insert(0, max(1, round(before[0] * math.exp(rng.gauss(0, 0.1)))))
    return Case(calls, before[:-1])


def until_middle(calls: int, noise: float, rng: random.Random) -> int:
    """What was made in the first half of a month of so many calls."""
    days = [FIRST + timedelta(days=at) for at in range(DAYS)]
    weights = [
        (WEEKEND if day.weekday() >= 5 else 1) * math.exp(rng.gauss(0, noise)) for day in days
    ]
    return max(1, round(calls * sum(weights[: DAYS // 2]) / sum(weights)))


def errors(place: Ground, name: str, cases: Sequence[Case], noise: str) -> str:
    rng = random.Random(7)
    made = [until_middle(case.calls, NOISE[noise], rng) for case in cases]
    with place.clone() as url, psycopg.connect(url) as connection:
        connection.execute("truncate usages cascade")
        with connection.cursor().copy(
            "copy usages (customer_id, year, month, api_usage, updated_at) from stdin"
        ) as copy:
            for number, (case, calls) in enumerate(zip(cases, made, strict=True), 1):
                copy.write_row((number, 2026, 11, calls, MIDDLE))
                for ago, figure in enumerate(reversed(case.before), 1):
                    copy.write_row((number, 2026, 11 - ago, figure, FIRST))
        query = "select customer_id, likely, low, high from usage_forecasts(2026, 11, 'UTC')"
        query += " where likely is not null"
        found = {number: told for number, *told in connection.execute(query)}
    line = mean(abs(2 * calls / case.calls - 1) for case, calls in zip(cases, made, strict=True))
    off = [abs(found[number][0] / case.calls - 1) for number, case in enumerate(cases, 1)]
    held = [found[number][1] <= c.calls <= found[number][2] for number, c in enumerate(cases, 1)]
    return (
        f"{name + ', ' + noise + ' days':<28} {len(cases):6,} months   forecast off by"
        f" {mean(off) * 100:5.1f} %, straight line {line * 100:5.1f} %, held {mean(held) * 100:.0f}"
    )


def accuracy(place: Ground, data: Path | None) -> Iterable[str]:
    rng = random.Random(11)
    sets = {"steady": [steady(rng.randint(1000, 10**6), rng) for _ in range(3000)]}
    if data:
        sets |= {"2017": [*of_2017(data)] * 50, "npm": [*of_npm(data, rng)]}
    return [errors(place, name, cases, noise) for name, cases in sets.items() for noise in NOISE]


def cost(place: Ground, customers: int, runs: int) -> Iterator[str]:
    seconds = defaultdict[str, list[float]](list)
    for _ in range(runs):
        with place.clone() as url, psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "insert into usages (customer_id, year, month, api_usage, updated_at)"
                " select id, 2026, 11, (random() * 1500)::bigint, %s from customers",
                (MIDDLE,),
            )
            connection.execute("vacuum analyze")
            began = time.perf_counter()
            connection.execute(FLOOR.encode())
            seconds["floor"].append(time.perf_counter() - began)
            for name in ("first", "again"):
                seconds[name].append(asyncio.run(_look(url)))
    yield report("floor: the same figures", seconds["floor"], unit=customers)
    yield report("alerts of all", seconds["first"], seconds["floor"], customers)
    yield report("again, nothing new", seconds["again"], seconds["floor"], customers)


async def _look(url: str) -> float:
    db = Database(url)
    began = time.perf_counter()
    async with db.long_transaction() as session:
        context, after = await system_context(session, MIDDLE, Source.CLOCK), 0
        while ids := await customers_with_usage(session, context, after, LOOKED_AT_ONCE):
            await raise_alerts(session, context, ids)
            after = ids[-1]
    took = time.perf_counter() - began
    await db.close()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    with ground(options.customers) as place:
        lines = [*accuracy(place, options.data), *cost(place, options.customers, options.runs)]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
