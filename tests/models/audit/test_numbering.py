"""The proof of numbers and documents: no gap, and each number has the document that went out."""

from functools import partial

import pytest

from models.db.database import Database
from models.queries.scope import EVERYTHING, Scope
from tests.harness.books import OCTOBER, make_bills, send_out
from tests.harness.cast import People
from tests.harness.database import TestDatabase
from tests.harness.tampering import actions_of, discrepancies, tamper


@pytest.fixture
async def sent(database: TestDatabase, people: People) -> list[int]:
    """Four bills that have gone out, with the numbers 2026-000001 to 2026-000004."""
    return await database.seeded("test_numbering", partial(_sent, database.db, people))


async def _sent(db: Database, people: People) -> list[int]:
    made = await make_bills(db, people.ana, customers=4)
    for bill in made:
        await send_out(db, people, bill)
    return made


async def test_what_has_gone_out_fits(db: Database, sent: list[int]) -> None:
    assert await discrepancies(db) == []


WRONG_NUMBERS = {
    "a number is taken away": (
        ["update bills set number = null where id = {bill}"],
        "2026-000002 is missing before its number 2026-000003",
    ),
    "a number is put off": (
        ["update bills set number = '2026-000009' where id = {last}"],
        "2026-000004 to 2026-000008 are missing before its number 2026-000009",
    ),
    "a number of another series": (
        ["update bills set number = 'CN-2026-000002' where id = {bill}"],
        "its number CN-2026-000002 is not one of its kind",
    ),
    "a number of ones own": (
        ["update bills set number = 'X' where id = {bill}"],
        "its number X is not one of its kind",
    ),
    "a number written in another way": (
        ["update bills set number = '2026-0000002' where id = {bill}"],
        "its number 2026-0000002 is not one of its kind",
    ),
    "the last number is taken away": (
        ["update bills set number = null where id = {last}"],
        "the invoices of 2026 are counted up to 4, but end with 3",
    ),
    "a count is put back": (
        ["update number_series set last = 2"],
        "the invoices of 2026 are counted up to 2, but end with 4",
    ),
    "a count is removed": (
        ["delete from number_series"],
        "the invoices of 2026 are counted up to 0, but end with 4",
    ),
}


@pytest.mark.parametrize("what", WRONG_NUMBERS)
async def test_numbers_are_held_to_their_series(
    db: Database, database_url: str, sent: list[int], what: str
) -> None:
    statements, said = WRONG_NUMBERS[what]
    tamper(database_url, *(sql.format(bill=sent[1], last=sent[3]) for sql in statements))
    for scope in (EVERYTHING, Scope(OCTOBER)):
        assert said in {discrepancy.what for discrepancy in await discrepancies(db, scope)}
    assert said not in {
        discrepancy.what for discrepancy in await discrepancies(db, Scope(bill_id=sent[1]))
    }


WRONG_DOCUMENTS = {
    "another document is put in its place": (
        "update documents set content = 'other' where bill_id = {bill}",
        "it is about another document than the one that is kept",
    ),
    "its document is removed": (
        "delete from documents where bill_id = {bill}",
        "it has the number 2026-000002, but no document",
    ),
    "its document is given another number": (
        "update documents set number = '2026-000009' where bill_id = {bill}",
        "its number is 2026-000002, but its document is that of 2026-000009",
    ),
    "a number is taken from it": (
        "update bills set number = null where id = {bill}",
        "it has the document of 2026-000002, but no number",
    ),
    "the hash is kept and the content changed": (
        "alter table documents alter sha256 drop expression;"
        " update documents set content = 'other' where bill_id = {bill}",
        "its document is not the one whose hash was kept",
    ),
}


@pytest.mark.parametrize("what", WRONG_DOCUMENTS)
async def test_documents_are_held_to_number_and_record(
    db: Database, database_url: str, sent: list[int], what: str
) -> None:
    statement, said = WRONG_DOCUMENTS[what]
    tamper(database_url, statement.format(bill=sent[1]))
    for scope in (EVERYTHING, Scope(OCTOBER), Scope(bill_id=sent[1])):
        found = await discrepancies(db, scope)
        assert said in {discrepancy.what for discrepancy in found}
        assert {discrepancy.bill_id for discrepancy in found} <= {sent[1], sent[2], None}


async def test_issue_and_delivery_are_named_whose_document_was_exchanged(
    db: Database, database_url: str, sent: list[int]
) -> None:
    actions = actions_of(database_url, sent[1])
    tamper(database_url, f"update documents set content = 'other' where bill_id = {sent[1]}")
    assert [discrepancy.action_id for discrepancy in await discrepancies(db)] == actions[-2:]
