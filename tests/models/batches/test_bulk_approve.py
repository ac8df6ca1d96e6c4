"""Many bills approved at once: resumable, never twice, and nobody at one bill stops the others."""

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from models.batches.bulk_approve import (
    ApprovalReport,
    approval_report,
    approve_step,
    end_approving,
    keep_selection,
    start_approving,
)
from models.db.database import Database
from models.errors import NotFound, Refusal
from tests.harness.books import act, make_bills
from tests.harness.cast import People
from tests.harness.record import verbs_of


def told(refused: Refusal) -> str:
    return refused.sentence


async def kept(db: Database, people: People, bills: Sequence[int]) -> int:
    async with db.transaction() as session:
        return await keep_selection(session, [(one, 1) for one in bills], act(people.kim))


async def begun(db: Database, people: People, list_id: int) -> ApprovalReport:
    async with db.transaction() as session:
        assert await start_approving(session, list_id, act(people.kim), told)
        return await approval_report(session, list_id)


async def test_a_list_goes_on_where_it_stopped_and_approves_nothing_twice(
    db: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.batches.bulk_approve.CHUNK", 1)
    bills = await make_bills(db, people.ana, 3)
    list_id = await kept(db, people, bills)
    assert (await begun(db, people, list_id)).approved == 1
    with pytest.raises(KeyboardInterrupt):
        async with db.transaction() as session:
            await approve_step(session, list_id, act(people.kim), told, bills[0])
            raise KeyboardInterrupt
    for _ in range(3):
        async with db.transaction() as session:
            await approve_step(session, list_id, act(people.kim), told)
    async with db.transaction() as session:
        assert not await start_approving(session, list_id, act(people.kim), told)
        await end_approving(session, list_id, told)
        report = await approval_report(session, list_id)
    assert (report.approved, report.awaited, report.left_out) == (3, 0, 0)
    assert [await verbs_of(db, one) for one in bills] == [["generate", "approve"]] * 3


async def test_what_somebody_is_at_is_passed_over_and_in_the_end_named(
    db: Database, people: People
) -> None:
    bills = await make_bills(db, people.ana, 3)
    list_id = await kept(db, people, bills)
    async with db.transaction() as other:
        await other.execute(
            sa.text("select from bills where id = :id for update"), {"id": bills[1]}
        )
        report = await begun(db, people, list_id)
        assert (report.approved, report.ended) == (2, False)
    async with db.transaction() as session:
        await end_approving(session, list_id, told)
        report = await approval_report(session, list_id)
    assert (report.approved, report.left_out) == (2, 1)
    assert "Nothing was done; try again" in str(report.outcomes[0].left_out)
    assert report.outcomes[0].line.id == bills[1]


async def test_of_bills_that_two_must_sign_the_first_word_is_told_as_such(
    db: Database, people: People
) -> None:
    bills = await make_bills(db, people.ana, 2)
    async with db.transaction() as session:
        both = "update customers set require_csm_approval = true, require_sales_approval = true"
        await session.execute(sa.text(both))
    report = await begun(db, people, await kept(db, people, bills))
    assert (report.approved, report.awaited, report.ended) == (2, 2, True)
    assert all(one.awaited for one in report.outcomes)


async def test_a_list_is_its_owners_alone(db: Database, people: People) -> None:
    list_id = await kept(db, people, await make_bills(db, people.ana))
    async with db.transaction() as session:
        with pytest.raises(NotFound, match="somebody else"):
            await start_approving(session, list_id, act(people.lee), told)
