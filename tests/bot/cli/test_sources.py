"""`countersign sources`, with DuckDB over a file of events: no server is needed."""

import contextlib
import json
import re
import shlex
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.architecture.pages import page
from tests.harness.terminal import Terminal

QUERY = """
-- what each customer used
select customer, sum(calls) as calls
from 'events.parquet'
where happened >= :month_start and happened < :month_end
group by customer;
"""
CUSTOMERS = "name,currency,monthly_api_limit,overage_unit_cost\n"
ACME = ("Acme", "2026-10-01 00:00:00+00", 1500)


@pytest.fixture
def terminal(database_url: str, tmp_path: Path) -> Terminal:
    (tmp_path / "usage.sql").write_text(QUERY, encoding="utf-8")
    rows = "".join(f"{name},USD,1000,0.25\n" for name in ("Acme", "Beta", "Gamma"))
    (tmp_path / "customers.csv").write_text(CUSTOMERS + rows, encoding="utf-8")
    terminal = Terminal(tmp_path, {"DATABASE_URL": database_url, "TIMEZONE": "Europe/Zurich"})
    terminal.done("import", "customers", "customers.csv")
    add = terminal.done("sources", "add", "Events", "--url", "duckdb://", "--query", "usage.sql")
    assert add.startswith("Events is added: DuckDB, duckdb://\n  Check a month, then pull it")
    return terminal


def happen(terminal: Terminal, *events: tuple[str, str, int]) -> None:
    values = ", ".join(f"('{name}', timestamptz '{at}', {calls})" for name, at, calls in events)
    file = terminal.folder / "events.parquet"
    duckdb.sql(f"copy (select * from (values {values}) t (customer, happened, calls)) to '{file}'")


def pulled(terminal: Terminal, *words: str, status: int = 0, **settings: str) -> dict[str, object]:
    answer = terminal.run("sources", "pull", "events", "2026-10", "--json", *words, **settings)
    assert answer.status == status, answer.stderr
    told: dict[str, object] = json.loads(answer.stdout)
    return told


def test_a_month_is_checked_pulled_and_pulled_again(terminal: Terminal) -> None:
    happen(
        terminal,
        ("Acme", "2026-09-30 22:00:00+00", 1500),  # October has begun in Zurich
        ("Acme", "2026-10-31 22:59:59+00", 10),
        ("Acme", "2026-10-31 23:00:00+00", 7),  # and is over, an hour earlier by the clock of UTC
        ("Beta", "2026-10-05 00:00:00+00", 99),
        ("No\x1b[31m\nbody", "2026-10-05 00:00:00+00", 1),
    )
    checked = terminal.done("sources", "check", "EVENTS", "2026-10")
    assert checked.splitlines()[1:] == [
        "Nothing was written. This is what would be:",
        "  2 added, 0 changed, 0 unchanged",
        "  no customer here has the name: “No[31m body”",
        "  in contract, and not in the source: “Gamma”",
    ]
    first = pulled(terminal)
    assert (first["outcome"], first["rows"], first["total"]) == ("applied", 3, "1610")
    assert (first["added"], first["unknown"], first["missing"]) == (2, 1, 1)
    again = pulled(terminal)
    assert (again["outcome"], again["unchanged"]) == ("unchanged", 2)
    assert again["checksum"] == first["checksum"]
    usage = terminal.done("export", "usage")
    assert "Acme,2026,10,1510" in usage
    listed = json.loads(terminal.done("sources", "list", "--json"))["sources"]
    assert [(one["name"], one["last_pull"]["outcome"]) for one in listed] == [
        ("Events", "unchanged")
    ]
    hive = ("--url", "hive://warehouse:10000", "--query", "usage.sql")
    lacking = terminal.run("sources", "add", "Spark", *hive).stderr
    assert lacking.startswith("  The driver for Spark is not installed. Install countersign[spark]")
    terminal.done("sources", "add", "Other", "--url", "duckdb://", "--query", "usage.sql")
    overlap, what_to_do = terminal.done("sources", "check", "Other", "2026-10").splitlines()[-2:]
    assert re.fullmatch("  also told by Events, pulled .{10} ..:..: “Acme” and “Beta”", overlap)
    assert what_to_do.endswith("leave them out of one of both.")
    told = json.loads(terminal.done("sources", "check", "Other", "2026-10", "--json"))
    assert (told["overlapping"], told["overlaps"][0]["names"]) == (2, ["Acme", "Beta"])


def test_what_would_take_too_many_to_zero_waits_for_a_word(terminal: Terminal) -> None:
    beta = ("Beta", "2026-10-05 00:00:00+00", 99)
    happen(terminal, ACME, beta)
    pulled(terminal)
    happen(terminal, beta)
    foretold = terminal.done("sources", "check", "events", "2026-10")
    assert "\n  Acme: 1,500 before, 0 now\n" in foretold
    assert "pulling it would wait for a word: 1 of 2 customers with recorded" in foretold
    held = pulled(terminal, status=1)
    assert (held["outcome"], held["to_zero"], held["recorded"]) == ("held", 1, 2)
    assert "Acme,2026,10,1500" in terminal.done("export", "usage")
    assert pulled(terminal, MAX_SHARE_TO_ZERO="0.5")["outcome"] == "applied"
    assert "Acme,2026,10,0" in terminal.done("export", "usage")
    happen(terminal, ("Beta", "2026-11-05 00:00:00+00", 99))
    empty = pulled(terminal, status=1)
    assert (empty["outcome"], empty["rows"]) == ("held", 0)
    assert empty["reason"] == "The source has no rows of this month."
    assert pulled(terminal, "--anyway")["to_zero"] == 1
    assert "Beta,2026,10,0" in terminal.done("export", "usage")


def test_a_source_that_fails_changes_nothing_and_tells_no_secret(terminal: Terminal) -> None:
    url = "postgresql://reader:${WAREHOUSE_PASSWORD}@127.0.0.1:1/events"
    terminal.done("sources", "add", "events", "--url", url, "--query", "usage.sql")
    unset = terminal.run("sources", "pull", "events", "2026-10")
    assert unset.status == 2
    assert unset.stderr.startswith("WAREHOUSE_PASSWORD is not set, which the source names.")
    failed = terminal.run("sources", "pull", "events", "2026-10", WAREHOUSE_PASSWORD="hunter2")
    assert failed.status == 1
    assert failed.stderr.startswith("PostgreSQL did not answer: connection failed")
    listed = terminal.done("sources", "list")
    assert url in listed
    assert "it could not be asked" in listed
    assert "hunter2" not in failed.stderr + listed + terminal.done("sources", "list", "--json")
    ahead = terminal.run("sources", "pull", "events", "2199-01")
    assert "January 2199 has not begun yet." in ahead.stderr


def test_duckdb_reads_files_in_the_folders_that_are_set(terminal: Terminal) -> None:
    happen(terminal, ACME)
    (terminal.folder / "elsewhere").mkdir()
    shut = terminal.run("sources", "pull", "events", "2026-10", WAREHOUSE_FILES="elsewhere")
    assert shut.status == 1
    assert "Cannot access file" in shut.stderr
    assert shut.stderr.endswith("Name the folder in WAREHOUSE_FILES\n")
    assert pulled(terminal, WAREHOUSE_FILES=f"elsewhere,{terminal.folder}")["added"] == 1


def test_a_source_that_is_removed_is_asked_no_more(terminal: Terminal) -> None:
    happen(terminal, ("Acme", "2026-10-01 00:00:00+00", 1))
    told = terminal.done("sources", "pull", "events", "2026-10")
    assert told.startswith("Events, 2026-10: 1 row, 1 call: taken in.\n")
    happen(terminal, ("No\x1b[31m\nbody", "2026-10-01 00:00:00+00", -1))
    refused = terminal.run("sources", "check", "events", "2026-10")
    assert refused.stderr.startswith("row 1, “No[31m body”, calls: ")
    terminal.done("sources", "remove", "events")
    assert terminal.done("sources", "list") == "There is no source yet.\n"
    off = terminal.run("sources", "pull", "events", "2026-10")
    assert off.stderr == "Events is switched off. Add it again to ask it.\n"
    unknown = terminal.run("sources", "check", "other", "2026-10")
    assert unknown.stderr == "No source is called “other”. There is none yet.\n"
    assert "Acme,2026,10,1," in terminal.done("export", "usage")


def test_the_page_on_warehouses_can_be_followed_literally(
    database_url: str, tmp_path: Path
) -> None:
    guide = page("docs/how-to/connect-a-warehouse.md")
    script, commands, afterwards = guide.fenced("sh")
    [query] = guide.fenced("sql")
    (tmp_path / "usage.sql").write_text(query, encoding="utf-8")
    followed = Terminal(tmp_path, {"DATABASE_URL": database_url})
    with contextlib.chdir(tmp_path):
        exec(script.split("<<'END'\n")[1].removesuffix("END\n"), {})
        told = ""
        for line in (commands + afterwards).splitlines():
            if line.startswith("printf"):
                subprocess.run(line, shell=True, check=True)
            else:
                told += followed.done(*shlex.split(line.removeprefix("countersign ")))
    assert "events, 2026-10: 1 row, 1,488 calls: taken in." in told
    assert told.endswith("1 customer held against it, and none differs.\n")
