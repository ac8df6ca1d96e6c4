"""A limit or price with the month from which it holds, and what bills make of it."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from models.db.database import Database
from models.imports.files import Imported
from models.imports.rows import BadRows, Flaw
from models.period import Period
from tests.billed import write_bill
from tests.harness.cast import People
from tests.harness.files import ACME, HEADERS, NOW, load, load_rows, rows_of
from tests.harness.terminal import Terminal

DATED = f"{HEADERS['customers']},valid_from"
TERMS = """
select name, valid_from, t.monthly_api_limit, t.overage_unit_cost
from customer_terms t join customers c on c.id = customer_id order by 1, 2"""
FIRST = ("Acme", date(2024, 1, 1), 1000, Decimal("0.002"))
DEARER = ACME.replace("0.002", "0.003")


async def load_dated(db: Database, people: People, *rows: str) -> Imported:
    return await load(db, people.ana, "customers", "\n".join((DATED, *rows)))


async def bill(db: Database, name: str, month: Period) -> None:
    [(customer_id,)] = await rows_of(db, f"select id from customers where name = '{name}'")
    async with db.transaction() as session:
        await write_bill(session, customer_id, month, f"{name} {month}")


@pytest.mark.parametrize(
    ("written", "holds_from"),
    [
        ("2026-08", date(2026, 8, 1)),
        ("2026-08-01", date(2026, 8, 1)),
        ("2027-02", date(2027, 2, 1)),
        ("", date(2026, 11, 1)),
    ],
)
async def test_terms_hold_from_the_month_of_their_row(
    db: Database, people: People, written: str, holds_from: date
) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    assert await load_dated(db, people, f"{DEARER},{written}") == Imported(0, 1, 0)
    kept = [FIRST, ("Acme", holds_from, 1000, Decimal("0.003"))]
    assert await rows_of(db, TERMS) == kept
    shown = Decimal("0.003") if holds_from <= NOW.date() else Decimal("0.002")
    assert await rows_of(db, "select overage_unit_cost from customers") == [(shown,)]
    assert await load_dated(db, people, f"{DEARER},{written}") == Imported(0, 0, 1)
    assert await rows_of(db, TERMS) == kept


async def test_later_terms_stay_and_customers_show_those_of_today(
    db: Database, people: People
) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    await load_dated(db, people, f"{DEARER},2026-10")
    cheaper = ACME.replace("0.002", "0.001")
    assert await load_dated(db, people, f"{cheaper},2026-08") == Imported(0, 1, 0)
    assert [row[3] for row in await rows_of(db, TERMS)] == [
        *(Decimal("0.002"), Decimal("0.001"), Decimal("0.003"))
    ]
    assert await rows_of(db, "select overage_unit_cost from customers") == [(Decimal("0.003"),)]
    assert await load_dated(db, people, f"{cheaper},2026-08") == Imported(0, 0, 1)


async def test_the_first_terms_of_a_new_customer_stand_at_their_month(
    db: Database, people: People
) -> None:
    rows = (f"{ACME},2024-06", f"{ACME.replace('Acme', 'Beta')},", f"{HOOLI},2026-12")
    assert await load_dated(db, people, *rows) == Imported(3, 0, 0)
    assert [row[:2] for row in await rows_of(db, TERMS)] == [
        ("Acme", date(2024, 6, 1)),
        ("Beta", date(2024, 1, 1)),
        ("Hooli", date(2026, 12, 1)),
    ]
    assert await load_dated(db, people, *rows) == Imported(0, 0, 3)


HOOLI = ACME.replace("Acme", "Hooli")


async def test_a_frozen_month_refuses_its_row_and_with_it_the_file(
    db: Database, people: People
) -> None:
    await load_rows(db, people.ana, "customers", ACME, HOOLI)
    await bill(db, "Acme", Period(2026, 8))
    await bill(db, "Hooli", Period(2026, 12))
    dearer = DEARER.replace("Acme", "Hooli")
    with pytest.raises(BadRows) as refused:
        await load_dated(db, people, f"{DEARER},2026-08", "New,,,,,,1,,,,,,", f"{dearer},2024-01")
    assert refused.value.flaws == [
        Flaw(
            line,
            "valid_from",
            f"the bill of {last} has its number already; terms can change from {possible} on",
        )
        for line, last, possible in ((2, "2026-08", "2026-09"), (4, "2026-12", "2027-01"))
    ]
    assert [row[:2] for row in await rows_of(db, TERMS)] == [
        ("Acme", date(2024, 1, 1)),
        ("Hooli", date(2024, 1, 1)),
    ]
    assert await load_dated(db, people, f"{DEARER},2026-09", f"{dearer},") == Imported(0, 2, 0)


async def test_a_file_that_says_nothing_new_of_a_frozen_month_is_no_change(
    db: Database, people: People
) -> None:
    await load_dated(db, people, f"{ACME},2026-08")
    await bill(db, "Acme", Period(2026, 8))
    assert await load_dated(db, people, f"{ACME},2026-08") == Imported(0, 0, 1)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("2026-13", "is not a month from 2000 to 2200"),
        ("1999-12", "is not a month from 2000 to 2200"),
        ("2201-01", "is not a month from 2000 to 2200"),
        ("Oct-2026-1", "is not a month from 2000 to 2200"),
        ("2026-08-02", "is not the first day of a month"),
    ],
)
async def test_what_is_no_month_is_refused(
    db: Database, people: People, written: str, reason: str
) -> None:
    with pytest.raises(BadRows) as refused:
        await load_dated(db, people, f"{ACME},{written}")
    [flaw] = refused.value.flaws
    assert (flaw.line, flaw.column) == (2, "valid_from")
    assert reason in flaw.reason


# -- from the command line -----------------------------------------------------------------


@pytest.fixture
def terminal(database_url: str, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, {"DATABASE_URL": database_url})


def importing(terminal: Terminal, table: str, *rows: str, header: str = "") -> tuple[str, ...]:
    """The words that import such a file."""
    content = "\n".join((header or HEADERS[table], *rows))
    (terminal.folder / f"{table}.csv").write_text(content, encoding="utf-8")
    return ("import", table, f"{table}.csv")


def found(terminal: Terminal, query: str) -> list[Any]:
    with psycopg.connect(terminal.settings["DATABASE_URL"]) as connection:
        return connection.execute(query).fetchall()


def bill_january(terminal: Terminal) -> None:
    """#1 of Acme at 0.25 a call; #2 of Beta held, for it has no price; nothing over Low's limit."""
    terminal.done("people", "add", "Kim", "--role", "customer success", "--slack-id", "UKIM")
    customers = (
        "Acme,Kim,,,,USD,1000,0.25,,,true,",
        "Beta,Kim,,,,USD,1000,,,,true,",
        "Low,Kim,,,,USD,9000,0.5,,,true,",
    )
    terminal.done(*importing(terminal, "customers", *customers))
    usage = [f"{name},2024,1,1500" for name in ("Acme", "Beta", "Low")]
    terminal.done(*importing(terminal, "usage", *usage))
    terminal.done("generate", "2024-01")


BILLS = """
select b.id, status, hold_reason, b.overage_amount,
       array_agg(action || ' by ' || name order by a.id)
from bills b join bill_actions a on a.bill_id = b.id join users u on u.id = stakeholder_id
group by b.id order by b.id"""
ASKED = """
select bill_id from messages p join users u on recipient = 'user:' || u.id
where kind = 'card' and name = 'Kim' order by 1"""
ONCE, AGAIN = ["generate by system"], ["generate by system", "invalidate by system"]


def test_a_price_of_a_past_month_is_corrected_and_its_bills_ask_again(terminal: Terminal) -> None:
    bill_january(terminal)
    assert found(terminal, BILLS) == [
        (1, "pending", None, Decimal("125.00"), ONCE),
        (2, "held", "no_price", None, ONCE),
    ]
    assert found(terminal, ASKED) == [(1,)]
    right = [
        "Acme,Kim,,,,USD,1000,0.20,,,true,,2024-01",
        "Beta,Kim,,,,USD,1000,0.10,,,true,,2024-01-01",
        "Low,Kim,,,,USD,1400,0.5,,,true,,2024-01",
    ]
    undated = [row.rpartition(",")[0] for row in right]
    assert "worked out anew" not in terminal.done(*importing(terminal, "customers", *undated))
    words = importing(terminal, "customers", *right, header=DATED)
    assert terminal.done(*words).splitlines() == [
        "customers.csv: 0 added, 3 changed, 0 unchanged.",
        "  2 bills worked out anew and waiting for approval again: #1, #2",
    ]
    settled = [
        (1, "pending", None, Decimal("100.00"), AGAIN),
        (2, "pending", None, Decimal("50.00"), AGAIN),
    ]
    assert found(terminal, BILLS) == settled
    assert found(terminal, ASKED) == [(1,), (2,)]
    assert terminal.done(*words) == ("customers.csv: nothing to do, all 3 rows are as they were.\n")
    assert found(terminal, BILLS) == settled
    assert terminal.done("generate", "2024-01").splitlines()[0] == "2024-01: 1 bill generated."
    assert terminal.run("verify").status == 0


def test_bills_that_nobody_can_decide_any_more_are_told_of(terminal: Terminal) -> None:
    bill_january(terminal)
    leave = importing(terminal, "people", "Kim,,,UKIM")
    assert terminal.done(*leave).splitlines() == [
        "people.csv: 0 added, 1 changed, 0 unchanged.",
        "  Kim is without a role now, and was Customer Success",
        "  1 bill held, because nobody can decide it now: #1",
    ]


def test_a_script_is_told_of_them_by_number(terminal: Terminal) -> None:
    bill_january(terminal)
    leave = importing(terminal, "people", "Kim,,,UKIM")
    told = json.loads(terminal.done(*leave, "--json"))
    assert [change["after"]["role"] for change in told.pop("people")] == [None]
    assert told == {"added": 0, "changed": 1, "unchanged": 0, "held": 1}
