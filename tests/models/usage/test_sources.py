"""Sources of usage: what may be kept of an address and of a query."""

import tomllib
from datetime import UTC, datetime

import pytest

from models.errors import Invalid
from models.usage.drivers import DRIVERS, missing_driver
from models.usage.source_address import (
    ENGINES,
    filled,
    filled_address,
    read_address,
    read_connect_args,
    typed_connect_args,
)
from models.usage.source_query import query_for, read_query
from tests.architecture.pages import ROOT

EDGES = "happened >= :month_start and happened < :month_end"
QUERY = f"select customer, calls from t where {EDGES}"
SETTINGS = {"WAREHOUSE_PASSWORD": "p@s:s/w%rd", "WAREHOUSE_HOST": "db.internal"}

KEPT = (
    "postgresql://reader:${WAREHOUSE_PASSWORD}@db/events",
    "postgresql+psycopg://reader@/events?host=/run/postgresql",
    "duckdb:////srv/events.duckdb",
    "clickhousedb:///?interface=chdb",
    "databricks://token:${WAREHOUSE_TOKEN}@host?http_path=/sql/1",
    "snowflake://reader@account/db?warehouse=small",
)
REFUSED = {
    "postgresql://reader:hunter2@db/events": "Secrets are never kept here",
    "postgresql://reader:x${WAREHOUSE_PASSWORD}@db/events": "Secrets are never kept here",
    "postgresql://db/events?password=hunter2": "“password” would be one",
    "duckdb:///md:events?motherduck_token=hunter2": "“motherduck_token” would be one",
    "postgresql://reader:${SLACK_BOT_TOKEN}@db/events": "${SLACK_BOT_TOKEN} cannot be named here",
    "postgresql://reader:${warehouse_pw}@db/events": "${warehouse_pw} cannot be named here",
    "clickhouse://db/events": "write clickhousedb://",
    "mysql://db/events": "There is no engine “mysql” here; there are duckdb, postgresql",
    "events.duckdb": "Write it as in postgresql://",
    "postgresql://db:port/events": "Write it as in postgresql://",
}


@pytest.mark.parametrize("address", KEPT)
def test_an_address_is_kept_as_it_is_written(address: str) -> None:
    assert read_address(f" {address}\n") == address


@pytest.mark.parametrize("address", REFUSED)
def test_no_secret_and_no_unknown_engine_is_kept(address: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_address(address)
    assert REFUSED[address] in refused.value.sentence
    assert "hunter2" not in refused.value.sentence
    assert refused.value.field == "url"


def test_settings_take_the_place_of_their_names_wherever_they_stand() -> None:
    address = "postgresql://reader:${WAREHOUSE_PASSWORD}@${WAREHOUSE_HOST}/events?sslmode=require"
    url = filled_address(address, SETTINGS.__getitem__)
    assert (url.password, url.host) == ("p@s:s/w%rd", "db.internal")
    args = {"auth": {"password": "${WAREHOUSE_PASSWORD}"}, "hosts": ["${WAREHOUSE_HOST}", 1]}
    assert filled(read_connect_args(args), SETTINGS.__getitem__) == {
        "auth": {"password": "p@s:s/w%rd"},
        "hosts": ["db.internal", 1],
    }


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"auth": {"password": "hunter2"}}, "“password” would be one"),
        ({"private_key": "hunter2"}, "“private_key” would be one"),
        ({"session": ["${DATABASE_URL}"]}, "${DATABASE_URL} cannot be named"),
        (["x"], "Write a JSON object"),
    ],
)
def test_connect_arguments_hold_no_secret_either(args: object, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_connect_args(args)
    assert words in refused.value.sentence
    assert "hunter2" not in refused.value.sentence
    assert read_connect_args({"private_key_file": "/run/key.p8"})


def test_each_engine_has_a_driver_that_an_extra_installs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert DRIVERS.keys() == ENGINES.keys()
    assert {one.extra for one in DRIVERS.values()} - {None} <= {*project["optional-dependencies"]}
    assert (missing_driver("duckdb"), missing_driver("postgresql")) == ("", "")


def test_connect_arguments_are_typed_as_json() -> None:
    assert typed_connect_args(' {"warehouse": "BILLING"} ') == {"warehouse": "BILLING"}
    assert typed_connect_args(" ") == {}
    for typed in ("{", "[]", "7", "[" * 100_000):
        with pytest.raises(Invalid, match="Write a JSON object"):
            typed_connect_args(typed)


ONE_QUERY = (
    QUERY,
    f"-- usage; of a month\n{QUERY};\n-- done;",
    f"with t as (select 1) {QUERY}",
    f"(select customer, ';' as x, calls from t where {EDGES})",
    f"select customer, calls::bigint, ':other' || '--' from t where {EDGES} /* ; :x */ ;;",
    f"select $$;:x$$ as customer, 50 % 7 as calls from t where {EDGES}",
    f"select customer, a[:n], {{'a':b}} from t where {EDGES} -- of /* a month",
    f"select customer, a$b$ as calls from t where {EDGES} and c$b$ < 2",
    f"select customer, calls from t where a <> E'it\\'s; :x' and {EDGES}",
    "select customer, calls from t where d > :month_start::date and d < :month_end::date",
)
NO_QUERY = {
    "": "begin with SELECT",
    f"delete from t where {EDGES}": "begin with SELECT",
    f"copy ({QUERY}) to 'x'": "begin with SELECT",
    f"{QUERY}; drop table t": "several statements",
    f"{QUERY}; {QUERY}": "several statements",
    "select customer, calls from t where happened >= :month_start": "lacks :month_end",
    "select 1 -- :month_start :month_end": "lacks :month_start",
    "select ':month_start', ':month_end'": "lacks :month_start",
    f"{QUERY} and region = :region": "It has :region",
    f"{QUERY} /* a /* b */ c */": "a comment within a comment",
    "select customer, calls from t where d between :month_start\nand :month_end": "Write >= :month",
    "select " + "x" * 100_000: "longer than 100,000",
}


@pytest.mark.parametrize("query", ONE_QUERY)
def test_one_select_of_a_month_is_kept_without_its_semicolon(query: str) -> None:
    kept = read_query(query, "postgresql")
    assert query.startswith(kept)
    edges = (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
    asked = query_for(kept, "postgresql", edges, lambda moment: f"<{moment:%m}>")
    assert asked.count("<10>") == asked.count("<11>") == 1
    assert asked.startswith("select * from (\n")
    assert asked.endswith("\n) pulled")


@pytest.mark.parametrize("query", NO_QUERY)
def test_what_is_not_one_select_of_a_month_is_refused(query: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_query(query, "postgresql")
    assert NO_QUERY[query] in refused.value.sentence
    assert refused.value.field == "query"


OF_ENGINES = {
    "bigquery": (r"""where x <> '''it's; :x''' and y <> "\"; :x" # don't; :x""", "`a;:x`"),
    "clickhousedb": (r"""where x <> 'it\'s; :x' and "a\"; :x" > 1 # don't; :x""", "`a;:x`"),
    "databricks": (r"""where x <> "it's \"; :x" and raw:y > 1 -- don't; :x""", "`a;:x`"),
    "duckdb": (r"""where x <> E'it\'s; :x' and "a;:x" > 1 -- don't; :x""", "t"),
    "hive": (r"""where x <> "it's \"; :x" -- don't; :x""", "`a;:x`"),
    "postgresql": (r"""where x <> '\' and y <> $a$;:x$a$ -- don't; :x""", "t"),
    "snowflake": (r"""where x <> 'it\'s; :x' and "a\" > $1:y // don't; :x""", "t"),
    "trino": (r"""where x <> '\' and "a;:x" > 1 -- don't; :x""", "t"),
}
"""What is no code where that engine runs it."""


@pytest.mark.parametrize("engine", ENGINES)
def test_each_engine_has_its_own_texts_and_comments(engine: str) -> None:
    where, table = OF_ENGINES[engine]
    query = f"select customer, calls from {table} {where}\nand {EDGES}"
    assert read_query(query, engine) == query


def test_a_backslash_ends_no_text_where_the_engine_has_it_so() -> None:
    quoted = rf"select 'it\'s; :x' as customer, calls from t where {EDGES}"
    assert read_query(quoted, "clickhousedb") == quoted
    standard = rf"select customer, calls from t where x like '\' and {EDGES}"
    assert read_query(standard, "postgresql") == standard
