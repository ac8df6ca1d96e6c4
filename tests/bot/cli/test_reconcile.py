"""`countersign reconcile`, with DuckDB over a file of events: billed against the source."""

import json
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from tests.harness.terminal import Terminal

QUERY = """
select customer, sum(calls) as calls from 'events.parquet'
where happened >= :month_start and happened < :month_end group by customer
"""
BILLED = {"Acme": 1_500, "Beta": 1_900, "Cone": 1_200, "Dune": 10}
NOW = {"Acme": 1_500, "Beta": 2_000, "Dune": 11, "Echo": 7, "Nobody": 3}


@pytest.fixture
def terminal(database_url: str, tmp_path: Path) -> Terminal:
    """Four customers' October was pulled and billed, of whom Dune is below its limit."""
    (tmp_path / "usage.sql").write_text(QUERY, encoding="utf-8")
    rows = "".join(f"{name},USD,1000,0.25\n" for name in (*BILLED, "Echo"))
    head = "name,currency,monthly_api_limit,overage_unit_cost\n"
    (tmp_path / "customers.csv").write_text(head + rows, encoding="utf-8")
    terminal = Terminal(tmp_path, {"DATABASE_URL": database_url})
    terminal.done("import", "customers", "customers.csv")
    terminal.done("people", "add", "Ana", "--role", "Finance", "--slack-id", "UANA")
    terminal.done("sources", "add", "Events", "--url", "duckdb://", "--query", "usage.sql")
    happen(terminal, BILLED)
    terminal.done("sources", "pull", "events", "2026-10")
    terminal.done("generate", "2026-10")
    return terminal


def happen(terminal: Terminal, calls: dict[str, int]) -> None:
    values = ", ".join(f"('{name}', timestamptz '2026-10-05', {n})" for name, n in calls.items())
    file = terminal.folder / "events.parquet"
    duckdb.sql(f"copy (select * from (values {values}) t (customer, happened, calls)) to '{file}'")


def asked(terminal: Terminal, query: str) -> list[Any]:
    with psycopg.connect(terminal.settings["DATABASE_URL"]) as connection:
        return connection.execute(query).fetchall()


def test_a_month_is_held_against_its_source_and_nothing_is_changed(terminal: Terminal) -> None:
    same = terminal.done("reconcile", "2026-10")
    assert same == "Events, October 2026: 4 customers held against it, and none differs.\n"
    happen(terminal, NOW)
    before = asked(terminal, "select customer_id, api_usage from usages order by 1")
    told = terminal.run("reconcile", "2026-10", "--source", "EVENTS")
    assert told.status == 1
    assert told.stdout.splitlines() == [
        "Events, October 2026: 5 of 6 customers differ.",
        "  Beta: 1,900 calls here (#2), 2,000 in the source: 100 more",
        "  Cone: 1,200 calls here (#3), nothing in the source",
        "  Dune: 10 calls here, not billed, 11 in the source: 1 more",
        "  Echo: nothing here, 7 calls in the source",
        "  Nobody: no customer here has that name, 3 in the source",
    ]
    again = terminal.run("reconcile", "2026-10", "--json")
    [source] = json.loads(again.stdout)["sources"]
    assert [(one["how"], one["customer"], one["more"]) for one in source["differences"]] == [
        ("calls", "Beta", 100),
        ("not in the source", "Cone", -1200),
        ("calls", "Dune", 1),
        ("not here", "Echo", 7),
        ("no such customer", "Nobody", 3),
    ]
    assert asked(terminal, "select customer_id, api_usage from usages order by 1") == before
    cards = asked(terminal, "select facts -> 'count' from messages where kind = 'reconciled'")
    assert cards == [(5,), (5,)], "one for each time that something was found"
    assert terminal.run("reconcile", "2026-10", "--source", "other").status == 1


def test_a_source_that_cannot_be_asked_keeps_no_other_from_being_held(terminal: Terminal) -> None:
    happen(terminal, NOW)
    (terminal.folder / "float.sql").write_text(QUERY.replace("sum(", "1e0 * sum("), "utf-8")
    terminal.done("sources", "add", "Float", "--url", "duckdb://", "--query", "float.sql")
    (terminal.folder / "away.sql").write_text(QUERY.replace("events", "away"), "utf-8")
    terminal.done("sources", "add", "Away", "--url", "duckdb://", "--query", "away.sql")
    told = terminal.run("reconcile", "2026-10")
    assert told.status == 1
    assert told.stdout.startswith("Events, October 2026: 5 of 6 customers differ.\n")
    away, *rows, float_refused = told.stderr.splitlines()
    assert away.startswith("Away was not held against: DuckDB did not answer: IO Error: No files")
    assert sum("is a float, which is not exact" in one for one in rows) == len(rows) == len(NOW)
    assert float_refused.startswith("Float was not held against: ")
    sources = json.loads(terminal.run("reconcile", "2026-10", "--json").stdout)["sources"]
    assert [("failed" in one, len(one.get("differences", ""))) for one in sources] == [
        (True, 0),
        (False, 5),
        (True, 0),
    ]
    ahead = terminal.run("reconcile", "2199-01")
    assert (ahead.status, ahead.stderr) == (
        1,
        "January 2199 has not begun yet.\n",
    )
