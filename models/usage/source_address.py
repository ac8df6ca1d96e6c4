"""The address of a source: an engine, and the names of settings in the place of all secrets."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from models.errors import Invalid

SETTING = re.compile(r"\$\{(\w*)\}")
MAX_ADDRESS_CHARS = 2_000
OF_WAREHOUSES = "WAREHOUSE_"
"""So begin the names of settings that a source may be sent: nobody gets our own secrets by it."""

ENGINES = {
    "duckdb": "DuckDB",
    "postgresql": "PostgreSQL",
    "clickhousedb": "ClickHouse",
    "hive": "Spark",
    "snowflake": "Snowflake",
    "bigquery": "BigQuery",
    "trino": "Trino",
    "databricks": "Databricks",
}
"""What each engine that can be asked is called, by the scheme of its addresses."""

REFUSED = {
    "duckdb+duckdb_engine": "duckdb-engine computes wrong sums; duckdb-sqlalchemy is used here",
    "clickhouse": "clickhouse-sqlalchemy does not work here; write clickhousedb:// instead",
    "spark": "Spark is asked through its Thrift server; write hive:// instead",
    "databricks+connector": "write databricks:// instead",
}

_SECRET_KEY = re.compile(r"pass|secret|token|credential|api_?key|private_?key|pwd", re.IGNORECASE)
_PLACE_KEY = re.compile(r"(_file|_path|url|uri)$", re.IGNORECASE)


def read_address(text: str) -> str:
    """Refuses what no engine here can be asked by, and a secret that stands there itself."""
    if len(text) > MAX_ADDRESS_CHARS:
        raise _refused(f"It is longer than {MAX_ADDRESS_CHARS:,} characters.")
    url, scheme = _parsed(text.strip()), engine_of(text.strip())
    for refused in (url.drivername, scheme):
        if refused in REFUSED:
            raise _refused(f"{REFUSED[refused]}.")
    if scheme not in ENGINES:
        raise _refused(f"There is no engine “{scheme}” here; there are {', '.join(ENGINES)}.")
    if url.password and SETTING.sub("", str(url.password)):
        raise _written_out("its password")
    refuse_secrets(url.query, "url")
    _refuse_others(names_of_settings(text), "url")
    return text.strip()


def engine_of(address: str) -> str:
    """The scheme of an address that was read, without the driver that may stand there."""
    return _parsed(address).drivername.partition("+")[0]


def read_connect_args(given: Any) -> dict[str, Any]:
    """What the driver is told besides: a JSON object, in whose texts settings are named too."""
    if not isinstance(given, dict):
        raise Invalid('Write a JSON object, as in {"warehouse": "BILLING"}.', "connect_args")
    refuse_secrets(given, "connect_args")
    _refuse_others(
        {name for text in _texts(given) for name in names_of_settings(text)}, "connect_args"
    )
    return given


def typed_connect_args(typed: str) -> dict[str, Any]:
    """The same as somebody types it; nothing is no argument."""
    try:
        given = json.loads(typed) if typed.strip() else {}
    except (ValueError, RecursionError):
        given = None
    return read_connect_args(given)


def refuse_secrets(given: Any, field: str, key: str = "") -> None:
    """Refuse a text under a name that secrets have, unless it names settings alone."""
    if isinstance(given, Mapping):
        for name, value in given.items():
            refuse_secrets(value, field, str(name))
    elif isinstance(given, list | tuple):
        for value in given:
            refuse_secrets(value, field, key)
    elif (
        isinstance(given, str)
        and _SECRET_KEY.search(key)
        and not _PLACE_KEY.search(key)
        and SETTING.sub("", given)
    ):
        raise _written_out(f"“{key}”", field)


def _written_out(what: str, field: str = "url") -> Invalid:
    return Invalid(
        f"Secrets are never kept here, and {what} would be one. Put it into the environment under a"
        " name such as WAREHOUSE_PASSWORD, and write ${WAREHOUSE_PASSWORD} in its place.",
        field=field,
    )


def _refuse_others(names: set[str], field: str) -> None:
    """No source is sent a setting that was not made for it."""
    for name in sorted(names):
        if re.fullmatch(rf"{OF_WAREHOUSES}[A-Z0-9_]+", name) is None:
            raise Invalid(
                f"${{{name}}} cannot be named here: only settings can whose names begin with"
                f" {OF_WAREHOUSES}, as in {OF_WAREHOUSES}PASSWORD.",
                field=field,
            )


def _refused(why: str) -> Invalid:
    return Invalid(f"That address cannot be used. {why}", field="url")


def _parsed(text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        raise _refused(
            "Write it as in postgresql://reader:${WAREHOUSE_PASSWORD}@host/database or"
            " duckdb:///events.duckdb."
        ) from None


def names_of_settings(text: str) -> set[str]:
    return set(SETTING.findall(text))


def _texts(given: Any) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping):
        for value in given.values():
            yield from _texts(value)
    elif isinstance(given, list):
        for value in given:
            yield from _texts(value)


def filled_address(text: str, setting: Callable[[str], str]) -> URL:
    """The address to connect to, each name replaced by what `setting` tells of it."""
    url = _parsed(text)

    def fill(value: str) -> str:
        return SETTING.sub(lambda one: setting(one[1]), value)

    parts = {
        name: fill(str(value))
        for name in ("username", "password", "host", "database")
        if (value := getattr(url, name))
    }
    query = {
        name: fill(value) if isinstance(value, str) else tuple(map(fill, value))
        for name, value in url.query.items()
    }
    return url.set(query=query, **parts)  # type: ignore[arg-type]


def filled(given: Any, setting: Callable[[str], str]) -> Any:
    """The same of connect arguments, however deep they stand."""
    if isinstance(given, str):
        return SETTING.sub(lambda one: setting(one[1]), given)
    if isinstance(given, Mapping):
        return {name: filled(value, setting) for name, value in given.items()}
    if isinstance(given, list):
        return [filled(value, setting) for value in given]
    return given
