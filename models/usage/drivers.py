"""The drivers of the engines that sources are asked by, and how each is installed."""

from importlib.util import find_spec
from typing import NamedTuple

from models.usage.source_address import ENGINES


class Driver(NamedTuple):
    """The `extra` of ours that installs it, None where it is always there, and its package."""

    extra: str | None
    package: str


DRIVERS = {
    "duckdb": Driver("duckdb", "duckdb_sqlalchemy"),
    "postgresql": Driver(None, "sqlalchemy"),
    "clickhousedb": Driver("clickhouse", "clickhouse_connect"),
    "hive": Driver("spark", "pyhive"),
    "snowflake": Driver("snowflake", "snowflake"),
    "bigquery": Driver("bigquery", "sqlalchemy_bigquery"),
    "trino": Driver("trino", "trino"),
    "databricks": Driver("databricks", "databricks"),
}


def missing_driver(engine: str) -> str:
    """That it is not installed here, and what to do; empty where it is. Imports nothing of it."""
    return "" if find_spec(DRIVERS[engine].package) else not_installed(engine)


def not_installed(engine: str) -> str:
    extra = DRIVERS[engine].extra
    needed = f" Install countersign[{extra}] wherever sources are asked." if extra else ""
    return f"The driver for {ENGINES[engine]} is not installed.{needed}"
