"""What the benchmarks stand on: a PostgreSQL of their own, databases cloned from a seeded one."""

import argparse
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psycopg

from benchmarks.cost import Meter
from models.db.embedded import EmbeddedPostgres
from models.db.migrate import migrate

SEED = """
insert into users (name, role, slack_user_id)
select 'csm ' || i, 'Customer Success', 'U' || i from generate_series(1, 250) i;
insert into customers (name, csm_id, monthly_api_limit, overage_unit_cost, start_date)
select 'customer ' || i, (select min(id) from users where role is not null) + i % 250,
       1000, 0.001, '2020-01-01'
from generate_series(1, {customers}) i;
insert into usages (customer_id, year, month, api_usage)
select c.id, 2026, month, (random() * 2500)::bigint
from customers c, generate_series(8, 10) month;
"""


class Ground:
    """One server; `seeded` is the database that every measured run gets a clone of."""

    def __init__(self, folder: Path, customers: int) -> None:
        self._server = EmbeddedPostgres(folder)
        self.meter = Meter(folder / "postgres")
        self._names = (f"run_{number}" for number in itertools.count())
        self._admin = psycopg.connect(self._server.url(), autocommit=True)
        self._admin.execute("create database seeded")
        migrate(self._server.url("seeded"))
        with psycopg.connect(self._server.url("seeded"), autocommit=True) as connection:
            connection.execute(SEED.format(customers=customers).encode())
            connection.execute("vacuum analyze")

    @contextmanager
    def clone(self) -> Iterator[str]:
        """The address of a fresh copy of the seeded database."""
        name = next(self._names)
        self._admin.execute(f"create database {name} template seeded strategy file_copy".encode())
        yield self._server.url(name)
        self._admin.execute(f"drop database {name} with (force)".encode())

    def close(self) -> None:
        self._admin.close()
        self._server.stop()


@contextmanager
def ground(customers: int) -> Iterator[Ground]:
    folder = Path(tempfile.mkdtemp(prefix="countersign-bench-"))
    opened = Ground(folder, customers)
    try:
        yield opened
    finally:
        opened.close()
        shutil.rmtree(folder, ignore_errors=True)


class Spent(NamedTuple):
    """Seconds: on the clock, and of CPU, ours and the server's."""

    wall: float
    cpu: float

    @classmethod
    def of(cls, parts: Iterable["Spent"]) -> "Spent":
        parts = list(parts)
        return cls(sum(one.wall for one in parts), sum(one.cpu for one in parts))


class Stopwatch:
    """Takes the time of a block on one database, which `connection` leads to."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self.spent = Spent(0, 0)

    def __enter__(self) -> "Stopwatch":
        self._before = self._servers()
        self._began = Spent(time.perf_counter(), time.process_time())
        return self

    def __exit__(self, *_: object) -> None:
        wall, cpu = time.perf_counter() - self._began.wall, time.process_time() - self._began.cpu
        after = self._servers()
        cpu += sum(seconds - self._before.get(pid, 0) for pid, seconds in after.items())
        self.spent = Spent(wall, cpu)

    def _servers(self) -> dict[int, float]:
        """CPU seconds of the processes that serve this database; none but on Linux."""
        found = self._connection.execute(BACKENDS).fetchall()
        self._connection.commit()
        stats = {pid: Path(f"/proc/{pid}/stat") for (pid,) in found}
        return {pid: _cpu_s(path) for pid, path in stats.items() if path.exists()}


BACKENDS = "select pid from pg_stat_activity where datname = current_database()"


def _cpu_s(stat: Path) -> float:
    """User and system time, the 14th and 15th field, counted after the name in brackets."""
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(about: str | None, customers: int, measure: Callable[[Ground, int], list[str]]) -> None:
    """The command line of a benchmark: so many customers and runs, a line for each figure."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--customers", type=int, default=customers)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with ground(options.customers) as place:
        lines = measure(place, options.runs)
    sys.stdout.write("\n".join(lines) + "\n")


def report(name: str, seconds: list[float], floor: list[float] | None = None, unit: int = 0) -> str:
    """One line: the median, units a second, and the ratio to the floor run by run."""
    line = f"{name:<44} {median(seconds):8.2f} s"
    if unit:
        line += f" {unit / median(seconds):10,.0f}/s"
    if floor:
        ratios = [mine / theirs for mine, theirs in zip(seconds, floor, strict=True)]
        line += f"   x{median(ratios):.2f} of the floor ({min(ratios):.2f}-{max(ratios):.2f})"
    return line


def report_spent(
    name: str, spent: Sequence[Spent], floor: Sequence[Spent] | None = None, unit: int = 0
) -> str:
    """The same with the CPU of one unit, and its ratio to the floor's."""
    wall = report(name, [s.wall for s in spent], [f.wall for f in floor or ()], unit)
    cpu = median(s.cpu for s in spent)
    line = f"{wall}   CPU {cpu * 1000 / (unit or 1):.2f} ms"
    if floor:
        line += f", x{median(s.cpu / f.cpu for s, f in zip(spent, floor, strict=True)):.2f}"
    return line
