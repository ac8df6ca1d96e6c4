"""A month's bills, made chunk by chunk of customers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.actions.auto_approve import RECORDED
from models.batches.bill_run_preview import preview_unless_agreed
from models.bills.history import append_actions
from models.bills.hold_rules import FRESH, OF_CUSTOMERS, PROPOSED, run_values
from models.context import Context, Source
from models.customers.customers import Customer
from models.db.columns import Base, Id
from models.db.statistics import analyze, analyze_unknown
from models.named_people import PersonRef
from models.outbox.cards import ADD_CARDS
from models.outbox.homes import refresh_all_homes
from models.outbox.jobs import defer_redraw_run
from models.outbox.messages import Message, defer_all_posts
from models.outbox.notifications import (
    correct_month_end,
    month_end_key,
    promise_run_preview,
)
from models.people.permissions import Permission, Role
from models.people.users import User, person_ref, system_user
from models.people.who_can import require
from models.period import Period
from models.settings import BillingSettings


class BillRun(Base):
    """One asking for a month's bills. It goes on where it stopped, whatever stopped it."""

    __tablename__ = "bill_runs"

    id: Mapped[Id]
    year: Mapped[int]
    month: Mapped[int]
    customer_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey(Customer.id))
    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    source: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    last_customer_id: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    added: Mapped[int] = mapped_column(server_default="0")
    failure: Mapped[str | None]
    request_key: Mapped[str | None] = mapped_column(unique=True)
    agreed: Mapped[str | None]

    @property
    def period(self) -> Period:
        return Period(self.year, self.month)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is done for it: it is finished, or was given up."""
        return self.finished_at is not None or self.failure is not None


@dataclass(frozen=True)
class RunProgress:
    """How far a run is: customers looked at, of how many, and whether it has ended."""

    done: int
    customers: int
    ended: bool


_CHUNK_OF_FRESH = f"and customer_id > :after and customer_id <= :upto {FRESH}"

# Bills that their customer's rule approves are made at version 2. That they were generated stands
# at version 1 of their record, and the next statement adds what approved them.
_GENERATE = sa.text(f"""
with {PROPOSED.format(narrowed=_CHUNK_OF_FRESH, rules=OF_CUSTOMERS)},
made as (
    insert into bills (customer_id, year, month, api_usage, monthly_api_limit, overage_units,
        overage_unit_cost, overage_amount, currency, status, hold_reason, version,
        created_at, updated_at)
    select customer_id, year, month, api_usage, monthly_api_limit, overage_units,
        overage_unit_cost, overage_amount, currency,
        case when passes then 'approved' when hold_reason is null then 'pending' else 'held' end,
        hold_reason, case when passes then 2 else 1 end, :now, :now
    from proposed
    where overage_amount is distinct from 0
    order by customer_id
    on conflict do nothing
    returning *
),
begun as (
    select id, 1 as version, 'generate' as action, jsonb_build_object(
        'run', cast(:run_id as bigint), 'after', case when status = 'approved'
            then bill_figures(made) || '{{"status": "pending"}}' else bill_figures(made) end
        ) as snapshot
    from made
),
recorded as (
    {append_actions("begun")}
),
wanted as (
    select made.id as bill_id, s.role, s.user_id, s.delegate_id, (p.rules).slack_channel_id
    from made join proposed p using (customer_id)
    cross join lateral approver_slots(p.rules, made.overage_amount, made.currency) s
    where made.status = 'pending'
),
{ADD_CARDS}
select count(*) as made, min(id) as first, max(id) as last,
       count(*) filter (where status = 'approved') as passed
from made
""")

_AUTO_APPROVE = sa.text(f"""
with passed as (
    select b.id, b.version, {RECORDED}
    from bills b join customers r on r.id = b.customer_id
    where b.id between :first and :last and b.year = :year and b.month = :month
      and b.kind = 'overage' and b.created_at = :now and b.status = 'approved' and b.version = 2
    order by b.id
)
{append_actions("passed")}
""")

_FILLED = ("bills", "bill_actions (bill_id, bill_version, stakeholder_id, action)", "messages")
"""No statistics of snapshots: no plan asks for them, and they cost more than all the others."""

_READ = ("customers", "customer_terms", "usages", "users", "bills")

_CHUNK = sa.text("""
select max(id), count(*) from (
    select id from customers
    where id > :after and (cast(:customer_id as bigint) is null or id = :customer_id)
    order by id limit :limit) chunk
""")


async def run_of_request(session: AsyncSession, request_key: str) -> int | None:
    """The run that was started under this key, if any; until the commit nobody else starts one."""
    lock = sa.text("select pg_advisory_xact_lock(hashtextextended(:request_key, 0))")
    await session.execute(lock, {"request_key": request_key})
    return await session.scalar(sa.select(BillRun.id).where(BillRun.request_key == request_key))


async def starter_of(session: AsyncSession, run_id: int) -> PersonRef:
    """Who asked for a run."""
    run = await session.get_one(BillRun, run_id)
    return person_ref(await session.get_one(User, run.user_id))


async def run_of_month_end(session: AsyncSession, period: Period) -> BillRun | None:
    """The run that the month's end has brought about, by itself or by somebody's click."""
    return await session.scalar(
        sa.select(BillRun).where(BillRun.request_key == month_end_key(str(period)))
    )


async def start_bill_run(
    session: AsyncSession,
    period: Period,
    context: Context,
    zone: ZoneInfo,
    customer_id: int | None = None,
    request_key: str | None = None,
    agreed: str | None = None,
) -> int:
    """Record that somebody asked for this month's bills; returns the run's id.

    `agreed`: the digest of the preview they saw; the run is given up before it makes anything where
    it would make something else. What was asked already under the same `request_key` is the same
    run, unless that was given up.
    Refuses whoever may not, and a month that is not over yet where `zone` counts the days.
    """
    await require(session, context.user, Permission.GENERATE)
    period.refuse_if_open(context.now, zone)
    first = await run_of_request(session, request_key) if request_key else None
    if first is not None:
        return first
    run = BillRun(
        year=period.year,
        month=period.month,
        customer_id=customer_id,
        user_id=context.user.id,
        source=context.source,
        created_at=context.now,
        request_key=request_key,
        agreed=agreed,
    )
    session.add(run)
    await session.flush()
    await correct_month_end(session, str(period))
    return run.id


async def run_step(
    session: AsyncSession, run_id: int, settings: BillingSettings, now: datetime
) -> RunProgress:
    """Do the next chunk of a run in this transaction, or finish it; done again, it goes on. For one
    that has ended it does nothing.

    Runs of one month take turns, so that each sees what the others have made.
    """
    run = await _locked_run(session, run_id)
    if run.has_ended or await _is_given_up(session, run, settings):
        return await progress_of(session, run)
    month = {"month": run.year * 100 + run.month}
    await session.execute(sa.text("select pg_advisory_xact_lock(:month)"), month)
    within = {
        "after": run.last_customer_id,
        "customer_id": run.customer_id,
        "limit": settings.chunk_customers,
    }
    if run.last_customer_id == 0:
        await analyze_unknown(session, _READ)
    upto, looked_at = (await session.execute(_CHUNK, within)).one()
    if upto is not None:
        await _make(session, run, upto, settings, now)
        await refresh_all_homes(session)
    if looked_at < settings.chunk_customers:
        run.finished_at = now
        await analyze(session, run.added, _FILLED)
        await defer_all_posts(session)
        await _show_end(session, run)
    await session.flush()
    return await progress_of(session, run)


CHANGED = "what this would make has changed since it was shown, so nothing was generated"


async def _is_given_up(session: AsyncSession, run: BillRun, settings: BillingSettings) -> bool:
    """A run that would not make what was agreed to ends before it begins, and what it would make is
    shown anew.
    """
    if run.agreed is None or run.last_customer_id:
        return False
    factor = settings.jump_factor
    shown = (session, run.period, run.customer_id, factor, run.agreed)
    if await preview_unless_agreed(*shown) is None:
        return False
    by_hand = run.request_key != month_end_key(str(run.period))
    await _give_up(session, run, CHANGED)
    if run.source == Source.SLACK and by_hand:
        user = await session.get_one(User, run.user_id)
        await promise_run_preview(session, str(run.period), factor, user, f"run-{run.id}")
    return True


async def _locked_run(session: AsyncSession, run_id: int) -> BillRun:
    return await session.get_one(
        BillRun, run_id, with_for_update={"key_share": True}, populate_existing=True
    )


async def _make(
    session: AsyncSession, run: BillRun, upto: int, settings: BillingSettings, now: datetime
) -> None:
    """Bills, their actions and their cards in one statement; what their rule says in the next."""
    values = run_values(run.period, run.customer_id, settings.jump_factor) | {
        "after": run.last_customer_id,
        "upto": upto,
        "run_id": run.id,
        "user_id": run.user_id,
        "source": Source(run.source),
        "channel": settings.approvals_channel,
        "now": now,
    }
    made = (await session.execute(_GENERATE, values)).one()
    run.last_customer_id = upto
    run.added += made.made
    if made.passed:
        system = await system_user(session)
        ids = {"first": made.first, "last": made.last, "user_id": system.id}
        await session.execute(_AUTO_APPROVE, values | ids)


async def progress_of(session: AsyncSession, run: BillRun) -> RunProgress:
    """How far a run is."""
    done, total = (await session.execute(_DONE, {"run_id": run.id})).one()
    return RunProgress(done, total, run.has_ended)


_DONE = sa.text("""
select count(*) filter (where c.id <= r.last_customer_id), count(*)
from bill_runs r join customers c on r.customer_id is null or c.id = r.customer_id
where r.id = :run_id
""")


async def progress_messages_of(session: AsyncSession, run_id: int) -> Sequence[Message]:
    """The progress messages of a run, wherever they are by now: of whoever asked for it, or of
    Finance.
    """
    of_whom = (BillRun.id == run_id) & ((User.id == BillRun.user_id) | (User.role == Role.FINANCE))
    messages = (
        sa.select(Message)
        .join(User, Message.key == sa.func.concat(f"run:{run_id}:user:", User.id))
        .join(BillRun, of_whom)
        .order_by(Message.id)
    )
    return (await session.scalars(messages)).all()


async def fail_run(session: AsyncSession, run_id: int, cause: str) -> None:
    """A run will not go on; what it made so far is announced, and its message says why.

    What asked for it may ask for another. A run that somebody else has brought to its end stays so.
    """
    run = await _locked_run(session, run_id)
    if not run.has_ended:
        await _give_up(session, run, cause)


async def _give_up(session: AsyncSession, run: BillRun, cause: str) -> None:
    run.failure = cause
    run.request_key = None
    await session.flush()
    await defer_all_posts(session)
    await _show_end(session, run)


async def _show_end(session: AsyncSession, run: BillRun) -> None:
    await defer_redraw_run(session, run.id)
    await correct_month_end(session, str(run.period))
