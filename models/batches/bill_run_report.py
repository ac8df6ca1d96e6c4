"""How far a month's generation is, and what it has made."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.batches.bill_run import BillRun, progress_of
from models.batches.bill_run_preview import (
    AROUND,
    FIRST_HELD,
    MISSING,
    by_hold_reason,
    customer_name,
    named_by_reason,
    with_days,
)
from models.bills.hold_rules import run_values
from models.bills.states import HoldReason
from models.errors import NotFound
from models.named_people import PersonRef
from models.people.users import User, person_ref
from models.period import Period
from models.queries.totals import Total


@dataclass(frozen=True)
class BillRunReport:
    """How far a month's generation is; `done` of `customers` looked at, and so many bills `added`.

    What it has made is told once it has come to an end. `by_rule`: how many of `added` were
    approved at once by their customer's own rule. `jumps`: how many that are not held come to
    several times what their customer was billed last. `held_customers` names the first of those
    whose bills are held, by cause. `undelivered`: causes for which cards were given up, and of how
    many bills each.
    """

    id: int
    period: Period
    customer: str | None
    by: PersonRef
    started_at: datetime
    finished_at: datetime | None
    customers: int
    done: int
    added: int
    held: dict[HoldReason, int] = field(default_factory=dict)
    totals: tuple[Total, ...] = ()
    existing: int = 0
    missing: tuple[str, ...] = ()
    missing_count: int = 0
    failure: str | None = None
    undelivered: tuple[tuple[str, int], ...] = ()
    by_rule: int = 0
    jumps: int = 0
    held_customers: Mapping[HoldReason, tuple[str, ...]] = field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        return self.finished_at is not None or self.failure is not None


_MADE = sa.text("""
select b.hold_reason, b.currency, count(*), sum(b.overage_amount),
       count(*) filter (where exists (
           select from bill_actions r where r.bill_id = b.id and r.action = 'auto_approve'))
       as by_rule,
       count(*) filter (where b.hold_reason is null
           and flag.jumps) as jumps
from bill_actions a join bills b on b.id = a.bill_id
cross join lateral jump_flag_of(b) flag
where a.action = 'generate' and a.snapshot ->> 'run' = :run_id
  and b.year = :year and b.month = :month
group by b.hold_reason, b.currency order by b.currency
""")

_HELD = sa.text(f"""
with held as (
    select b.hold_reason, c.name
    from bill_actions a
    join bills b on b.id = a.bill_id
    join customers c on c.id = b.customer_id
    where a.action = 'generate' and a.snapshot ->> 'run' = :run_id
      and b.year = :year and b.month = :month and b.hold_reason is not null
)
{FIRST_HELD}
""")

# A digest that was given up stands for its range of cards. What was posted once was delivered.
_UNDELIVERED = sa.text("""
with lost as (
    select bill_id, failure from messages
    where kind = 'card' and state = 'failed' and ts is null
    union all
    select c.bill_id, d.failure
    from messages d join messages c
      on c.id between (d.facts ->> 'first')::bigint and (d.facts ->> 'last')::bigint
      and c.recipient = d.facts ->> 'of' and c.kind = 'card' and c.state = 'listed'
    where d.kind = 'digest' and d.state = 'failed' and d.ts is null
)
select lost.failure, count(distinct lost.bill_id)
from lost join bill_actions a on a.bill_id = lost.bill_id
where a.action = 'generate' and a.snapshot ->> 'run' = :run_id
group by lost.failure order by 2 desc, 1
""")


async def run_report(session: AsyncSession, run_id: int) -> BillRunReport:
    """How far a run is; once it has come to an end, what it has done."""
    run = await session.get(BillRun, run_id, populate_existing=True)
    if run is None:
        raise NotFound("That run is not here.")
    report = await _so_far(session, run)
    if not report.has_ended:
        return report
    return replace(report, **await _done(session, run))


RUNS_TOLD = 3


async def runs_of_month(session: AsyncSession, period: Period) -> list[BillRunReport]:
    """The newest runs of a whole month that finished and made bills, oldest first.

    The last of all is among them where it has not finished, or none has made any. What each has
    done is not gathered.
    """
    of_month = sa.select(BillRun).where(
        BillRun.year == period.year, BillRun.month == period.month, BillRun.customer_id.is_(None)
    )
    newest = of_month.order_by(BillRun.id.desc())
    last = await session.scalar(newest.limit(1))
    if last is None:
        return []
    finished = newest.where(BillRun.added > 0, BillRun.finished_at.is_not(None))
    made = (await session.scalars(finished.limit(RUNS_TOLD))).all()
    is_told = last not in made and (last.finished_at is None or not made)
    told = [last, *made] if is_told else made
    return [await _so_far(session, run) for run in reversed(told)]


async def run_version(session: AsyncSession, period: Period) -> str:
    """Another one once the newest run of a month has gone on."""
    values = {"year": period.year, "month": period.month}
    found = (await session.execute(_VERSION, values)).one_or_none()
    return "-".join(map(str, found)) if found else "none"


_VERSION = sa.text("""
select id, last_customer_id, (finished_at is not null or failure is not null)::int from bill_runs
where year = :year and month = :month and customer_id is null order by id desc limit 1
""")


async def _so_far(session: AsyncSession, run: BillRun) -> BillRunReport:
    progress = await progress_of(session, run)
    return BillRunReport(
        id=run.id,
        period=run.period,
        customer=await customer_name(session, run.customer_id),
        by=person_ref(await session.get_one(User, run.user_id)),
        started_at=run.created_at,
        finished_at=run.finished_at,
        customers=progress.customers,
        done=progress.done,
        added=run.added,
        failure=run.failure,
    )


async def _done(session: AsyncSession, run: BillRun) -> dict[str, Any]:
    """Of a run that has come to an end: to gather it looks at every bill of the month."""
    values = run_values(run.period, run.customer_id)
    ids = values | {"run_id": str(run.id)}
    made = (await session.execute(_MADE, ids)).all()
    held = by_hold_reason((reason, count) for reason, _, count, *_ in made if reason)
    existing, _ = (await session.execute(AROUND, values)).one()
    missing = (await session.execute(MISSING, with_days(values, run.period))).all()
    undelivered = await session.execute(_UNDELIVERED, {"run_id": str(run.id)})
    return {
        "by_rule": sum(row.by_rule for row in made),
        "jumps": sum(row.jumps for row in made),
        "held": held,
        "held_customers": named_by_reason(await session.execute(_HELD, ids)) if held else {},
        "totals": tuple(
            Total(currency, count, amount)
            for reason, currency, count, amount, *_ in made
            if not reason
        ),
        "existing": existing - run.added,
        "missing": tuple(name for name, _ in missing),
        "missing_count": missing[0][1] if missing else 0,
        "undelivered": tuple((cause, count) for cause, count in undelivered),
    }
