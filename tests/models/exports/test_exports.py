"""The books as files: whole, exact, safe to open, and enough to recompute every hash."""

import asyncio
import csv
import io
import json
import subprocess
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from models.actions.comment import add_comment
from models.db.database import Database
from models.exports.books import export_book
from models.exports.formats import DATED, Format, Table
from models.imports.files import Imported
from models.period import Period
from models.queries.scope import EVERYTHING, Scope
from models.usage.usage import record_usage
from tests.architecture.pages import page
from tests.harness.books import OCTOBER, act, make_bills, send_out, work_on
from tests.harness.cast import People
from tests.harness.database import TestDatabase, unguarded
from tests.harness.files import load
from tests.harness.pulled import pull_days
from tests.harness.tampering import actions_of, tamper

NASTY = '=HYPERLINK("http://x","1")\n„Ünïcode“, \\N and \'quotes\'\t'


@pytest.fixture
async def bills(database: TestDatabase, people: People) -> list[int]:
    """Three bills: one is new, one has been worked on and sent, one has a nasty customer."""
    return await database.seeded("test_exports", partial(_bills, database.db, people))


async def _bills(db: Database, people: People) -> list[int]:
    made = await make_bills(db, people.ana, customers=3)
    await work_on(db, people, made[1])
    await send_out(db, people, made[1])
    async with db.transaction() as session:
        await session.execute(
            sa.text("update customers set name = '-2+3' where id = (select max(id) from customers)")
        )
        await add_comment(session, made[2], act(people.kim), NASTY)
    return made


async def written(
    db: Database, table: Table, form: Format, scope: Scope = EVERYTHING
) -> list[dict[str, Any]]:
    async with db.reading() as session:
        pieces = [
            p async for p in export_book(session, table, form, scope, lambda done, total: None)
        ]
    text = b"".join(pieces).decode()
    if form is Format.CSV:
        return list(csv.DictReader(io.StringIO(text, newline="")))
    return [json.loads(line) for line in text.split("\n")[:-1]]


@pytest.mark.parametrize("table", Table)
async def test_both_forms_have_the_same_rows_and_columns(
    db: Database, bills: list[int], table: Table
) -> None:
    as_csv, as_json = [await written(db, table, form) for form in Format]
    assert len(as_csv) == len(as_json) > 0
    assert {tuple(row) for row in as_csv} == {tuple(as_json[0])}
    assert {tuple(row) for row in as_json} == {tuple(as_json[0])}


async def test_a_bill_is_told_with_its_figures_number_and_document(
    db: Database, bills: list[int]
) -> None:
    rows = {row["id"]: row for row in await written(db, Table.BILLS, Format.JSONL)}
    sent = rows[bills[1]]
    assert (sent["number"], sent["status"], sent["month"]) == ("2026-000001", "sent", "2026-10")
    assert (sent["customer"], sent["kind"], sent["currency"]) == ("Customer 2", "overage", "USD")
    assert sent["overage_amount"] == "100.00"
    assert Decimal(sent["overage_unit_cost"]) * sent["overage_units"] == Decimal("100")
    assert len(bytes.fromhex(sent["document_sha256"])) == 32
    assert rows[bills[0]]["number"] is None
    assert rows[bills[0]]["created_at"] == "2026-11-02T09:00:00.000000Z"


async def test_an_action_is_told_with_people_by_id_and_name(
    db: Database, people: People, bills: list[int]
) -> None:
    rows = await written(db, Table.ACTIONS, Format.JSONL, Scope(bill_id=bills[1]))
    rejected = rows[1]
    assert (rejected["action"], rejected["source"]) == ("reject", "slack")
    assert (rejected["stakeholder_id"], rejected["stakeholder"]) == (people.kim.id, "Kim")
    assert rejected["acted_for_id"] is None
    assert rejected["snapshot"]["after"]["status"] == "rejected"
    assert rejected["prev_hash"] == rows[0]["hash"]


async def test_a_spreadsheet_takes_nothing_for_a_formula(db: Database, bills: list[int]) -> None:
    [row] = await written(db, Table.BILLS, Format.CSV, Scope(bill_id=bills[2]))
    assert row["customer"] == "'-2+3"
    told = (await written(db, Table.ACTIONS, Format.CSV, Scope(bill_id=bills[2])))[-1]
    assert told["comment"] == f"'{NASTY.strip()}"
    exact = (await written(db, Table.ACTIONS, Format.JSONL, Scope(bill_id=bills[2])))[-1]
    assert (exact["customer"], exact["comment"]) == ("-2+3", NASTY.strip())


@pytest.mark.parametrize(
    "name", ["+1", "@SUM(1)", " =1", "\u00a0=1", "＝1", "－1", "-", "=", "  @x"]
)
async def test_names_that_begin_like_a_formula_are_quoted(
    db: Database, bills: list[int], name: str
) -> None:
    async with db.transaction() as session:
        await session.execute(
            sa.text("update customers set name = :name where name = 'Customer 1'"), {"name": name}
        )
    [row] = await written(db, Table.BILLS, Format.CSV, Scope(bill_id=bills[0]))
    assert row["customer"] == f"'{name}"


async def test_usage_is_told_with_every_change_of_it(
    db: Database, people: People, bills: list[int]
) -> None:
    async with db.transaction() as session:
        customer = await session.scalar(sa.text("select min(id) from customers"))
        assert customer
        await record_usage(session, customer, OCTOBER, 1700, act(people.ana), "counted again")
    rows = await written(db, Table.USAGE, Format.JSONL, Scope(bill_id=bills[0]))
    [row] = rows
    assert (row["year"], row["month"], row["api_usage"]) == (2026, 10, 1700)
    [change] = row["changes"]
    assert (change["old"], change["new"], change["by"]) == (1500, 1700, "Ana")
    assert (change["reason"], change["at"]) == ("counted again", "2026-11-02T09:00:00.000000Z")
    assert len(await written(db, Table.USAGE, Format.JSONL)) == 3


async def test_usage_is_told_with_where_it_came_from_and_read_back_unchanged(
    db: Database, people: People, bills: list[int]
) -> None:
    async with db.transaction() as session:
        customer = await session.scalar(sa.text("select min(id) from customers"))
        assert customer
        pull = await pull_days(session, act(people.ana), customer, {OCTOBER.first_day: 1700})
        first = pull.id
        await record_usage(session, customer, OCTOBER, 1800, act(people.ana), "=counted again")
    [row] = await written(db, Table.USAGE, Format.CSV, Scope(bill_id=bills[0]))
    assert (row["recorded_by"], row["recorded_from"]) == ("Ana", "slack")
    assert (row["recorded_reason"], row["recorded_at"][:10]) == ("'=counted again", "2026-11-02")
    assert (row["recorded_file"], row["pulled_from"], row["pull_id"]) == ("", "", "")
    [row] = await written(db, Table.USAGE, Format.JSONL, Scope(bill_id=bills[0]))
    assert [one["pull_id"] for one in row["changes"]] == [first, None]

    async with db.transaction() as session:
        again = (await pull_days(session, act(people.ana), customer, {OCTOBER.first_day: 1700})).id
    [row] = await written(db, Table.USAGE, Format.JSONL, Scope(bill_id=bills[0]))
    assert (row["pulled_from"], row["pull_id"], row["recorded_file"]) == ("events", again, None)
    async with db.reading() as session:
        pieces = export_book(session, Table.USAGE, Format.CSV, EVERYTHING, lambda *_: None)
        book = b"".join([piece async for piece in pieces])
    assert await load(db, people.ana, "usage", book.decode()) == Imported(0, 0, 3)
    assert await written(db, Table.USAGE, Format.JSONL, Scope(bill_id=bills[0])) == [row]


@pytest.mark.parametrize("table", DATED)
async def test_a_month_or_a_bill_is_exported_alone(
    db: Database, bills: list[int], table: Table
) -> None:
    everything = await written(db, table, Format.JSONL)
    assert await written(db, table, Format.JSONL, Scope(OCTOBER)) == everything
    assert await written(db, table, Format.JSONL, Scope(Period(2026, 9))) == []
    ones = [await written(db, table, Format.JSONL, Scope(bill_id=bill)) for bill in bills]
    assert sorted((row for one in ones for row in one), key=lambda row: row["id"]) == everything


async def test_what_is_left_of_a_record_is_exported_without_its_bill(
    db: Database, database_url: str, bills: list[int]
) -> None:
    with psycopg.connect(database_url) as connection, unguarded(connection):
        connection.execute("delete from bills where id = %s", [bills[0]])
    [row] = await written(db, Table.ACTIONS, Format.JSONL, Scope(bill_id=bills[0]))
    assert (row["bill_id"], row["customer"]) == (bills[0], None)


async def test_nothing_secret_is_exported(db: Database, bills: list[int]) -> None:
    async with db.transaction() as session:
        await session.execute(sa.text("update users set password_digest = 'sekret', email = 'e@x'"))
    told = {table: str([await written(db, table, form) for form in Format]) for table in Table}
    assert "sekret" not in str(told)
    assert "e@x" not in str([told[table] for table in DATED])


@pytest.mark.parametrize("tampered", [False, True])
async def test_the_recipe_in_the_documentation_recomputes_every_hash(
    db: Database, database_url: str, bills: list[int], tmp_path: Path, tampered: bool
) -> None:
    actions = actions_of(database_url, bills[1])
    if tampered:
        tamper(database_url, f"update bill_actions set comment = 'x' where id = {actions[2]}")
    rows = tmp_path / "actions.jsonl"
    async with db.reading() as session:
        pieces = export_book(
            session, Table.ACTIONS, Format.JSONL, EVERYTHING, lambda done, total: None
        )
        rows.write_bytes(b"".join([piece async for piece in pieces]))
    [recipe] = page("docs/how-to/prove-a-bill.md").fenced("python")
    command = [sys.executable, "-c", recipe, str(rows)]
    ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True)
    told = ended.stdout.decode()
    wrong = [f"action {actions[2]} does not fit"] if tampered else []
    assert told.splitlines() == [*wrong, f"3 bills, {len(wrong)} actions do not fit"]


async def test_progress_counts_rows(db: Database, bills: list[int]) -> None:
    told: list[tuple[int, int]] = []
    async with db.reading() as session:
        pieces = export_book(
            session, Table.BILLS, Format.CSV, EVERYTHING, lambda *at: told.append(at)
        )
        assert len([piece async for piece in pieces]) == 4
    assert told == [(3, 3)]
