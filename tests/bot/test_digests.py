"""A digest stays true: after each decision it says what still waits."""

from functools import partial

from bot.worker.worker import Worker
from models.actions.approve import approve_bill, reject_bill
from models.actions.undo import undo_decision
from models.bills.states import RejectReason
from models.db.database import Database
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import all_settled, rows, said_to
from tests.harness.books import act, make_bills
from tests.harness.cast import People
from tests.harness.waiting import until


async def test_a_digest_is_redrawn_after_each_decision(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    bills = await make_bills(db, people.ana, 11)
    await until(lambda: all_settled(db))
    async with db.transaction() as session:
        await approve_bill(session, bills[0], 1, act(people.kim))
    for reader in ("UKIM", "ULEE"):
        await until(partial(_tells, slack, reader, "10 bills of October 2026 wait"))
    for bill_id in bills[1:]:
        async with db.transaction() as session:
            await approve_bill(session, bill_id, 1, act(people.lee))
    await until(lambda: _tells(slack, "UKIM", "All 11 are decided"))
    await until(lambda: _tells(slack, "ULEE", "All 11 are decided"))


async def test_a_decision_taken_back_stands_in_the_digest_again(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    (first, *_) = await make_bills(db, people.ana, 11)
    await until(lambda: all_settled(db))
    async with db.transaction() as session:
        why = (RejectReason.USAGE_WRONG, "too many")
        rejection = await reject_bill(session, first, 1, act(people.kim), *why)
    await until(lambda: _tells(slack, "UKIM", "10 bills"))
    async with db.transaction() as session:
        await undo_decision(session, first, 2, act(people.kim, 1), "they are right", rejection.id)
    await until(lambda: _tells(slack, "UKIM", "11 bills"))


async def test_what_waits_for_another_role_alone_does_not_wait_for_the_reader(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    both = "update customers set require_csm_approval = true, require_sales_approval = true"
    bills = await make_bills(db, people.ana, 11)
    await until(lambda: all_settled(db))
    await rows(db, f"{both} returning id")
    async with db.transaction() as session:
        await approve_bill(session, bills[0], 1, act(people.kim))
    for reader in ("UKIM", "ULEE"):
        await until(partial(_tells, slack, reader, "10 bills"))
    (bill,) = await rows(db, "select status from bills where id = :id", id=bills[0])
    assert bill.status == "pending"


async def _tells(slack: Sandbox, user: str, words: str) -> bool:
    return any(text.startswith(words) for text in said_to(slack, user))
