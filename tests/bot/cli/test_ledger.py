"""`export ledger`: each document goes to the accounts once, with what it said when issued."""

import asyncio
import csv
import io
import json
import re
from decimal import Decimal
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill
from models.actions.merge_customers import merge_customers
from models.actions.send import mark_send_failed
from models.actions.void import void_bill
from models.bills.bill import Bill, get_bill
from models.customers.search import find_customer
from models.db.database import Database
from models.exports.formats import LedgerFormat
from models.exports.ledger import Ledger, LedgerScope
from tests.harness.accounting import Balances, balances
from tests.harness.billing import DELAY, approved, clock, correct_usage, go_out, issue, later
from tests.harness.cast import People
from tests.harness.database import TestDatabase, unguarded
from tests.harness.scene import NOW, ZONE, act
from tests.harness.terminal import Terminal
from tests.harness.waiting import until

GERMAN = {"country": "DE", "tax_rate_percent": Decimal(19), "currency": "EUR", "payment_days": 14}
KUWAIT = {"currency": "KWD", "overage_unit_cost": Decimal("0.0101"), "used": 100_123}
SWISS = {"tax_note": "Reverse charge", "currency": "EUR", "overage_unit_cost": Decimal("0.02")}


@pytest.fixture
async def terminal(database: TestDatabase, people: People, tmp_path: Path) -> Terminal:
    """Nine documents, all but two of November 2.

    Acme's invoice, with a correction upwards and one downwards; Bolt's of no tax, in dinars;
    Crest's was made void after it had arrived, and the credit note went out; Dune's could not be
    delivered, and was made void; Eden's is of reverse charge.
    """
    await database.seeded("test_ledger", partial(_documents, database.db, people))
    return Terminal(tmp_path, {"DATABASE_URL": database.url})


async def _documents(db: Database, people: People) -> None:
    async with db.transaction() as session:
        acme = await approved(session, people, "Acme; Sons | Co", used=150_003, **GERMAN)
        await go_out(session, people, acme)
        for day, calls in enumerate((160_000, 155_000), 1):
            by = later(act(people.ana), days=day)
            (new,) = (await correct_usage(session, by, acme.customer_id, calls)).proposed
            correction = await get_bill(session, new)
            await approve_bill(session, new, correction.version, act(people.kim))
            await go_out(session, people, correction, by.now)
        await go_out(session, people, await approved(session, people, "Bolt", **KUWAIT))
        crest = await approved(session, people, "Crest", **GERMAN)
        await go_out(session, people, crest)
        done = await void_bill(session, crest.id, crest.version, act(people.ana), "In error")
        assert done.credit_id
        await go_out(session, people, await get_bill(session, done.credit_id))
        dune = await approved(session, people, "Dune", **GERMAN)
        await fail_and_void(session, people, dune)
        await go_out(session, people, await approved(session, people, "=Eden", **SWISS))


async def fail_and_void(session: Any, people: People, bill: Bill) -> None:
    assert await issue(session, people, bill)
    await mark_send_failed(session, bill.id, clock(people, NOW + DELAY), "550 No such user")
    await void_bill(session, bill.id, bill.version, act(people.ana, NOW + DELAY), "Gone")


async def change_everything(db: Database) -> None:
    """Nothing of what the documents said is so any more."""
    async with db.transaction() as session:
        await session.execute(
            sa.text("""
                update customers set name = name || ' Renamed', tax_rate_percent = 7,
                    payment_days = 99, tax_note = 'Exempt', country = 'AT'""")
        )


def export(terminal: Terminal, *words: str, form: str = "hledger") -> str:
    """What is written for a program."""
    terminal.done("export", "ledger", "--format", form, "--output", "out", *words)
    return (terminal.folder / "out").read_bytes().decode("cp1252" if form == "datev" else "utf-8")


def told(terminal: Terminal, *words: str, form: str = "hledger") -> dict[str, Any]:
    command = ("export", "ledger", "--format", form, "--output", "out", "--json", *words)
    answer: dict[str, Any] = json.loads(terminal.done(*command))
    return answer


def accounts(terminal: Terminal, *lines: str) -> tuple[str, str]:
    """The option that names a file of these lines."""
    text = "\n".join(("part,customer,currency,tax,account", *lines))
    (terminal.folder / "accounts.csv").write_text(text + "\n", encoding="utf-8")
    return "--accounts", "accounts.csv"


def numbers(text: str) -> list[str]:
    """Of the documents in a file for hledger, in its order."""
    return re.findall(r"^\d{4}-\d\d-\d\d \* \((.*?)\)", text, re.MULTILINE)


in_thread = asyncio.to_thread

OF_ALL: Balances = {
    "assets:receivable": {"EUR": Decimal("7545.00"), "KWD": Decimal("1.242")},
    "revenues:overage": {"EUR": Decimal("-6500.00"), "KWD": Decimal("-1.242")},
    "liabilities:tax": {"EUR": Decimal("-1045.00")},
}
"""5,500.00 of Acme in the end and 1,000.00 of Eden; that of Crest and Dune is taken back."""


def test_each_document_is_one_entry_and_what_never_went_out_is_taken_back(
    terminal: Terminal,
) -> None:
    text = export(terminal)
    assert numbers(text) == [
        *("2026-000001", "2026-000003", "2026-000004", "2026-000005", "2026-000005"),
        *("2026-000006", "CN-2026-000002", "2026-000002", "CN-2026-000001"),
    ]
    assert balances(LedgerFormat.HLEDGER, terminal.folder / "out") == OF_ALL
    assert "Dune | Void: Invoice 2026-000005, October 2026" in text


async def test_what_is_exported_is_what_was_issued_whatever_is_so_today(
    terminal: Terminal, db: Database
) -> None:
    before = await in_thread(export, terminal)
    await change_everything(db)
    assert await in_thread(export, terminal) == before


def test_what_is_told_of_a_file_is_exact_and_keeps_currencies_apart(terminal: Terminal) -> None:
    answer = told(terminal)
    assert answer["sha256"] == sha256((terminal.folder / "out").read_bytes()).hexdigest()
    assert (answer["entries"], answer["export"]) == (9, None)
    assert answer["sums"] == {
        "EUR": {"net": "6500.00", "tax": "1045.00", "gross": "7545.00"},
        "KWD": {"net": "1.242", "tax": "0.000", "gross": "1.242"},
    }
    assert (answer["first"], answer["last"]) == ("2026-11-02", "2026-11-04")


def test_a_month_is_that_of_its_bills_and_a_day_that_of_the_document(terminal: Terminal) -> None:
    assert numbers(export(terminal, "--month", "2026-10")) == numbers(export(terminal))
    assert told(terminal, "--month", "2026-11")["entries"] == 0
    assert told(terminal, "--dated", "2026-11")["entries"] == 9
    assert told(terminal, "--dated", "2026-10")["entries"] == 0


async def test_each_document_goes_out_once_in_a_format_and_again_as_it_was(
    terminal: Terminal, db: Database, people: People
) -> None:
    first = await in_thread(export, terminal, "--since-last")
    assert first == await in_thread(export, terminal)
    nothing = await in_thread(
        terminal.done, "export", "ledger", "--format", "hledger", "--since-last", "--output", "new"
    )
    assert nothing == "Nothing new since export 1. new was not written.\n"
    assert not (terminal.folder / "new").exists()
    async with db.transaction() as session:
        flint = await approved(session, people, "Flint", **GERMAN)
        await fail_and_void(session, people, flint)
    assert numbers(await in_thread(export, terminal, "--since-last")) == ["2026-000007"] * 2
    assert (await in_thread(told, terminal, "--since-last", form="ledger"))["entries"] == 11
    await change_everything(db)
    again = await in_thread(terminal.done, "export", "ledger-again", "1", "--output", "again")
    assert again == "again: 9 entries, export 1 for hledger.\n"
    assert (terminal.folder / "again").read_text(encoding="utf-8") == first
    missing = await in_thread(terminal.run, "export", "ledger-again", "9")
    assert (missing.status, missing.stderr) == (1, "There is no export 9 of the ledger.\n")


async def test_a_document_made_void_after_its_export_is_taken_back_by_the_next(
    terminal: Terminal, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        gale = await approved(session, people, "Gale", **GERMAN)
        assert await issue(session, people, gale)
        await mark_send_failed(session, gale.id, clock(people, NOW + DELAY), "550 No such user")
    assert numbers(await in_thread(export, terminal, "--since-last"))[-1] != "2026-000007"
    async with db.transaction() as session:
        await void_bill(session, gale.id, gale.version, act(people.ana, NOW + DELAY), "Gone")
    text = await in_thread(export, terminal, "--since-last")
    assert numbers(text) == ["2026-000007"]
    assert "Gale | Void: Invoice 2026-000007" in text


async def test_of_two_who_export_at_once_the_second_finds_what_is_left(
    terminal: Terminal, db: Database
) -> None:
    async def claim(session: AsyncSession) -> Ledger | None:
        return await Ledger(session, LedgerScope(), ZONE).claim(LedgerFormat.XERO)

    async with db.long_transaction() as ours, db.long_transaction() as theirs:
        assert await claim(ours)
        waiting = asyncio.ensure_future(claim(theirs))
        await until(partial(_somebody_waits, db))
        await ours.commit()
        assert await waiting is None


async def _somebody_waits(db: Database) -> bool:
    waiting = sa.text(
        "select exists (select from pg_stat_activity where datname = current_database() "
        "and wait_event_type = 'Lock')"
    )
    async with db.transaction() as session:
        return bool(await session.scalar(waiting))


def test_accounts_are_chosen_by_customer_tax_and_currency(terminal: Terminal) -> None:
    chosen = accounts(
        terminal,
        *("receivable,,,,assets:receivable", "receivable,,KWD,,assets:receivable:kwd"),
        *("receivable,=Eden,,,assets:receivable:eden", "tax,,,19,liabilities:vat 19"),
        *("revenue,,,,income:other", "revenue,,EUR,19 %,income:domestic"),
        "revenue,,,Reverse Charge,income:eu",
    )
    export(terminal, *chosen)
    assert balances(LedgerFormat.HLEDGER, terminal.folder / "out") == {
        "assets:receivable": {"EUR": Decimal("6545.00")},
        "assets:receivable:kwd": {"KWD": Decimal("1.242")},
        "assets:receivable:eden": {"EUR": Decimal("1000.00")},
        "income:domestic": {"EUR": Decimal("-5500.00")},
        "income:eu": {"EUR": Decimal("-1000.00")},
        "income:other": {"KWD": Decimal("-1.242")},
        "liabilities:vat 19": {"EUR": Decimal("-1045.00")},
    }


async def test_a_customer_is_found_by_any_name_it_had(terminal: Terminal, db: Database) -> None:
    lines = ("receivable,,,,a:b", "receivable,bolt,,,a:bolt", "revenue,,,,r", "tax,,,,t")
    await change_everything(db)
    assert "    a:bolt    1.242 KWD" in await in_thread(
        export, terminal, *accounts(terminal, *lines)
    )


async def test_what_was_billed_to_a_merged_customer_goes_where_that_of_the_other_goes(
    terminal: Terminal, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        bolt, crest = [(await find_customer(session, name)).id for name in ("Bolt", "Crest")]
        await merge_customers(session, bolt, crest, act(people.ana))
    lines = ("receivable,,,,a:b", "receivable,Crest,,,a:crest", "revenue,,,,r", "tax,,,,t")
    text = await in_thread(export, terminal, *accounts(terminal, *lines))
    assert "Bolt | Invoice 2026-000003, October 2026  ; customer:3" in text
    assert "    a:crest    1.242 KWD" in text


def test_every_fault_of_a_file_of_accounts_is_named(terminal: Terminal) -> None:
    faulty = accounts(
        terminal,
        *("receivable,,,,", "revenue,Nobody,EURO,nineteen,income", "levy,,,,x", "tax,,,,(t)"),
        *("revenue,,,,income:a", "revenue,,,,income:b"),
    )
    answer = terminal.run("export", "ledger", "--format", "hledger", *faulty)
    assert answer.status == 1
    assert answer.stdout == ""
    assert [line.partition(": ")[0] for line in answer.stderr.splitlines()[:-1]] == [
        *("line 2, account", "line 3, currency", "line 3, customer", "line 3, tax"),
        *("line 4, part", "line 5, account", "line 7"),
    ]
    assert answer.stderr.splitlines()[0] == "line 2, account: is missing"
    assert answer.stderr.splitlines()[-1] == "Nothing was exported: the file has 7 faults."


def test_an_account_that_is_missing_is_named_and_nothing_goes_out(terminal: Terminal) -> None:
    lacking = accounts(terminal, "receivable,,,,assets", "revenue,,EUR,,income")
    command = ("export", "ledger", "--format", "hledger", "--since-last", "--output", "out")
    answer = terminal.run(*command, *lacking)
    assert (answer.status, answer.stderr.splitlines()) == (
        1,
        [
            "line 4, account: is missing: 2026-000001 to Acme; Sons | Co needs it. Add a line such "
            "as tax,,EUR,19,ACCOUNT",
            "line 5, account: is missing: 2026-000003 to Bolt needs it. Add a line such as "
            "revenue,,KWD,zero rate,ACCOUNT",
            "Nothing was exported: the file has 2 faults.",
        ],
    )
    assert not (terminal.folder / "out").exists()
    assert told(terminal, "--since-last")["entries"] == 9


def test_what_cannot_be_written_has_not_gone_out(terminal: Terminal) -> None:
    command = ("export", "ledger", "--format", "hledger", "--since-last", "--output")
    answer = terminal.run(*command, "nowhere/out")
    assert (answer.status, "cannot be written" in answer.stderr) == (1, True)
    assert terminal.done(*command, "out").startswith("out: 9 entries, export ")


OF_DATEV = (
    *("consultant,,,,1001", "client,,,,42", "receivable,,,,10000", "revenue,,,19,8400"),
    *("revenue,,,reverse charge,8336", "tax,,,19,1776"),
)


def test_datev_gets_euros_and_what_is_not_in_the_file_is_told(terminal: Terminal) -> None:
    answer = told(terminal, *accounts(terminal, *OF_DATEV), form="datev")
    assert (answer["entries"], answer["other_currencies"]) == (8, {"KWD": 1})
    rows = list(csv.reader(io.StringIO(export(terminal, *OPTION, form="datev")), delimiter=";"))[2:]
    owed = [Decimal(row[0].replace(",", ".")) * (1 if row[1] == "S" else -1) for row in rows]
    assert sum(owed) == OF_ALL["assets:receivable"]["EUR"]
    command = ("export", "ledger", "--format", "datev", "--output", "out", *OPTION)
    told_aside = terminal.run(*command).stderr
    assert told_aside == "Not in it: 1 in KWD. datev takes another currency only with a rate.\n"
    terminal.done(*command, "--since-last")
    nothing = told(terminal, "--since-last", *OPTION, form="datev")
    assert (nothing["entries"], nothing["file"]) == (0, None)
    assert nothing["other_currencies"] == {"KWD": 1}


OPTION = ("--accounts", "accounts.csv")


async def test_a_document_that_does_not_tell_what_it_says_is_named(
    terminal: Terminal, database: TestDatabase
) -> None:
    with psycopg.connect(database.url, autocommit=True) as owner, unguarded(owner):
        owner.execute("update documents set facts = null where number = '2026-000003'")
    answer = await in_thread(told, terminal, "--since-last")
    assert (answer["entries"], answer["untold"]) == (8, ["2026-000003"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--format", "datev"), "datev has accounts of your own"),
        (("--format", "quickbooks"), "quickbooks has accounts of your own"),
        (("--format", "hledger", "--json"), "Name a file with --output"),
        (("--format", "sap"), "is not one of"),
        ((), "Missing option '--format'"),
    ],
)
def test_what_is_typed_wrong_is_said_so(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    answer = Terminal(tmp_path, {}).run("export", "ledger", *words)
    assert (answer.status, said in answer.stderr) == (2, True)


def test_without_a_file_the_entries_are_all_that_is_answered(terminal: Terminal) -> None:
    answer = terminal.run("export", "ledger", "--format", "hledger", "--since-last")
    assert answer.stdout == export(terminal)
    assert answer.stderr.splitlines()[0] == "9 entries, export 1."
    assert terminal.run("export", "ledger-again").stdout == answer.stdout
