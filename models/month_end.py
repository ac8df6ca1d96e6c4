"""Usage over the limit becomes the bills of a month: set-based, resumable, never twice."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models import announce, cards, customers
from models.auto_approval import approve_by_rule
from models.base import Base, Id
from models.bills import HoldReason, Source
from models.case import Act
from models.dossier import Person, Preview, Proposed, RunFacts, Total
from models.people import Deed, User
from models.period import Period
from models.refusals import NotFound
from models.rules import Rules

NAMED_MISSING = 10
BIGGEST = 5


class Run(Base):
    """One asking for a month's bills. It goes on where it stopped, whatever stopped it."""

    __tablename__ = "runs"

    id: Mapped[Id]
    year: Mapped[int]
    month: Mapped[int]
    customer_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("customers.id"))
    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("users.id"))
    source: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    last_customer_id: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    added: Mapped[int] = mapped_column(server_default="0")
    failure: Mapped[str | None]
    asked_as: Mapped[str | None] = mapped_column(unique=True)

    @property
    def period(self) -> Period:
        return Period(self.year, self.month)


@dataclass(frozen=True)
class Step:
    """How far a run is: customers looked at, of how many, and whether that was the last."""

    done: int
    customers: int
    finished: bool


# A bill that would be made, with the cause of its hold if there is one, and whether the customer's
# own rule would approve it. What a bill was proposed for may come to nothing once it is rounded.
_PROPOSED = """
proposed as (
    select o.*, c.name, j.hold_reason, j.hold_reason is null and j.passes as passes
    from overages o
    join customers c on c.id = o.customer_id
    join customer_desks d on d.customer_id = o.customer_id
    cross join lateral judged(o, d, cast(:jump_factor as numeric)) j
    where o.year = :year and o.month = :month and o.overage_units > 0
      and (cast(:customer_id as bigint) is null or o.customer_id = :customer_id)
),
fresh as (
    select * from proposed p
    where not exists (
        select from bills b
        where b.customer_id = p.customer_id and b.kind = 'overage'
          and b.year = :year and b.month = :month)
)"""

_CAUSE = sa.text(f"with {_PROPOSED} select hold_reason from proposed")

_SUMS = sa.text(f"""
with {_PROPOSED}
select hold_reason, currency, count(*), sum(overage_amount),
       coalesce(overage_amount = 0, false) as zero, count(*) filter (where passes) as by_rule
from fresh group by hold_reason, currency, zero
""")

_BIGGEST = sa.text(f"""
with {_PROPOSED}
select name, hold_reason, overage_amount, currency
from fresh join currencies on code = currency
where overage_amount > 0
order by overage_amount * power(10::numeric, minor_units - 2) desc, name
limit {BIGGEST}
""")

_AROUND = sa.text("""
select (select count(*) from bills where year = :year and month = :month and kind = 'overage'
          and (cast(:customer_id as bigint) is null or customer_id = :customer_id)) as existing,
       (select count(*) from usages where year = :year and month = :month
          and (cast(:customer_id as bigint) is null or customer_id = :customer_id)) as usages
""")

_MISSING = sa.text(f"""
select name, count(*) over () from customers c
where coalesce(start_date, :last_day) <= :last_day and coalesce(end_date, :first_day) >= :first_day
  and (cast(:customer_id as bigint) is null or c.id = :customer_id)
  and not exists (select from usages u
                  where u.year = :year and u.month = :month and u.customer_id = c.id)
order by lower(name) limit {NAMED_MISSING}
""")

_GENERATE = sa.text(f"""
with {_PROPOSED},
made as (
    insert into bills (customer_id, year, month, api_usage, monthly_api_limit, overage_units,
        overage_unit_cost, overage_amount, currency, status, hold_reason, created_at, updated_at)
    select customer_id, year, month, api_usage, monthly_api_limit, overage_units,
        overage_unit_cost, overage_amount, currency,
        case when hold_reason is null then 'pending' else 'held' end, hold_reason, :now, :now
    from fresh
    where customer_id > :after and customer_id <= :upto
      and overage_amount is distinct from 0
    order by customer_id
    on conflict do nothing
    returning *
),
recorded as (
    insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, snapshot,
        created_at, updated_at)
    select id, version, :user_id, 'generate', :source,
        jsonb_build_object('run', cast(:run_id as bigint), 'after', bill_figures(made)),
        :now, :now
    from made
)
select count(*), min(id), max(id) from made
""")

_CHUNK = sa.text("""
select max(id), count(*) from (
    select id from customers
    where id > :after and (cast(:customer_id as bigint) is null or id = :customer_id)
    order by id limit :limit) chunk
""")


def _values(
    period: Period, customer_id: int | None, jump_factor: float | None = None
) -> dict[str, Any]:
    return {
        "year": period.year,
        "month": period.month,
        "customer_id": customer_id,
        "jump_factor": jump_factor,
    }


async def cause_of(
    session: AsyncSession, customer_id: int, period: Period, jump_factor: float | None = None
) -> HoldReason | None:
    """Why this customer's bill of that month would be held if it were made now."""
    found = await session.scalars(_CAUSE, _values(period, customer_id, jump_factor))
    reason = found.one_or_none()
    return HoldReason(reason) if reason else None


async def preview(
    session: AsyncSession,
    period: Period,
    customer_id: int | None = None,
    jump_factor: float | None = None,
) -> Preview:
    """What generating this month would do. Writes nothing."""
    values = _values(period, customer_id, jump_factor)
    sums = (await session.execute(_SUMS, values)).all()
    real = [row for row in sums if not row.zero]
    existing, usages = (await session.execute(_AROUND, values)).one()
    missing = (await session.execute(_MISSING, _days(values, period))).all()
    return Preview(
        period=period,
        customer=await _customer_name(session, customer_id),
        bills=sum(count for reason, _, count, *_ in real if reason is None),
        by_rule=sum(row.by_rule for row in real),
        totals=tuple(
            Total(currency, count, amount)
            for reason, currency, count, amount, *_ in sorted(real, key=lambda row: row.currency)
            if reason is None
        ),
        held=_by_cause((reason, count) for reason, _, count, *_ in real if reason),
        biggest=tuple(
            Proposed(name, HoldReason(reason) if reason else None, amount, currency)
            for name, reason, amount, currency in await session.execute(_BIGGEST, values)
        ),
        existing=existing,
        zero=sum(row[2] for row in sums if row.zero),
        missing=tuple(name for name, _ in missing),
        missing_count=missing[0][1] if missing else 0,
        usages=usages,
    )


async def run_asked_as(session: AsyncSession, asked_as: str) -> int | None:
    """The run that was started under this key, if any; until the commit nobody else starts one."""
    lock = sa.text("select pg_advisory_xact_lock(hashtextextended(:asked_as, 0))")
    await session.execute(lock, {"asked_as": asked_as})
    return await session.scalar(sa.select(Run.id).where(Run.asked_as == asked_as))


async def start_run(
    session: AsyncSession,
    period: Period,
    act: Act,
    zone: ZoneInfo,
    customer_id: int | None = None,
    asked_as: str | None = None,
) -> int:
    """Record that somebody asked for this month's bills; returns the run's id.

    What was asked already under the same `asked_as` is the same run. Refuses whoever may not,
    and a month that is not over yet where `zone` counts the days.
    """
    act.user.must(Deed.GENERATE)
    period.refuse_if_open(act.now, zone)
    first = await run_asked_as(session, asked_as) if asked_as else None
    if first is not None:
        return first
    run = Run(
        year=period.year,
        month=period.month,
        customer_id=customer_id,
        user_id=act.user.id,
        source=act.source,
        created_at=act.now,
        asked_as=asked_as,
    )
    session.add(run)
    await session.flush()
    return run.id


async def step(session: AsyncSession, run_id: int, rules: Rules, now: datetime) -> Step:
    """Do the next chunk of a run in this transaction, or finish it; done again, it goes on.

    Runs of one month take turns, so that each sees what the others have made.
    """
    run = await session.get_one(Run, run_id, with_for_update=True)
    if run.finished_at is not None:
        return await _progress(session, run)
    month = {"month": run.year * 100 + run.month}
    await session.execute(sa.text("select pg_advisory_xact_lock(:month)"), month)
    within = {
        "after": run.last_customer_id,
        "customer_id": run.customer_id,
        "limit": rules.chunk_customers,
    }
    upto, looked_at = (await session.execute(_CHUNK, within)).one()
    if upto is not None:
        await _make(session, run, upto, rules, now)
    if looked_at < rules.chunk_customers:
        run.finished_at = now
        await announce.announce_waiting(session)
        await announce.run_moved(session, run.id)
    await session.flush()
    return await _progress(session, run)


async def _make(session: AsyncSession, run: Run, upto: int, rules: Rules, now: datetime) -> None:
    """Bills and their actions in one statement, their cards in the next."""
    values = _values(run.period, run.customer_id, rules.jump_factor) | {
        "after": run.last_customer_id,
        "upto": upto,
        "run_id": run.id,
        "user_id": run.user_id,
        "source": Source(run.source),
        "now": now,
    }
    made, first, last = (await session.execute(_GENERATE, values)).one()
    run.last_customer_id = upto
    run.added += made
    if made:
        factor = rules.jump_factor
        await approve_by_rule(session, first, last, now, Source(run.source), factor)
        await cards.of_made(session, first, last, rules.approvals_channel)


async def _progress(session: AsyncSession, run: Run) -> Step:
    done, total = (await session.execute(_DONE, {"run_id": run.id})).one()
    return Step(done, total, run.finished_at is not None)


_DONE = sa.text("""
select count(*) filter (where c.id <= r.last_customer_id), count(*)
from runs r join customers c on r.customer_id is null or c.id = r.customer_id
where r.id = :run_id
""")

_MADE = sa.text("""
select b.hold_reason, b.currency, count(*), sum(b.overage_amount),
       count(*) filter (where exists (
           select from bill_actions r where r.bill_id = b.id and r.action = 'auto_approve'))
       as by_rule
from bill_actions a join bills b on b.id = a.bill_id
where a.action = 'generate' and a.snapshot ->> 'run' = :run_id
  and b.year = :year and b.month = :month
group by b.hold_reason, b.currency order by b.currency
""")


# A digest that was given up stands for its range of cards. What was posted once was delivered.
_UNDELIVERED = sa.text("""
with lost as (
    select bill_id, failure from postings
    where kind = 'card' and state = 'failed' and ts is null
    union all
    select c.bill_id, d.failure
    from postings d join postings c
      on c.id between (d.facts ->> 'first')::bigint and (d.facts ->> 'last')::bigint
      and c.place = d.facts ->> 'of' and c.kind = 'card' and c.state = 'listed'
    where d.kind = 'digest' and d.state = 'failed' and d.ts is null
)
select lost.failure, count(distinct lost.bill_id)
from lost join bill_actions a on a.bill_id = lost.bill_id
where a.action = 'generate' and a.snapshot ->> 'run' = :run_id
group by lost.failure order by 2 desc, 1
""")


async def facts(session: AsyncSession, run_id: int) -> RunFacts:
    """What a run has done so far, for its progress message and its summary."""
    run = await session.get(Run, run_id, populate_existing=True)
    if run is None:
        raise NotFound("That run is not here.")
    values = _values(run.period, run.customer_id)
    made = (await session.execute(_MADE, values | {"run_id": str(run_id)})).all()
    existing, _ = (await session.execute(_AROUND, values)).one()
    missing = (await session.execute(_MISSING, _days(values, run.period))).all()
    undelivered = await session.execute(_UNDELIVERED, {"run_id": str(run_id)})
    progress = await _progress(session, run)
    by = await session.get_one(User, run.user_id)
    return RunFacts(
        id=run.id,
        period=run.period,
        customer=await _customer_name(session, run.customer_id),
        by=Person(by.id, by.name, by.role, by.slack_user_id),
        started_at=run.created_at,
        finished_at=run.finished_at,
        customers=progress.customers,
        done=progress.done,
        added=run.added,
        by_rule=sum(row.by_rule for row in made),
        held=_by_cause((reason, count) for reason, _, count, *_ in made if reason),
        totals=tuple(
            Total(currency, count, amount)
            for reason, currency, count, amount, _ in made
            if not reason
        ),
        existing=existing - run.added,
        missing=tuple(name for name, _ in missing),
        missing_count=missing[0][1] if missing else 0,
        failure=run.failure,
        undelivered=tuple((cause, count) for cause, count in undelivered),
    )


def _by_cause(counts: Iterable[tuple[str, int]]) -> dict[HoldReason, int]:
    """Bills held by cause, over all currencies."""
    held: Counter[HoldReason] = Counter()
    for reason, count in counts:
        held[HoldReason(reason)] += count
    return dict(held)


def _days(values: dict[str, Any], period: Period) -> dict[str, Any]:
    return values | {"first_day": period.first_day, "last_day": period.last_day}


async def _customer_name(session: AsyncSession, customer_id: int | None) -> str | None:
    if customer_id is None:
        return None
    return (await customers.get(session, customer_id)).name
