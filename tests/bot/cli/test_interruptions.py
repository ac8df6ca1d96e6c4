"""A command that is interrupted says in one sentence what stands and how to go on.

Each is interrupted in this process; some also as programs, whose end is Python's as well.
"""

import asyncio
import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
import typer
from sqlalchemy.exc import OperationalError

from bot.cli.output import Exit, opened, run
from models.db.database import Database, driver_connection
from models.db.liveness import lost_because
from tests.harness.database import TestDatabase, TestPostgres
from tests.harness.files import ACME, HEADERS
from tests.harness.programs import Answer
from tests.harness.terminal import Terminal
from tests.harness.waiting import PATIENCE_S

PEOPLE = f"{HEADERS['people']}\nKim,kim@example.com,Customer Success,UKIM\nSam,,Sales,USAM\n"
CUSTOMERS = f"{HEADERS['customers']}\n{ACME}\n"
USAGE = f"{HEADERS['usage']}\nAcme,2026,9,5000\n"

COMMANDS = {
    "generate 2026-09": ("bill_runs", "Bills made by then stand, if there are any"),
    "generate 2026-09 --dry-run": ("customers", "Nothing was changed"),
    "import customers customers.csv": ("customers", "as a whole or not at all"),
    "import usage usage.csv": ("usages", "as a whole or not at all"),
    "import people people.csv": ("users", "as a whole or not at all"),
    "people add Eve --role Manager": ("users", "not added twice"),
    "verify": ("bill_actions", "Not everything was verified"),
    "export bills": ("bills", "what was written is incomplete"),
    "export bills --output bills.csv": ("bills", "no file is left half written"),
    "export evidence 2026-09 --output evidence.html": ("bills", "no file is left half written"),
    "migrate": (None, "as they were, or as this program needs them"),
}
"""Each with the table that it gets stuck at while somebody else keeps it, and what it says."""

PROGRAMS = ("generate 2026-09", "verify", "export bills --output bills.csv", "migrate")


@pytest.fixture
async def terminal(database: TestDatabase, tmp_path: Path) -> Terminal:
    for name, text in (("people", PEOPLE), ("customers", CUSTOMERS), ("usage", USAGE)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    made = Terminal(tmp_path, {"DATABASE_URL": database.url})

    async def imported() -> None:
        for name in ("people", "customers", "usage"):
            await asyncio.to_thread(made.done, "import", name, f"{name}.csv")

    await database.seeded("three files", imported)
    return made


@contextmanager
def kept_waiting(url: str, table: str | None) -> Iterator[psycopg.Connection]:
    """Nobody waits forever: whoever is not interrupted goes on after a while."""
    with closing(psycopg.connect(url, autocommit=True)) as holder:
        for patience in ("idle_session_timeout", "idle_in_transaction_session_timeout"):
            holder.execute(f"set {patience} = '{PATIENCE_S}s'")
        if table is None:
            holder.execute("update sql_definitions set digest = 'of an earlier version'")
            holder.execute("select pg_advisory_lock(hashtext('countersign migrate'))")
        else:
            holder.execute("begin")
            holder.execute(f"lock table {table} in access exclusive mode")
        yield holder


STUCK = """select from pg_locks l join pg_database d on d.oid = l.database
    where d.datname = current_database() and not l.granted"""
COPYING = """select from pg_stat_activity
    where datname = current_database() and query like 'copy staged%'"""


def wait_until(watching: psycopg.Connection, there_is: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not watching.execute(there_is).fetchall():
        assert time.monotonic() < until, "it never came so far"
        time.sleep(0.02)


def only_sentence(answer: Answer) -> str:
    assert (answer.status, answer.stdout) == (1, "")
    assert "Traceback" not in answer.stderr
    (line,) = answer.stderr.splitlines()
    return line


def interrupted_here(terminal: Terminal, command: str, interrupt: Callable[[int], None]) -> Answer:
    """What a command answers that is interrupted where it got stuck; `interrupt` gets its pid."""
    with (
        kept_waiting(terminal.settings["DATABASE_URL"], COMMANDS[command][0]) as holder,
        ThreadPoolExecutor(1) as aside,
    ):

        def once_it_is_stuck() -> None:
            wait_until(holder, STUCK)
            interrupt(os.getpid())

        done = aside.submit(once_it_is_stuck)
        answer = terminal.run(*command.split())
        done.result()
    return answer


def interrupted_program(
    terminal: Terminal, command: str, interrupt: Callable[[int], None]
) -> Answer:
    """The same of a program."""
    with (
        kept_waiting(terminal.settings["DATABASE_URL"], COMMANDS[command][0]) as holder,
        terminal.begin(*command.split()) as begun,
    ):
        wait_until(holder, STUCK)
        interrupt(begun.pid)
        return begun.answer()


WAYS = [
    *(pytest.param(interrupted_here, command, id=command) for command in COMMANDS),
    *(pytest.param(interrupted_program, command, id=f"program {command}") for command in PROGRAMS),
]


@pytest.mark.parametrize(("interrupted", "command"), WAYS)
def test_a_database_that_goes_away_is_told_in_a_sentence(
    terminal: Terminal,
    database: TestDatabase,
    postgres: TestPostgres,
    interrupted: Callable[..., Answer],
    command: str,
) -> None:
    try:
        answer = interrupted(terminal, command, lambda _: postgres.cut(database.name))
    finally:
        postgres.mend(database.name)
    told = only_sentence(answer)
    assert told.startswith("The database went away in the middle: ")
    assert COMMANDS[command][1] in told
    assert not list(terminal.folder.glob("*.part")) + list(terminal.folder.glob(".*.part"))


def test_connections_cut_in_the_middle_of_a_file_are_told_alone(
    terminal: Terminal, database: TestDatabase, postgres: TestPostgres
) -> None:
    rows = "".join(f"Acme,{year},9,5000\n" for year in range(1000, 10000)) * 50
    (terminal.folder / "long.csv").write_text(HEADERS["usage"] + "\n" + rows, encoding="utf-8")
    with terminal.begin("import", "usage", "long.csv") as begun:
        try:
            with psycopg.connect(database.url, autocommit=True) as watching:
                wait_until(watching, COPYING)
            postgres.cut(database.name)
            told = only_sentence(begun.answer())
        finally:
            postgres.mend(database.name)
    assert told.startswith("The database went away in the middle: ")


@pytest.mark.parametrize(("interrupted", "command"), WAYS)
def test_ctrl_c_is_told_in_a_sentence(
    terminal: Terminal, interrupted: Callable[..., Answer], command: str
) -> None:
    answer = interrupted(terminal, command, lambda pid: os.kill(pid, signal.SIGINT))
    told = only_sentence(answer)
    assert told.startswith("Stopped. ")
    assert COMMANDS[command][1] in told


@pytest.mark.parametrize("command", ["verify", "generate 2026-09", "export bills", "migrate"])
def test_nobody_who_reads_on_is_no_trace(terminal: Terminal, command: str) -> None:
    unheard, output = os.pipe()
    os.close(unheard)
    with terminal.begin(*command.split(), output=output) as begun:
        os.close(output)
        answer = begun.answer()
    assert "Traceback" not in answer.stderr
    assert "Exception ignored" not in answer.stderr
    assert answer.status == (0 if command.startswith("export") else 1)


async def ended_in_the_middle_of_a_query(url: str) -> Exit:
    """Ctrl-C while libpq is at a query that psycopg does not know of: rolling back fails."""
    async with opened(url) as db, db.reading() as session:
        connection = await driver_connection(session)
        connection.pgconn.send_query(b"select pg_sleep(60)")
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(PATIENCE_S)
    return Exit.DONE


@pytest.fixture
def _broken_connections() -> Iterator[None]:
    """Nobody can close it: it is found here, lest it be found in another test."""
    yield
    gc.collect()


@pytest.mark.usefixtures("_broken_connections")
@pytest.mark.filterwarnings("ignore:The garbage collector", "ignore:.*while still open")
def test_ctrl_c_is_told_alone_where_cleaning_up_fails(
    terminal: Terminal, database: TestDatabase, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as left:
        run(ended_in_the_middle_of_a_query(database.url), "Nothing was changed.")
    assert left.value.exit_code == Exit.REFUSED
    assert capfd.readouterr().err == "Stopped. Nothing was changed.\n"


@pytest.mark.usefixtures("_broken_connections")
@pytest.mark.filterwarnings("ignore:The garbage collector", "ignore:.*while still open")
async def test_a_connection_that_is_busy_is_not_lost(database_url: str) -> None:
    db = Database(database_url)
    with pytest.raises(OperationalError) as raised:
        async with db.reading() as session:
            connection = await driver_connection(session)
            connection.pgconn.send_query(b"select 1")
            await session.execute(sa.text("select 2"))
    assert "another command is already in progress" in str(raised.value)
    assert lost_because(raised.value) is None
    await db.close()


@pytest.mark.parametrize(
    ("command", "stands"),
    {
        "generate 2026-09": "All of it was done.",
        "generate 2026-09 --dry-run": "Nothing was changed.",
        "import usage more.csv": "All of it was done.",
        "import usage more.csv --dry-run": "Nothing was changed.",
        "verify": "nothing was changed.",
        "export usage": "what was written is incomplete.",
        "migrate": "All of it was done.",
    }.items(),
)
def test_an_answer_that_no_disk_takes_says_what_was_done(
    terminal: Terminal, database: TestDatabase, command: str, stands: str
) -> None:
    """As on a full disk: no file takes another byte."""
    more = f"{HEADERS['usage']}\nAcme,2026,8,5000\n"
    (terminal.folder / "more.csv").write_text(more, encoding="utf-8")
    with (
        (terminal.folder / "answer").open("wb") as file,
        terminal.begin(*command.split(), output=file.fileno(), file_bytes=0) as begun,
    ):
        answer = begun.answer()
    (told,) = answer.stderr.splitlines()
    assert answer.status == 1
    assert told.startswith("The answer cannot be written: file too large. ")
    assert stands in told
    imported = ",2026,8," in terminal.done("export", "usage")
    assert imported == (command == "import usage more.csv")
