"""The stage of the rules: customers, a month's bills, and what the database holds afterwards."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.wording.refusals import Medium, refusal_text
from models.batches.bill_run import run_step, start_bill_run
from models.batches.bill_run_report import run_report
from models.bills.approvers import GivenApproval
from models.bills.bill import Bill, bill_of_month, get_bill
from models.bills.history import actions_of
from models.bills.replay import Approval, BillState, replay
from models.bills.snapshots import bill_snapshot, figures_told
from models.context import Context, Source
from models.customers.customers import Customer
from models.db.database import do_put_off
from models.errors import Refusal
from models.people.users import User
from models.period import Period
from models.settings import BillingSettings
from models.usage.usage import Usage

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
OCTOBER = Period(2026, 10)
ZONE = ZoneInfo("UTC")
RULES = BillingSettings()

RECORD = (
    *(
        "bills",
        "bill_actions",
        "approvals",
        "reassignments",
        "documents",
        "number_series",
        "usages",
    ),
    *("usage_changes", "customer_terms", "messages", "procrastinate_jobs"),
)
"""The tables that a refusal must leave as they were, byte for byte."""


def act(user: User, now: datetime = NOW, source: Source = Source.SLACK) -> Context:
    return Context(user, now, source)


async def add_customer(
    session: AsyncSession,
    name: str = "Acme Corp",
    used: int | None = 150_000,
    period: Period = OCTOBER,
    **columns: Any,
) -> Customer:
    """A customer with 100,000 calls included at 0.10 each more, and its usage of one month."""
    terms = {"monthly_api_limit": 100_000, "overage_unit_cost": Decimal("0.10")}
    customer = Customer(name=name, **(terms | columns))
    session.add(customer)
    await session.flush()
    if used is not None:
        await record_usage(session, customer, period, used)
    return customer


async def record_usage(
    session: AsyncSession, customer: Customer, period: Period, used: int
) -> None:
    session.add(
        Usage(customer_id=customer.id, year=period.year, month=period.month, api_usage=used)
    )
    await session.flush()


async def generate(
    session: AsyncSession,
    by: Context,
    period: Period = OCTOBER,
    settings: BillingSettings = RULES,
    customer_id: int | None = None,
) -> int:
    """Work a whole run off in this transaction; returns how many bills it added."""
    run_id = await start_bill_run(session, period, by, ZONE, customer_id)
    while not (await run_step(session, run_id, settings, by.now)).ended:
        pass
    return (await run_report(session, run_id)).added


async def bill_for(
    session: AsyncSession, by: Context, name: str = "Acme Corp", **customer: Any
) -> Bill:
    """The October bill of a new customer."""
    owner = await add_customer(session, name, **customer)
    assert await generate(session, by, customer_id=owner.id) == 1
    return await bill_of_month(session, owner.id, OCTOBER)


_CONTENTS = sa.text(
    " union all ".join(
        f"select '{table}' as of, "
        f"md5(string_agg(t::text, E'\\n' order by t::text)) as digest from {table} t"
        for table in RECORD
    )
)


async def contents(session: AsyncSession) -> dict[str, str | None]:
    """A digest of all rows of each table of the record, as this transaction sees them."""
    await session.flush()
    await do_put_off(session)
    return {row.of: row.digest for row in await session.execute(_CONTENTS)}


async def standing_approvals(session: AsyncSession, bill_id: int) -> set[Approval]:
    given = GivenApproval
    query = sa.select(given.action_id, given.slot, given.user_id).where(given.bill_id == bill_id)
    return {Approval(*row) for row in await session.execute(query)}


_MISFITS = sa.text("""
with links as (
    select a.id, a.prev_hash is distinct from lag(a.hash) over (order by a.id)
           or a.hash <> bill_action_hash(a.prev_hash, a) as misfit
    from bill_actions a where a.bill_id = :bill_id)
select id from links where misfit
union all
select b.id from bills b left join bill_chains c on c.bill_id = b.id
where b.id = :bill_id and (c.bill_version, c.actions, c.last_hash) is distinct from
    (b.version, (select count(*) from links),
     (select hash from bill_actions where bill_id = :bill_id order by id desc limit 1))
""")


async def prove(session: AsyncSession, bill_id: int) -> BillState:
    """Hold the stored row, its figures and the approvals to the replay of the actions, and the
    chain whole.
    """
    bill = await get_bill(session, bill_id)
    actions = await actions_of(session, bill_id)
    told = replay(actions)
    snapshots = [action.snapshot["after"] for action in actions if "after" in action.snapshot]
    assert bill_snapshot(bill) == figures_told(snapshots[-1])
    assert (bill.status, bill.version, bill.hold_reason) == (
        told.status,
        told.version,
        told.hold_reason,
    )
    assert await standing_approvals(session, bill_id) == set(told.approvals)
    assert (await session.scalars(_MISFITS, {"bill_id": bill_id})).all() == []
    return told


def in_slack(refused: Refusal) -> str:
    """A refusal as it is read in Slack."""
    return refusal_text(refused, Medium.SLACK)
