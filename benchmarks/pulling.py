"""A month pulled out of DuckDB, beside Arrow, COPY, the same checks and the same upsert in raw SQL.

    python -m benchmarks.pulling [--customers 1000000] [--events 100000000] [--runs 1]

The events are a Parquet file that DuckDB makes; the month is one of which nothing is recorded. What
DuckDB takes to add them up is measured by itself, and taken off both. Then the same month again, of
which nothing has changed, and `import usage` of a file of the same rows. All in this process, from
the question to the commit; `peak` is of `countersign sources pull` in a process of its own.

Last figures, nothing else running:

    1,000,000 customers
    100,000,000 events added up by DuckDB           14.43 s
    floor beyond that                               21.24 s     47,078/s
    pull beyond that                                27.31 s     36,615/s   x1.29 of the floor
    the same again, beside the first                 6.98 s    143,345/s   x0.26
    import usage, beside the pull                   26.88 s     37,202/s   x0.98
    sources pull, peak, DuckDB in it                350.2 MB    242.9 MB of 10,000 customers
    sources pull, peak, PostgreSQL apart             89.9 MB     85.3 MB of 10,000 customers

The first peak has DuckDB in it, which on two processors gets one thread, and alone takes 114 MB to
add up for 10,000 customers and 215 MB for a million, of 20 million events or of 100 million; with
two threads it takes 120, 328 and 338 MB. A `memory_limit` of 150 MB takes twice the processor time
and saves nothing.
"""

import argparse
import asyncio
import io
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import duckdb
import psycopg
import pyarrow as pa
from pyarrow import csv

from benchmarks.ground import Ground, ground, report
from benchmarks.memory import peak_of
from bot.warehouse.engines import DUCKDB_LIMITS
from bot.warehouse.pulling import pull
from models.actions.keep_books import import_book
from models.context import Context, Source
from models.db.database import Database
from models.db.embedded import EmbeddedPostgres
from models.imports.books import Book
from models.people.users import system_user
from models.period import Period
from models.usage.sources import set_source

T = TypeVar("T")

JULY = Period(2026, 7)
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)

EVENTS = """
copy (
    select 'customer ' || (1 + hash(i) % {customers}) as customer,
           timestamptz '2026-07-01 00:00:00+00' + (i % 2678400) * interval '1 second' as happened,
           1 + i % 9 as calls
    from range({events}) as t (i)
    union all
    select 'customer ' || i, timestamptz '2026-07-01 00:00:00+00', 0
    from range(1, {customers} + 1) as t (i)
) to '{file}' (format parquet)
"""
QUERY = """
select customer, cast(sum(calls) as bigint) as calls from {events}
where happened >= {start} and happened < {end}
group by customer
"""
ROWS = """
create table events as
select 'customer ' || i as customer, timestamptz '2026-07-01 00:00:00+00' as happened, i as calls
from generate_series(1, {customers}) i
"""
EDGES = {
    "start": "timestamptz '2026-07-01 00:00:00+00'",
    "end": "timestamptz '2026-08-01 00:00:00+00'",
}

STAGED = """
create temp table staged (line bigint, customer text, calls text,
    name_key text generated always as (name_key(customer)) stored)
"""
CHECK = """
create temp table ready on commit drop as
select s.line, s.customer, s.calls::bigint as calls, s.name_key,
       coalesce(merged.merged_into_id, cn.customer_id) as customer_id
from staged s
left join customer_names cn on cn.name_key = s.name_key
left join customers merged on merged.id = cn.customer_id and merged.merged_into_id is not null
"""
FAULTS = """
select (select count(*) from ready where calls is null or calls < 0),
       (select count(*) from (select from ready group by customer_id, name_key
                              having count(*) > 1) twice),
       (select count(*) from ready where customer_id is null),
       (select count(*) from (
            select * from customers c
            where not exists (select from ready r where r.customer_id = c.id) offset 0) c
        cross join lateral contract_days(c.id, start_date, end_date, '2026-07-01', '2026-07-31') d
        where d.days > 0)
"""
UPSERT = """
with different as materialized (
    select r.customer_id, r.calls, u.id as usage_id, u.api_usage as before
    from ready r
    left join usages u on u.customer_id = r.customer_id and u.year = 2026 and u.month = 7
    where r.customer_id is not null and (u.id is null or u.api_usage <> r.calls)
), changed as (
    update usages u set api_usage = d.calls, updated_at = now() from different d
    where u.id = d.usage_id
), recorded as (
    insert into usage_changes
        (usage_id, old_api_usage, new_api_usage, changed_by, changed_at, source)
    select usage_id, before, calls, 1, now(), 'cli' from different where usage_id is not null
)
insert into usages (customer_id, year, month, api_usage, recorded_by, recorded_at, recorded_from)
select customer_id, 2026, 7, calls, 1, now(), 'cli' from different where usage_id is null
order by customer_id
"""


def add_up(query: str) -> float:
    """Seconds until DuckDB has told all of its sums, which nobody keeps."""
    began = time.perf_counter()
    for _ in duckdb.connect(config=DUCKDB_LIMITS).sql(query).to_arrow_reader(50_000):
        pass
    return time.perf_counter() - began


def by_hand(url: str, query: str) -> float:
    """The floor: Arrow as CSV, COPY, checks and upsert, committed."""
    began = time.perf_counter()
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("set local work_mem = '64MB'")
        cursor.execute(STAGED)
        with cursor.copy("copy staged (line, customer, calls) from stdin (format csv)") as copy:
            for batch in _numbered(query):
                copy.write(batch)
        cursor.execute("analyze staged")
        cursor.execute("lock table usages in share row exclusive mode")
        cursor.execute(CHECK)
        cursor.execute("analyze ready")
        cursor.execute(FAULTS)
        assert (cursor.fetchone() or ())[:3] == (0, 0, 0)
        cursor.execute(UPSERT)
        cursor.execute("analyze usages")
    return time.perf_counter() - began


def _numbered(query: str) -> Iterator[bytes]:
    first = 1
    for batch in duckdb.connect(config=DUCKDB_LIMITS).sql(query).to_arrow_reader(50_000):
        lines = pa.array(range(first, first + batch.num_rows))
        first += batch.num_rows
        out = io.BytesIO()
        numbered = pa.RecordBatch.from_arrays([lines, *batch.columns], ["0", "1", "2"])
        csv.write_csv(numbered, out, csv.WriteOptions(include_header=False))
        yield out.getvalue()


async def by_pull(url: str, query: str, times: int, engine: str = "duckdb://") -> list[float]:
    db, spent = Database(url), list[float]()
    async with db.transaction() as session:
        context = Context(await system_user(session), NOW, Source.CLI)
        source, _ = await set_source(session, "events", engine, query, context)
    for _ in range(times):
        began = time.perf_counter()
        await pull(db, source.id, JULY, context)
        spent.append(time.perf_counter() - began)
    await db.close()
    return spent


async def by_file(url: str, file: Path) -> float:
    db = Database(url)
    began = time.perf_counter()
    with file.open("rb") as rows:
        async with db.long_transaction() as session:
            context = Context(await system_user(session), NOW, Source.CLI)
            await import_book(session, Book.USAGE, rows, context)
    spent = time.perf_counter() - began
    await db.close()
    return spent


def _asked(events: str) -> str:
    return QUERY.format(events=events, start=":month_start", end=":month_end")


@contextmanager
def _server(customers: int) -> Iterator[str]:
    """The address of a PostgreSQL of its own that has an event of each customer."""
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        server = EmbeddedPostgres(Path(folder))
        try:
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute(ROWS.format(customers=customers).encode())
            yield server.url()
        finally:
            server.stop()


@contextmanager
def _events(customers: int, events: int) -> Iterator[tuple[str, str, Path]]:
    """Two wordings of the query, ours with literals and the source's, and its answer as a file."""
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        file, usage = Path(folder, "events.parquet"), Path(folder, "usage.csv")
        duckdb.sql(EVENTS.format(customers=customers, events=events, file=file))
        query = QUERY.format(events=f"'{file}'", **EDGES)
        duckdb.sql(
            f"copy (select customer, 2026 as year, 7 as month, calls as api_usage from ({query}))"
            f" to '{usage}' (header)"
        )
        yield query, _asked(f"'{file}'"), usage


def measure(place: Ground, customers: int, events: int, runs: int) -> Iterator[str]:
    """A line as soon as its figures are there: at a million customers that takes its time."""
    sums, floors, first, again, files = (list[float]() for _ in range(5))
    with _events(customers, events) as (query, asked, usage):
        for _ in range(runs):
            sums.append(add_up(query))
            floors.append(_fresh(place, lambda url: by_hand(url, query)) - sums[-1])
            one, two = _fresh(place, lambda url: asyncio.run(by_pull(url, asked, 2)))
            first.append(one - sums[-1])
            again.append(two - sums[-1])
        yield report(f"{events:,} events added up by DuckDB", sums)
        yield report("floor beyond that", floors, unit=customers)
        yield report("pull beyond that", first, floors, customers)
        yield report("the same again, beside the first", again, first, customers)
        for _ in range(runs):
            files.append(_fresh(place, lambda url: asyncio.run(by_file(url, usage))))
        yield report("import usage, beside the pull", files, first, customers)
        yield _told(
            "sources pull, peak, DuckDB in it", _fresh(place, lambda url: _peak(url, asked))
        )
    with _server(customers) as server:
        peak = _fresh(place, lambda url: _peak(url, _asked("events"), server))
        yield _told("sources pull, peak, PostgreSQL apart", peak)


def _told(name: str, megabytes: float) -> str:
    return f"{name:<44} {megabytes:8.1f} MB"


def _fresh(place: Ground, do: Callable[[str], T]) -> T:
    with place.clone() as url:
        return do(url)


def _peak(url: str, query: str, engine: str = "duckdb://") -> float:
    asyncio.run(by_pull(url, query, 0, engine))
    return peak_of(url, "sources", "pull", "events", str(JULY))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=100_000_000)
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    with ground(options.customers) as place:
        sys.stdout.write(f"{options.customers:,} customers\n")
        for line in measure(place, options.customers, options.events, options.runs):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
