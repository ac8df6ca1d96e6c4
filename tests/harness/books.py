"""A few customers and their bills, made as the product makes them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from models.actions.approve import approve_bill, reject_bill
from models.actions.send import send_bill
from models.actions.undo import undo_decision
from models.batches.bill_run import run_step, start_bill_run
from models.bills.bill import get_bill
from models.bills.states import RejectReason
from models.context import Context, Source, as_system
from models.db.database import Database
from models.people.users import User
from models.period import Period
from models.settings import BillingSettings
from tests.harness.billing import drawn
from tests.harness.cast import People
from tests.harness.issuing import issue_bill, mark_delivered

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
OCTOBER = Period(2026, 10)


def act(user: User, minutes: int = 0) -> Context:
    return Context(user, NOW + timedelta(minutes=minutes), Source.SLACK)


async def make_bills(db: Database, user: User, customers: int = 1) -> list[int]:
    """October's bills of new customers, each 500 calls over the limit; their ids."""
    async with db.transaction() as session:
        await session.execute(
            sa.text("""
                with made as (
                    insert into customers (name, monthly_api_limit, overage_unit_cost)
                    select 'Customer ' || n, 1000, 0.2
                    from generate_series(1, :customers) as n returning id)
                insert into usages (customer_id, year, month, api_usage)
                select id, 2026, 10, 1500 from made
            """),
            {"customers": customers},
        )
    async with db.transaction() as session:
        run = await start_bill_run(session, OCTOBER, act(user), ZoneInfo("UTC"))
    async with db.transaction() as session:
        assert (await run_step(session, run, BillingSettings(), NOW)).ended
    async with db.transaction() as session:
        return list(await session.scalars(sa.text("select id from bills order by id")))


async def work_on(db: Database, people: People, bill_id: int) -> None:
    """Rejected, taken back and approved: five actions in all, up to version 4."""
    async with db.transaction() as session:
        rejected = await reject_bill(
            session, bill_id, 1, act(people.kim, 1), RejectReason.USAGE_WRONG, "I count 1,200"
        )
    async with db.transaction() as session:
        await undo_decision(session, bill_id, 2, act(people.kim, 2), "it is right", rejected.id)
    async with db.transaction() as session:
        await approve_bill(session, bill_id, 3, act(people.sam, 3))


async def send_out(db: Database, people: People, bill_id: int, minutes: int = 10) -> None:
    """Approved where it is not yet, sent, issued and delivered: with a number and a document."""
    async with db.transaction() as session:
        await session.execute(sa.text("update customers set billing_email = 'bills@example.com'"))
        bill = await get_bill(session, bill_id)
        if bill.status == "pending":
            await approve_bill(session, bill_id, bill.version, act(people.sam, minutes))
        await send_bill(session, bill_id, bill.version, act(people.ana, minutes + 1))
        later = await as_system(session, act(people.ana, minutes + 10))
        assert await issue_bill(session, bill_id, later, drawn)
        await mark_delivered(session, bill_id, later, "250 OK")
