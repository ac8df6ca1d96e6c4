"""Real engines, each asked the same awkward values: what comes of them, and what is refused.

ClickHouse runs in this process, with one path for all of its life; nothing forks meanwhile.
"""

import asyncio
import importlib.util
import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from zoneinfo import ZoneInfo

import duckdb
import pytest
import sqlalchemy as sa

from bot.warehouse.asking import asked
from bot.warehouse.engines import ENGINES, Limits, is_too_old
from bot.warehouse.errors import WarehouseFailed
from models.context import Context, Source
from models.imports.csv_columns import UNREADABLE
from models.people.users import User
from models.period import Period
from models.settings import BillingSettings
from models.usage.drivers import DRIVERS
from models.usage.pulls import Asking
from models.usage.source_address import engine_of
from models.usage.sources import UsageSource

MOST = 2**63 - 1


@dataclass(frozen=True)
class Warehouse:
    """An engine, and how it writes what others write otherwise."""

    url: str
    words: dict[str, str] = field(default_factory=dict)

    @property
    def engine(self) -> str:
        return engine_of(self.url)

    def of(self, expression: str) -> str:
        """An expression with this engine's words in the place of those of PostgreSQL."""
        for word, own in self.words.items():
            expression = expression.replace(word, own)
        return expression


CLICKHOUSE = {
    "sum(x::numeric)": "sum(toInt256(x))",
    "::numeric(10,2)": "::Decimal(10, 2)",
    "::numeric": "::Decimal(76, 0)",
    "::bigint": "::Int64",
    "::float8": "::Float64",
    "::date": "::Date",
    "null": "cast(null as Nullable(Int64))",
    "from (values (9223372036854775807), (9223372036854775807)) v (x)": "from"
    " (select arrayJoin([9223372036854775807, 9223372036854775807]) as x)",
    "from (values (1)) v (x) where x > 1": "from (select 1 as x) where x > 1",
}
DUCKDB = {"::numeric(10,2)": "::decimal(10,2)", "::numeric": "::decimal(38,0)"}
SPARK = {
    "::numeric(10,2)": "::decimal(10,2)",
    "::numeric": "::decimal(38,0)",
    "::float8": "::double",
    "v (x)": "as v (x)",
    "null": "cast(null as bigint)",
}
FAILING = {
    "hive": "raise_error('boom')",
    "duckdb": "error('boom')",
    "clickhousedb": "throwIf(number = 3) from numbers(10)",
    "postgresql": "1 / (random() * 0)::int",
}


SPARK_URL = os.environ.get("SPARK_URL")
"""The Thrift server of a cluster, which is too heavy to be started for every run: `make spark`."""


@pytest.fixture(params=["duckdb", "postgresql", "clickhouse", *(["spark"] if SPARK_URL else [])])
def warehouse(request: pytest.FixtureRequest) -> Warehouse:
    if request.param == "spark":
        return Warehouse(SPARK_URL, SPARK)
    if request.param == "duckdb":
        return Warehouse("duckdb://", DUCKDB)
    if request.param == "clickhouse":
        return Warehouse("clickhousedb:///?interface=chdb", CLICKHOUSE)
    return Warehouse(request.getfixturevalue("database_url"))


async def ask(
    warehouse: Warehouse,
    query: str,
    zone: str = "UTC",
    month: str = "2026-10",
    minutes: float = 1,
    *,
    folders: tuple[str, ...] | None = None,
    args: dict[str, object] | None = None,
) -> list[list[str]]:
    """The rows as they are staged, without their numbers."""
    source = UsageSource(name="events", url=warehouse.url, query=query, connect_args=args or {})
    settings = BillingSettings(zone=ZoneInfo(zone), pull_minutes=minutes, warehouse_files=folders)
    context = Context(User(name="system"), datetime(2026, 11, 2, tzinfo=UTC), Source.CLI, settings)
    async with asked(Asking(source, Period.parse(month), context)) as rows:
        batches = [batch async for batch in rows.stream([])]
    lines = b"".join(batches).decode().splitlines()
    return [[value.strip('"') for value in line.split(",", 2)[1:]] for line in lines]


def selecting(calls: str, customer: str = "'Acme'", rest: str = "") -> str:
    return (
        f"select {customer} as customer, {calls} as Calls {rest or ''}"
        f"{' where ' if ' where ' not in rest else ' and '} :month_start < :month_end"
    )


TAKEN = {
    "a whole number": ("5::bigint", "5"),
    "none at all": ("0", "0"),
    "a decimal without a fraction": ("7.00::numeric(10,2)", "7"),
    "as many as can be kept": (f"{MOST}::bigint", str(MOST)),
}
REFUSED = {
    "one more": (f"{MOST}::numeric + 1", "is more than 9,223,372,036,854,775,807 calls"),
    "a part": ("7.5::numeric(10,2)", "is a part of a call"),
    "a float, though it looks whole": ("7::float8", "is a float, which is not exact; write cast"),
    "a text": ("'7'", "is a text and no number"),
    "true": ("true", "is true or false and no number"),
    "not a number": ("'NaN'::float8", "is a float"),
    "a negative number": ("-5::bigint", "is negative"),
}


@pytest.mark.parametrize("value", TAKEN)
async def test_whole_numbers_are_taken_in_exactly(warehouse: Warehouse, value: str) -> None:
    calls, expected = TAKEN[value]
    assert await ask(warehouse, selecting(warehouse.of(calls))) == [["Acme", expected]]


@pytest.mark.parametrize("value", REFUSED)
async def test_what_is_no_number_of_calls_is_refused_by_type(
    warehouse: Warehouse, value: str
) -> None:
    calls, reason = REFUSED[value]
    [[_, told]] = await ask(warehouse, selecting(warehouse.of(calls)))
    assert told.startswith(f"{UNREADABLE}“")
    assert reason in told


async def test_nothing_is_not_none(warehouse: Warehouse) -> None:
    assert await ask(warehouse, selecting(warehouse.of("null"))) == [["Acme", ""]]
    nobody = warehouse.of("from (values (1)) v (x) where x > 1")
    assert await ask(warehouse, selecting("1", rest=nobody)) == []


async def test_a_sum_beyond_what_can_be_kept_is_not_cut(warehouse: Warehouse) -> None:
    rest = warehouse.of("from (values (9223372036854775807), (9223372036854775807)) v (x)")
    [[_, told]] = await ask(warehouse, selecting(warehouse.of("sum(x::numeric)"), rest=rest))
    assert told.startswith(f"{UNREADABLE}“{2 * MOST}” is more than")


MANY = {
    "duckdb": "from range(1000000) t (n)",
    "clickhousedb": "from (select number as n from numbers(1000000))",
    "hive": "from (select id as n from range(0, 1000000, 1, 2))",
    "postgresql": "from generate_series(0, 999999) t (n)",
}


async def test_events_are_added_up_where_they_are(warehouse: Warehouse) -> None:
    rest = MANY[warehouse.engine]
    query = selecting("count(*)", "case when n % 4 = 0 then 'Acme' else 'Beta' end", rest)
    counted = sorted(await ask(warehouse, f"{query} group by 1"))
    assert counted == [["Acme", "250000"], ["Beta", "750000"]]


async def test_names_are_told_as_they_are(warehouse: Warehouse) -> None:
    forms = ("Café", "Cafe\u0301", "caf\u00e9 & 'Söhne'", 'a "b" %s :x', "  ", "😀")
    for name in forms:
        quote = "\\'" if warehouse.engine == "hive" else "''"
        literal = "'" + name.replace("'", quote) + "'"
        [[told, calls]] = [
            [row[0].replace('""', '"'), row[1]]
            for row in await ask(warehouse, selecting("1", literal))
        ]
        assert (told, calls) == (name, "1")


ZONES = [
    ("UTC", "2026-10", "2026-10-01 00:00:00", "2026-11-01 00:00:00"),
    ("America/Los_Angeles", "2026-10", "2026-10-01 07:00:00", "2026-11-01 07:00:00"),
    ("Pacific/Kiritimati", "2026-10", "2026-09-30 10:00:00", "2026-10-31 10:00:00"),
    ("Europe/Zurich", "2026-10", "2026-09-30 22:00:00", "2026-10-31 23:00:00"),
    ("America/Havana", "2025-11", "2025-11-01 04:00:00", "2025-12-01 05:00:00"),
]


@pytest.mark.parametrize(("zone", "month", "start", "end"), ZONES)
async def test_a_month_begins_and_ends_as_the_company_counts(
    warehouse: Warehouse, zone: str, month: str, start: str, end: str
) -> None:
    instant: Callable[[str], str] = "timestamptz '{}+00'".format
    if warehouse.engine == "clickhousedb":
        instant = "toDateTime64('{}', 6, 'UTC')".format
    if warehouse.engine == "hive":
        instant = "timestamp '{}Z'".format
    exact = f":month_start = {instant(start)} and :month_end = {instant(end)}"
    query = f"select 'Acme' as customer, 1 as calls where {exact}"
    assert await ask(warehouse, query, zone, month) == [["Acme", "1"]]


async def test_days_are_dates(warehouse: Warehouse) -> None:
    day = warehouse.of(", '2026-10-03'::date as Day")
    assert await ask(warehouse, selecting("1", rest=day)) == [["Acme", "1,2026-10-03"]]
    [[_, told]] = await ask(warehouse, selecting("1", rest=", '2026-10-03' as day"))
    assert "is no date; write cast(... as date)" in told


async def test_after_an_error_the_next_query_is_answered_rightly(warehouse: Warehouse) -> None:
    failing = FAILING[warehouse.engine]
    with pytest.raises(WarehouseFailed, match="did not answer"):
        await ask(warehouse, selecting(failing))
    assert await ask(warehouse, selecting("1", "'Beta'")) == [["Beta", "1"]]


ENDLESS = {
    "duckdb": "select 'A' as customer, sum(a.x * b.x)::decimal(38, 0) as calls"
    " from range(10000000) a (x), range(100000) b (x) where :month_start < :month_end",
    "clickhousedb": "select 'A' as customer, sum(toInt256(number)) as calls"
    " from numbers(1000000000000) where :month_start < :month_end",
    "hive": "select 'A' as customer, sum(a.id * b.id)::decimal(38, 0) as calls"
    " from range(10000000) a, range(100000) b where :month_start < :month_end",
    "postgresql": "select 'A' as customer, 1 as calls from pg_sleep(60)"
    " where :month_start < :month_end",
}


async def test_an_engine_works_no_longer_than_it_may(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseFailed, match="did not answer"):
        await ask(warehouse, ENDLESS[warehouse.engine], minutes=1 / 60)


@pytest.mark.parametrize("engine", ["duckdb", "postgresql"])
async def test_whoever_stops_waiting_stops_the_engine(engine: str, database_url: str) -> None:
    url = "duckdb://" if engine == "duckdb" else database_url
    asking = asyncio.create_task(ask(Warehouse(url), ENDLESS[engine]))
    await asyncio.sleep(0.5)
    began = time.monotonic()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert time.monotonic() - began < 20


def test_a_server_that_is_gone_without_a_word_is_noticed() -> None:
    url = sa.make_url("postgresql://reader@warehouse/events")
    told = ENGINES["postgresql"].prepare(url, {"keepalives_idle": 7}, Limits(60, ""))
    assert [told[f"keepalives_{name}"] for name in ("idle", "interval", "count")] == [7, 5, 3]


def asks_for_a_password(listening: socket.socket, heard: list[bytes]) -> None:
    """A server that wants it in clear."""
    asked_by, _ = listening.accept()
    with asked_by:
        while asked_by.recv(int.from_bytes(asked_by.recv(4)) - 4)[:2] == b"\x04\xd2":
            asked_by.sendall(b"N")  # neither TLS nor GSSAPI
        asked_by.sendall(b"R\0\0\0\x08\0\0\0\x03")
        heard.append(asked_by.recv(1000))


async def test_no_server_is_sent_the_password_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "reading")
    for named, sent in (("", b""), (":${WAREHOUSE_PASSWORD}", b"p\0\0\0\x0creading\0")):
        heard: list[bytes] = []
        with socket.create_server(("127.0.0.1", 0)) as listening:
            server = Thread(target=asks_for_a_password, args=(listening, heard))
            server.start()
            port = listening.getsockname()[1]
            with pytest.raises(WarehouseFailed, match="did not answer"):
                await ask(Warehouse(f"postgresql://reader{named}@127.0.0.1:{port}/d"), "select 1")
            await asyncio.to_thread(server.join)
        assert heard == [sent]


async def test_a_query_can_write_nothing(database_url: str) -> None:
    with pytest.raises(WarehouseFailed, match="read-only transaction"):
        await ask(Warehouse(database_url), selecting("nextval('users_id_seq')"))


WAYS_OUT: dict[str, tuple[str, dict[str, object], str]] = {
    "a file": ("", {}, "from '{outside}/events.csv'"),
    "a database in the address": ("/{outside}/events.duckdb", {}, "from events"),
    "a database in the arguments": ("", {"database": "{outside}/events.duckdb"}, "from events"),
    "an option in the address": ("/:memory:?allow_unsigned_extensions=true", {}, ""),
    "an option": ("", {"config": {"custom_extension_repository": "{outside}"}}, ""),
    "an extension": ("", {"preload_extensions": ["httpfs"]}, ""),
}


@pytest.mark.parametrize("way", WAYS_OUT)
async def test_duckdb_stays_in_the_folders_that_are_set(tmp_path: Path, way: str) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    for folder in (inside, outside):
        (folder / "events.csv").write_text("customer,calls\nAcme,7\n", encoding="utf-8")
        with duckdb.connect(folder / "events.duckdb") as made:
            made.execute("create table events as select 'Acme' as customer, 7 as calls")
    place, args, rest = WAYS_OUT[way]

    async def asked_in(folder: Path) -> list[list[str]]:
        told = json.loads(json.dumps(args).replace("{outside}", str(folder)))
        query = selecting("7", rest=rest.format(outside=folder))
        url = f"duckdb://{place.format(outside=folder)}"
        return await ask(Warehouse(url), query, folders=(str(inside),), args=told)

    with pytest.raises(WarehouseFailed, match=r"WAREHOUSE_FILES|stands in the address"):
        await asked_in(outside)
    if not args and "?" not in place:
        assert await asked_in(inside) == [["Acme", "7"]]


async def test_duckdb_may_be_told_how_much_it_takes(tmp_path: Path) -> None:
    args: dict[str, object] = {"config": {"memory_limit": "200MB", "threads": 1}}
    told = await ask(Warehouse("duckdb://"), selecting("1"), folders=(str(tmp_path),), args=args)
    assert told == [["Acme", "1"]]


async def test_what_duckdb_cannot_hold_in_memory_is_kept_where_it_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".tmp").write_text("By itself DuckDB makes a folder of this name here.")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    names = "select i || ' is a long name of a customer' from range(1000000) t (i) group by 1"
    query = selecting(f"(select count(*) from ({names}))")
    args: dict[str, object] = {"config": {"memory_limit": "40MB", "threads": 1}}
    told = await ask(Warehouse("duckdb://"), query, folders=(str(tmp_path),), args=args)
    assert told == [["Acme", "1000000"]]
    assert list(temporary.iterdir()) == []


async def test_two_ask_one_file_at_once(tmp_path: Path) -> None:
    file = tmp_path / 'it\'s "events".duckdb'
    with duckdb.connect(file) as made:
        made.execute("create table events as select 'Acme' as customer, 7 as calls")
    one = Warehouse(f"duckdb:///{file}")
    query = selecting("calls", rest="from events")
    told = await asyncio.gather(*(ask(one, query, folders=(str(tmp_path),)) for _ in range(2)))
    assert told == [[["Acme", "7"]]] * 2


async def test_a_database_file_is_not_made_by_asking(tmp_path: Path) -> None:
    file = tmp_path / "events.duckdb"
    with pytest.raises(WarehouseFailed, match="does not exist"):
        await ask(Warehouse(f"duckdb:///{file}"), selecting("1"), args={"read_only": False})
    assert not file.exists()


async def test_duckdb_runs_one_statement_however_it_is_hidden(tmp_path: Path) -> None:
    written = tmp_path / "written.csv"
    for opened in ("/* /* */ ' */", "and 'x' <> E'\\' '"):
        hidden = (
            f"{selecting('1')} {opened} ) pulled; copy (select 1) to '{written}';"
            " select * from (select 'Acme' as customer, 2 as calls --'\n"
        )
        with pytest.raises(WarehouseFailed, match=r"several statements|syntax error"):
            await ask(Warehouse("duckdb://"), hidden)
    assert not written.exists()


async def test_clickhouse_without_a_server_reads_files_for_the_command_line_alone(
    tmp_path: Path,
) -> None:
    clickhouse = Warehouse("clickhousedb:///?interface=chdb")
    with pytest.raises(WarehouseFailed, match="reads any file of this machine"):
        await ask(clickhouse, selecting("1"), folders=(str(tmp_path),))
    assert await ask(clickhouse, selecting("1")) == [["Acme", "1"]]


MANY_CALLS = "from (select arrayJoin([9223372036854775807, 9223372036854775807, 5]) as x)"
NARROW = {
    "a sum": ("sum(x)", MANY_CALLS),
    "one made wide too late": ("toInt256(sum(x))", MANY_CALLS),
    "one further in": ("toInt256(s)", f"from (select sum(x) as s {MANY_CALLS})"),
    "one of decimals": ("sum(toDecimal128(x, 0))", MANY_CALLS),
    "one of some": ("toInt256(sumIf(x, x > 1))", MANY_CALLS),
}


@pytest.mark.parametrize("narrow", NARROW)
async def test_clickhouse_is_asked_for_sums_that_cannot_run_over(narrow: str) -> None:
    clickhouse = Warehouse("clickhousedb:///?interface=chdb")
    calls, rest = NARROW[narrow]
    with pytest.raises(WarehouseFailed, match="Widen what is added up"):
        await ask(clickhouse, selecting(calls, rest=rest))


@pytest.mark.parametrize("wide", ["count()", "sum(toInt256(1))", "max(toInt64(3))"])
async def test_clickhouse_is_asked_for_what_cannot_run_over(wide: str) -> None:
    clickhouse = Warehouse("clickhousedb:///?interface=chdb")
    assert await ask(clickhouse, selecting(wide, rest="from numbers(3)")) == [["Acme", "3"]]


async def test_what_clickhouse_does_not_find_is_not_none() -> None:
    clickhouse = Warehouse("clickhousedb:///?interface=chdb")
    missed = "from (select 1 as k) a left join (select 2 as k, 7 as x) b on a.k = b.k"
    assert await ask(clickhouse, selecting("b.x", rest=missed)) == [["Acme", ""]]
    nothing = "from numbers(0)"
    assert await ask(clickhouse, selecting("sum(toInt256(1))", rest=nothing)) == [["Acme", ""]]
    assert await ask(clickhouse, selecting("count()", rest=nothing)) == [["Acme", "0"]]


async def test_bytes_that_are_no_text_are_refused_by_their_row() -> None:
    clickhouse = Warehouse("clickhousedb:///?interface=chdb")
    assert await ask(clickhouse, selecting("1", "unhex('ff41')")) == []


ADDRESSES = {
    "duckdb": "duckdb://",
    "clickhousedb": "clickhousedb:///?interface=chdb",
    "hive": "hive://127.0.0.1:1/events",
    "snowflake": "snowflake://reader@account/events",
    "bigquery": "bigquery://project/events",
    "trino": "trino://reader@127.0.0.1:1/catalog",
    "databricks": "databricks://token:x@127.0.0.1:1?http_path=x&catalog=c&schema=s",
}
"""Of each engine whose driver is an extra."""


@pytest.mark.parametrize("engine", [name for name, one in DRIVERS.items() if one.extra])
async def test_a_driver_loads_or_is_named_where_it_is_missing(engine: str) -> None:
    """Those that are not among the tools' own are installed by whoever asks such an engine."""
    driver, address = DRIVERS[engine], ADDRESSES[engine]
    if importlib.util.find_spec(driver.package):
        dialect = sa.make_url(address).get_dialect()
        assert dialect.__module__.partition(".")[0] == driver.package
        return
    needed = rf"not installed. Install countersign\[{driver.extra}]"
    with pytest.raises(WarehouseFailed, match=needed):
        await ask(Warehouse(address), selecting("1"))


async def test_a_driver_of_an_old_release_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = tmp_path / "snowflake_sqlalchemy-1.11.0.dist-info"
    release.mkdir()
    (release / "METADATA").write_text("Name: snowflake-sqlalchemy\nVersion: 1.11.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert is_too_old("snowflake")
    (release / "METADATA").write_text("Name: snowflake-sqlalchemy\nVersion: 2.1.0\n")
    assert not is_too_old("snowflake")
    assert not is_too_old("trino")
