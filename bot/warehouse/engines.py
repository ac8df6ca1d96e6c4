"""How each engine is connected to, told its limits, and read."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from bot.warehouse.errors import WarehouseFailed
from models.db.database import NOTICED_WHEN_GONE
from models.db.role import SERVER_AND_ROLE
from models.imports.pulled_rows import CHUNK_ROWS, Chunk, ListedRows
from models.late import Late

if TYPE_CHECKING:
    from bot.warehouse import arrow_rows
else:
    arrow_rows = Late("bot.warehouse.arrow_rows")

Answered = tuple[Sequence[str], Iterator[Chunk]]
"""The names of the columns, and the rows."""

ARROW_ROWS = 50_000


@dataclass(frozen=True)
class Limits:
    """For how long an engine may work on a query, and in which folders an embedded one may read
    files; None: wherever its user may. What it cannot hold in memory goes to `temp_folder`.
    """

    seconds: int
    temp_folder: str
    folders: Sequence[str] | None = None


def read_rows(connection: sa.Connection, query: str, limits: Limits) -> Answered:
    """Rows as any driver hands them out, some thousands at a time."""
    escaped = sa.text(query.replace(":", r"\:"))
    answer = connection.execution_options(stream_results=True).execute(escaped)
    return list(answer.keys()), map(ListedRows, answer.partitions(CHUNK_ROWS))


@dataclass(frozen=True)
class Engine:
    """An engine by its scheme.

    `instant` is the format of a literal for a moment in UTC. `prepare` makes of connect arguments
    those that keep to the limits; `session` are statements that do. `version` asks for it, and
    `role` for the server and the role that a connection has, where it can be Countersign's own.
    """

    instant: str
    prepare: Callable[[sa.URL, Mapping[str, Any], Limits], dict[str, Any]]
    session: Callable[[sa.URL, Limits], Sequence[str]] = lambda url, limits: ()
    version: str = "select version()"
    role: str = ""
    read: Callable[[sa.Connection, str, Limits], Answered] = read_rows

    def literal(self, moment: datetime) -> str:
        return self.instant.format(f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}")


def _read_duckdb(connection: sa.Connection, query: str, limits: Limits) -> Answered:
    driver: Any = connection.connection.driver_connection
    if len(driver.extract_statements(query)) > 1:
        raise WarehouseFailed("The query holds several statements, and one is asked for.")
    reader = driver.sql(query).to_arrow_reader(ARROW_ROWS)
    columns = reader.schema.names
    return columns, (arrow_rows.ArrowRows(batch, columns) for batch in reader)


_WIDE = re.compile(r"U?Int(128|256)\b")
_NARROW_SUM = re.compile(
    r"function_name: sum\w*, .*result_type: .*\b(U?Int64|Decimal\((\d|[12]\d|3[0-8]),)"
)
_AS_THE_STANDARD = {"join_use_nulls": 1, "aggregate_functions_null_for_empty": 1}
"""What a join does not find, and a sum of nothing, are null and not 0."""

NARROW_SUM = (
    "ClickHouse lets sums of 64 bits and of decimals run over without a word. Widen what is added"
    " up, as in sum(toInt256(calls))."
)


class NarrowSum(ValueError):
    """A sum that may have run over."""


def _read_clickhouse(connection: sa.Connection, query: str, limits: Limits) -> Answered:
    # With each query, since in-process they are not taken with the connection.
    limited = {
        "max_execution_time": limits.seconds,
        "session_timezone": "UTC",
        **_AS_THE_STANDARD,
    }
    client: Any = connection.connection.driver_connection.client  # type: ignore[union-attr]
    _refuse_in_process(client, limits)
    described = client.query(f"describe table ({query})", settings=limited)
    types = {row[0]: row[1] for row in described.result_rows}
    # Wherever it stands: made wide afterwards, it may have run over all the same.
    tree = client.query(f"explain query tree {query}", settings=limited)
    if any(_NARROW_SUM.search(node) for (node,) in tree.result_rows):
        raise NarrowSum(NARROW_SUM)
    selected = ", ".join(
        f"toDecimal256(`{name}`, 0) as `{name}`" if _WIDE.search(kind) else f"`{name}`"
        for name, kind in types.items()
    )

    def chunks() -> Iterator[Chunk]:
        whole = f"select {selected} from ({query})"
        with client.query_arrow_stream(whole, settings=limited) as batches:
            for batch in batches:
                yield arrow_rows.ArrowRows(batch, list(types))

    return list(types), chunks()


def _refuse_in_process(client: Any, limits: Limits) -> None:
    """It reads whatever this process may, and cannot be told otherwise."""
    if limits.folders is not None and "chdb" in type(client).__module__:
        raise WarehouseFailed(
            "ClickHouse without a server reads any file of this machine. It is asked by the command"
            " line alone, where WAREHOUSE_FILES is not set."
        )


DUCKDB_LIMITS = {"memory_limit": "1GB", "threads": max(1, (os.cpu_count() or 1) - 1)}
"""In the process that answers people: by itself DuckDB takes all processors, and most memory."""

_HARMLESS = frozenset({"memory_limit", "preserve_insertion_order", "threads"})
"""What DuckDB may be told by others than the command line: other options lead to files, or to
extensions, which are programs.
"""


def _duckdb(url: sa.URL, given: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    if "database" in given:
        raise WarehouseFailed("DuckDB’s database stands in the address, not in the arguments.")
    if limits.folders is not None:
        _refuse_options({*given} - {"config", "read_only"})
        _refuse_options({*url.query, *given.get("config", {})} - _HARMLESS)
        if file := _file_of(url):
            _refuse_outside(file, limits.folders)
    config = DUCKDB_LIMITS | {"temp_directory": limits.temp_folder} | given.get("config", {})
    return {**given, "database": ":memory:", "config": config, "read_only": False}


def _file_of(url: sa.URL) -> str | None:
    return None if url.database in (None, "", ":memory:") else url.database


def _refuse_options(names: Iterable[str]) -> None:
    for name in sorted(names):
        raise WarehouseFailed(
            f"DuckDB is told {', '.join(sorted(_HARMLESS))} here, and no {name}: that could lead"
            " out of the folders that WAREHOUSE_FILES names."
        )


def _refuse_outside(file: str, folders: Sequence[str]) -> None:
    """What a file is, and whether it is there at all, is nothing for whoever writes an address."""
    place = Path(file).resolve()
    if not any(place.is_relative_to(Path(folder).resolve()) for folder in folders):
        raise WarehouseFailed(
            f"The file “{file}” lies in none of the folders that WAREHOUSE_FILES names."
        )


def _duckdb_session(url: sa.URL, limits: Limits) -> Sequence[str]:
    return (
        *_attached(_file_of(url)),
        "set TimeZone = 'UTC'",
        "set enable_progress_bar = false",
        f"set max_execution_time = {limits.seconds * 1000}",
        *_only_in(limits.folders),
        "set lock_configuration = true",
    )


def _attached(file: str | None) -> Iterator[str]:
    """A file is one database to all of a process that open it, locked options and all, unless each
    attaches it to a database of its own.
    """
    if file is None:
        return
    name = Path(file).stem.replace('"', '""')
    yield f"""attach '{file.replace("'", "''")}' as "{name}" (read_only)"""
    yield f'use "{name}"'


def _only_in(folders: Sequence[str] | None) -> Iterator[str]:
    """A query can read files, and not all of the machine's are for whoever writes one."""
    if folders is None:
        return
    listed = ", ".join("'" + one.rstrip("/").replace("'", "''") + "/'" for one in folders)
    yield f"set allowed_directories = [{listed}]"
    yield "set enable_external_access = false"


def _postgresql(url: sa.URL, given: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    asked = [str(given.get("options", "")), str(url.query.get("options", ""))]
    kept = (
        "-c default_transaction_read_only=on -c TimeZone=UTC -c application_name=countersign"
        f" -c statement_timeout={limits.seconds * 1000}"
    )
    options = " ".join([*filter(None, asked), kept])
    # Without one libpq sends what PGPASSWORD says, which is for our own server, to any other.
    is_named = url.password or "password" in url.query
    password = {} if is_named else {"password": ""}
    return {"connect_timeout": 30, **NOTICED_WHEN_GONE, **password, **given, "options": options}


def _trino(url: sa.URL, given: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    properties = {"query_max_run_time": f"{limits.seconds}s"}
    asked = given.get("session_properties", {})
    return {"timezone": "UTC", **given, "session_properties": {**properties, **asked}}


def _as_given(url: sa.URL, given: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    return dict(given)


_TIMESTAMPTZ = "timestamptz '{}+00'"


def _read_hive(connection: sa.Connection, query: str, limits: Limits) -> Answered:
    """PyHive 0.7.0 hands out days as texts; only its description knows of which columns."""
    escaped = sa.text(query.replace(":", r"\:"))
    answer = connection.execution_options(stream_results=True).execute(escaped)
    cursor: Any = answer.cursor
    days = [place for place, column in enumerate(cursor.description) if column[1] == "DATE_TYPE"]
    parts = answer.partitions(CHUNK_ROWS)
    return list(answer.keys()), (ListedRows([_dated(row, days) for row in rows]) for rows in parts)


def _dated(row: Sequence[Any], days: Sequence[int]) -> Sequence[Any]:
    values = list(row)
    for place in days:
        values[place] = None if values[place] is None else date.fromisoformat(values[place])
    return values


_IN_UTC_SESSION = "timestamp '{}'"

ENGINES = {
    "duckdb": Engine(
        _TIMESTAMPTZ,
        _duckdb,
        _duckdb_session,
        read=_read_duckdb,
    ),
    "postgresql": Engine(
        _TIMESTAMPTZ,
        _postgresql,
        version="show server_version",
        role=SERVER_AND_ROLE,
    ),
    "clickhousedb": Engine(
        "toDateTime64('{}', 6, 'UTC')",
        _as_given,
        read=_read_clickhouse,
    ),
    "hive": Engine(
        _IN_UTC_SESSION,
        _as_given,
        lambda url, limits: (
            "set spark.sql.session.timeZone = UTC",
            "set spark.sql.ansi.enabled = true",
        ),
        read=_read_hive,
    ),
    "snowflake": Engine(
        "to_timestamp_tz('{} +0000', 'YYYY-MM-DD HH24:MI:SS TZHTZM')",
        _as_given,
        lambda url, limits: (
            "alter session set timezone = 'UTC'",
            f"alter session set statement_timeout_in_seconds = {limits.seconds}",
        ),
        "select current_version()",
    ),
    "bigquery": Engine("timestamp '{}+00'", _as_given, version=""),
    "trino": Engine("timestamp '{} UTC'", _trino),
    "databricks": Engine(
        "timestamp '{}Z'",
        _as_given,
        lambda url, limits: ("set time zone 'UTC'", f"set statement_timeout = {limits.seconds}"),
        "select current_version().dbsql_version",
    ),
}

OLDEST = {"snowflake": ("snowflake-sqlalchemy", 2)}
"""Packages of which an older one computes wrongly."""


def is_too_old(scheme: str) -> bool:
    if scheme not in OLDEST:
        return False
    package, oldest = OLDEST[scheme]
    return int(metadata.version(package).partition(".")[0]) < oldest
