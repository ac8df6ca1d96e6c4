"""A command that is interrupted says in one sentence what stands and how to go on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.harness.database import TestDatabase, TestPostgres
from tests.harness.waiting import PATIENCE_S
from tests.store.files import ACME, HEADERS
from tests.store.terminal import KEPT, Terminal

PEOPLE = f"{HEADERS['people']}\nKim,kim@example.com,Customer Success,UKIM\nSam,,Sales,USAM\n"
CUSTOMERS = f"{HEADERS['customers']}\n{ACME}\n"
USAGE = f"{HEADERS['usage']}\nAcme,2026,9,5000\n"

COMMANDS = {
    "generate 2026-09": ("bill_runs", "The bills made so far stand"),
    "generate 2026-09 --dry-run": ("customers", "Nothing was changed"),
    "import customers customers.csv": ("customers", "as a whole or not at all"),
    "import usage usage.csv": ("usages", "as a whole or not at all"),
    "import people people.csv": ("users", "as a whole or not at all"),
    "people add Eve --role Manager": ("users", "not added twice"),
    "verify": ("bill_actions", "Not everything was verified"),
    "export bills": ("bills", "no file is left half written"),
    "export bills --output bills.csv": ("bills", "no file is left half written"),
    "export evidence 2026-09 --output evidence.html": ("bills", "no file is left half written"),
    "migrate": (None, "as they were, or as this program needs them"),
}
"""Each with the table that it gets stuck at while somebody else keeps it, and what it says."""


@pytest.fixture
def terminal(database: TestDatabase, tmp_path: Path) -> Terminal:
    for name, text in (("people", PEOPLE), ("customers", CUSTOMERS), ("usage", USAGE)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    made = Terminal(tmp_path, {"DATABASE_URL": database.url})
    for name in ("people", "customers", "usage"):
        made.done("import", name, f"{name}.csv")
    return made


@contextmanager
def kept_waiting(url: str, table: str | None) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as holder:
        if table is None:
            holder.execute("update sql_definitions set digest = 'of an earlier version'")
            holder.execute("select pg_advisory_lock(hashtext('countersign migrate'))")
        else:
            holder.execute("begin")
            holder.execute(f"lock table {table} in access exclusive mode")
        yield holder


def begun(terminal: Terminal, command: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    return subprocess.Popen(
        [sys.executable, "-m", "bot", *command.split()],
        cwd=terminal.folder,
        env=kept | terminal.settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_stuck(holder: psycopg.Connection) -> None:
    """Until somebody waits for what the holder keeps."""
    query = """select from pg_locks l join pg_database d on d.oid = l.database
        where d.datname = current_database() and not l.granted"""
    until = time.monotonic() + PATIENCE_S
    while not holder.execute(query).fetchall():
        assert time.monotonic() < until, "it never came so far"
        time.sleep(0.02)


def only_sentence(process: subprocess.Popen[str]) -> str:
    said, told = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, said) == (1, "")
    assert "Traceback" not in told
    (line,) = told.splitlines()
    return line


@pytest.mark.parametrize("command", COMMANDS)
def test_a_database_that_goes_away_is_told_in_a_sentence(
    terminal: Terminal, database: TestDatabase, postgres: TestPostgres, command: str
) -> None:
    table, kept = COMMANDS[command]
    process = begun(terminal, command)
    try:
        with kept_waiting(database.url, table) as holder:
            wait_until_stuck(holder)
            postgres.cut(database.name)
            told = only_sentence(process)
    except psycopg.Error:
        pass  # the holder's connection was cut as well
    finally:
        postgres.mend(database.name)
        process.kill()
    assert told.startswith("The database went away in the middle: ")
    assert kept in told
    assert not list(terminal.folder.glob("*.part")) + list(terminal.folder.glob(".*.part"))


@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_is_told_in_a_sentence(
    terminal: Terminal, database: TestDatabase, command: str
) -> None:
    table, kept = COMMANDS[command]
    with kept_waiting(database.url, table) as holder:
        process = begun(terminal, command)
        try:
            wait_until_stuck(holder)
            process.send_signal(signal.SIGINT)
            told = only_sentence(process)
        finally:
            process.kill()
    assert told.startswith("Stopped. ")
    assert kept in told


@pytest.mark.parametrize("command", ["verify", "generate 2026-09", "export bills", "migrate"])
def test_nobody_who_reads_on_is_no_trace(terminal: Terminal, command: str) -> None:
    process = begun(terminal, command)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr as stderr:
        told = stderr.read()
    status = process.wait(PATIENCE_S)
    assert "Traceback" not in told
    assert "Exception ignored" not in told
    assert status == (0 if command.startswith("export") else 1)
