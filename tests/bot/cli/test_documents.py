"""`countersign document`: the very bytes that were issued."""

from pathlib import Path

import pytest

from models.actions.approve import approve_bill
from models.actions.send import send_bill
from models.bills.documents import Document
from tests.harness.billing import DELAY, MAIL, clock
from tests.harness.cast import People
from tests.harness.database import TestDatabase
from tests.harness.drawing import draw_here
from tests.harness.issuing import issue_bill
from tests.harness.scene import NOW, act, bill_for
from tests.harness.terminal import Terminal


@pytest.fixture
async def content(database: TestDatabase, people: People) -> bytes:
    """Of Acme's October, issued as 2026-000001."""
    async with database.db.transaction() as session:
        bill = await bill_for(session, act(people.ana), **MAIL)
        await approve_bill(session, bill.id, bill.version, act(people.kim))
        await send_bill(session, bill.id, bill.version, act(people.ana))
        assert await issue_bill(session, bill.id, clock(people, NOW + DELAY), draw_here)
        return (await session.get_one(Document, bill.id)).content


@pytest.fixture
def terminal(database: TestDatabase, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, {"DATABASE_URL": database.url})


@pytest.mark.parametrize("reference", ["2026-000001", "#1", "Acme Corp 2026-10"])
def test_a_document_is_written_as_it_was_issued_however_its_bill_is_named(
    terminal: Terminal, content: bytes, reference: str
) -> None:
    told = terminal.done("document", reference, "-o", "invoice.pdf")
    assert told == "invoice.pdf: 2026-000001, application/pdf.\n"
    assert (terminal.folder / "invoice.pdf").read_bytes() == content


@pytest.fixture
async def unissued(database: TestDatabase, people: People) -> int:
    async with database.db.transaction() as session:
        return (await bill_for(session, act(people.ana))).id


def test_a_bill_that_is_not_issued_has_none(terminal: Terminal, unissued: int) -> None:
    refused = terminal.run("document", f"#{unissued}", "-o", "invoice.pdf")
    assert refused.status == 1
    assert "It gets one when it is issued." in refused.stderr
    assert not (terminal.folder / "invoice.pdf").exists()
