"""The evidence is read as it is: people, documents and hashes, also where a record is broken."""

import json
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from models.actions.approve import approve_bill
from models.audit.evidence import (
    BillEvidence,
    VerifySummary,
    by_state,
    evidence_lines,
    evidence_of_bills,
    verify_scope,
)
from models.bills.states import BillKind, State, Verb
from models.db.database import Database
from models.errors import NotFound
from models.period import Period
from models.queries.scope import EVERYTHING, Scope
from tests.harness.books import OCTOBER, act, make_bills, send_out, work_on
from tests.harness.cast import People
from tests.harness.database import TestDatabase
from tests.harness.tampering import actions_of, tamper
from tests.harness.terminal import Terminal


@pytest.fixture
async def bills(database: TestDatabase, people: People) -> list[int]:
    """Three bills: one new, one worked on and sent, one with one of two approvals."""
    return await database.seeded("test_evidence", partial(_bills, database.db, people))


async def _bills(db: Database, people: People) -> list[int]:
    made = await make_bills(db, people.ana, customers=3)
    await work_on(db, people, made[1])
    await send_out(db, people, made[1])
    async with db.transaction() as session:
        await session.execute(
            sa.text("update customers set second_approval_above = 1 where name = 'Customer 3'")
        )
        await approve_bill(session, made[2], 1, act(people.kim, 5))
    return made


async def gathered(
    db: Database, scope: Scope = EVERYTHING
) -> tuple[VerifySummary, list[BillEvidence]]:
    async with db.reading() as session:
        verdict = await verify_scope(session, scope, lambda looked: None)
        return verdict, [bill async for bill in evidence_of_bills(session, scope, verdict)]


async def test_each_bill_is_gathered_whole(db: Database, bills: list[int]) -> None:
    verdict, gathered_bills = await gathered(db, Scope(OCTOBER))
    assert (verdict.bills, verdict.actions, verdict.discrepancies) == (3, 10, 0)
    assert [bill.line.id for bill in gathered_bills] == bills
    sent = gathered_bills[1]
    assert sent.facts is not None
    assert sent.paper is not None
    assert (sent.line.number, sent.paper.number) == ("2026-000001", "2026-000001")
    assert sent.paper.size_bytes == len(f"2026-000001: {sent.line.amount} USD")
    [(needed, given)] = sent.required
    assert (needed.slot, given and given.by.name) == ("any", "Sam")
    links = [(link.prev_hash, link.hash) for link in sent.record]
    assert links[0][0] is None
    assert [link[0] for link in links[1:]] == [link[1] for link in links[:-1]]
    verbs = [link.entry for link in sent.record]
    assert [entry.verb for entry in verbs if entry][-3:] == [Verb.SEND, Verb.ISSUE, Verb.DELIVER]


async def test_what_is_needed_stands_beside_what_was_given(db: Database, bills: list[int]) -> None:
    _, [bill] = await gathered(db, Scope(bill_id=bills[2]))
    given = {needed.slot: entry.by.name if entry else None for needed, entry in bill.required}
    assert given == {"csm": "Kim", "sales": None}


async def test_an_approval_that_is_not_asked_for_any_more_is_told_all_the_same(
    db: Database, bills: list[int]
) -> None:
    async with db.transaction() as session:
        await session.execute(sa.text("update customers set second_approval_above = null"))
    _, [bill] = await gathered(db, Scope(bill_id=bills[2]))
    given = {needed.slot: entry.by.name if entry else None for needed, entry in bill.required}
    assert given == {"any": None, "csm": "Kim"}


async def test_a_month_is_summed_by_state_kind_and_currency(db: Database, bills: list[int]) -> None:
    async with db.reading() as session:
        states = await by_state(session, Scope(OCTOBER))
        lines = [line.customer async for line in evidence_lines(session, Scope(OCTOBER))]
        empty = await by_state(session, Scope(Period(2026, 9)))
    told = [(one.status, one.kind, one.bills, [str(a) for _, a in one.totals]) for one in states]
    assert told == [
        (State.PENDING, BillKind.OVERAGE, 2, ["200.00"]),
        (State.SENT, BillKind.OVERAGE, 1, ["100.00"]),
    ]
    assert lines == ["Customer 1", "Customer 2", "Customer 3"]
    assert empty == []


async def test_a_broken_record_is_shown_with_what_is_wrong(
    db: Database, database_url: str, bills: list[int]
) -> None:
    actions = actions_of(database_url, bills[1])
    tamper(
        database_url,
        f"update bill_actions set reverses_id = null where id = {actions[2]}",
    )
    verdict, found = await gathered(db, Scope(OCTOBER))
    assert [bill.facts is None for bill in found] == [False, True, False]
    broken = found[1]
    assert [discrepancy.action_id for discrepancy in broken.discrepancies] == [actions[2]]
    assert [link.id for link in broken.record] == actions
    assert verdict.discrepancies == 1


async def test_a_bill_of_which_only_its_record_is_left_is_refused(
    db: Database, database_url: str, bills: list[int]
) -> None:
    tamper(database_url, f"delete from bills where id = {bills[0]}")
    with pytest.raises(NotFound, match="has been removed"):
        await gathered(db, Scope(bill_id=bills[0]))


async def test_few_bills_at_a_time_are_read(
    db: Database, bills: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.audit.evidence.BATCH_BILLS", 2)
    _, found = await gathered(db)
    assert [bill.line.id for bill in found] == bills


def test_the_command_writes_a_page_of_a_bill_or_a_month(
    database_url: str, tmp_path: Path, bills: list[int]
) -> None:
    terminal = Terminal(tmp_path, {"DATABASE_URL": database_url, "TIMEZONE": "Asia/Kathmandu"})
    assert terminal.done("export", "evidence", "2026-10", "--output", "month.html") == (
        "month.html: 3 bills.\n"
    )
    assert terminal.done("export", "evidence", "customer 2 2026-10", "--output", "one.html") == (
        "one.html: 1 bill.\n"
    )
    month, one = (
        (tmp_path / name).read_text(encoding="utf-8") for name in ("month.html", "one.html")
    )
    for action in terminal.done("export", "actions", "--format", "jsonl").splitlines():
        assert f"hash {json.loads(action)['hash']}" in month
    assert month.count('<section class="bill"') == 3
    assert one.count('<section class="bill"') == 1
    assert "Times are those of Asia/Kathmandu, with UTC beside them" in one
    refused = terminal.run("export", "evidence", "#77", "--output", "none.html")
    assert (refused.status, refused.stderr) == (1, "There is no bill #77.\n")
    assert not (tmp_path / "none.html").exists()
