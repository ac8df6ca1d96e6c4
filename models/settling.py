"""What changed usage, terms or contracts mean for bills: those that are out of date are settled.

A bill without a number takes the new figures, and asks for approval again. For a month that has
gone out, the difference is proposed as an adjustment or a credit. Told twice, nothing more is done.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models import announce, approvals, cards
from models.auto_approval import approve_by_rule
from models.case import Act, by_itself
from models.dossier import Settled
from models.period import Period

# What the amount is made of; see models.figures.BASIS.
_BASIS = "({row}.api_usage, {row}.monthly_api_limit, {row}.overage_unit_cost, {row}.currency)"
_DIFFER = f"{_BASIS.format(row='b')} is distinct from {_BASIS.format(row='o')}"

_OF_BILLS = "(cast(:bill_ids as bigint[]) is null or b.id = any(:bill_ids))"

# Decided or not, a rejected bill keeps its figures until it is revised, and what takes back a void
# bill has its amount from that one.
_OUTDATED = f"""
    select b.id, b.adjusts_id
    from bills b join overages o using (customer_id, year, month)
    where b.number is null and b.status in ('held', 'pending', 'approved', 'sending')
      and {_DIFFER} and {_OF_BILLS}
      and not exists (select from bills p where p.id = b.adjusts_id and p.status = 'void')
"""

# A month that has gone out, whose figures are others than those of its latest bill, and which comes
# to another amount than was billed.
_LATE = f"""
    select root.id, (root.year, root.month) >= (:first_year, :first_month) as in_time
    from bills root
    join overages o using (customer_id, year, month)
    join lateral (
        select * from bills part where part.id = root.id or part.adjusts_id = root.id
        order by part.id desc limit 1) b on true
    cross join lateral billed(root.id) so_far
    where root.kind = 'overage' and root.number is not null and root.status <> 'void'
      and o.currency = root.currency and {_DIFFER}
      and o.overage_amount <> so_far.amount
      and not exists (
          select from bills open
          where open.adjusts_id = root.id and open.number is null and open.status <> 'void')
      and (cast(:bill_ids as bigint[]) is null or root.id = any(:bill_ids))
      and {{months}}
"""

_RECENT = "(root.year, root.month) >= (:first_year, :first_month)"

# Bills are locked in the order of their ids, corrections with what they correct.
_LOCK = sa.text(f"""
with outdated as ({_OUTDATED}), late as ({_LATE.format(months=_RECENT)})
select id from bills
where id in (select id from outdated
             union select adjusts_id from outdated where adjusts_id is not null
             union select id from late)
order by id for update
""")

_SETTLE = sa.text(f"""
with due as (
    select b.id, bill_figures(b) as before, o.api_usage, o.monthly_api_limit,
           o.overage_unit_cost, o.currency,
           o.overage_units - s.units as units, o.overage_amount - s.amount as amount,
           b.kind <> 'overage' as corrects,
           case when b.kind = 'overage' then j.hold_reason
                when w.undecidable then 'no_approver' end as hold_reason
    from bills b
    join overages o using (customer_id, year, month)
    join customer_desks d using (customer_id)
    cross join lateral billed(b.adjusts_id) s
    cross join lateral judged(o, d, cast(:jump_factor as numeric)) j
    cross join lateral desk(d, o.overage_amount - s.amount) w
    where b.id = any(:locked) and b.id in (select id from ({_OUTDATED}) outdated)
), told as (
    select *, case when amount = 0 or units = 0 and not corrects then 'void'
                   when hold_reason is not null then 'held' else 'pending' end as status
    from due
), moved as (
    update bills b
    set api_usage = t.api_usage, monthly_api_limit = t.monthly_api_limit,
        overage_unit_cost = t.overage_unit_cost, currency = t.currency,
        overage_units = t.units, overage_amount = t.amount,
        kind = case when not t.corrects then b.kind
                    when t.amount < 0 then 'credit' else 'adjustment' end,
        status = t.status,
        hold_reason = case when t.status = 'held' then t.hold_reason end,
        version = b.version + 1, updated_at = :now
    from told t where t.id = b.id
    returning b.id, b.version, b.status, t.before, bill_figures(b) as after
)
insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, snapshot,
    created_at, updated_at)
select id, version, :user_id, case when status = 'void' then 'void' else 'invalidate' end, :source,
    jsonb_build_object('before', before, 'after', after)
    || case when status = 'void' then '{{"cause": "no_overage"}}'::jsonb else '{{}}' end,
    :now, :now
from moved
returning bill_id, snapshot -> 'after' ->> 'status' as status
""")

_PROPOSE = sa.text(f"""
with late as ({_LATE.format(months=_RECENT)}),
made as (
    insert into bills (customer_id, year, month, kind, api_usage, monthly_api_limit, overage_units,
        overage_unit_cost, overage_amount, currency, status, hold_reason, adjusts_id,
        created_at, updated_at)
    select r.customer_id, r.year, r.month,
        case when o.overage_amount < s.amount then 'credit' else 'adjustment' end,
        o.api_usage, o.monthly_api_limit, o.overage_units - s.units,
        o.overage_unit_cost, o.overage_amount - s.amount, o.currency,
        case when w.undecidable then 'held' else 'pending' end,
        case when w.undecidable then 'no_approver' end, r.id, :now, :now
    from late join bills r on r.id = late.id and r.id = any(:locked)
    join overages o using (customer_id, year, month)
    join customer_desks d using (customer_id)
    cross join lateral billed(r.id) s
    cross join lateral desk(d, o.overage_amount - s.amount) w
    order by r.id
    on conflict do nothing
    returning *
)
insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, snapshot,
    created_at, updated_at)
select id, version, :user_id, 'generate', :source,
    jsonb_build_object(
        'cause', 'late_usage', 'bill', adjusts_id, 'after', bill_figures(made),
        'billed', (select amount from billed(adjusts_id))::text),
    :now, :now
from made
returning bill_id
""")

_REPORT = sa.text(f"""
with late as ({
    _LATE.format(
        months="exists (select from usages u where u.updated_at = :now and "
        "u.customer_id = root.customer_id and u.year = root.year "
        "and u.month = root.month)"
    )
})
select id from late where not in_time order by id
""")


async def settle(session: AsyncSession, act: Act, bill_ids: Sequence[int] | None = None) -> Settled:
    """Settle every bill, or those given, whose figures are not those of usage and terms any more.

    Done by `system`, at the time and from where `act` changed them. Bills without a number are
    worked out anew: approvals fall, one with a cause is held, one without overage is void. For
    bills that have gone out, in the last `lookback_months` closed months, the difference is
    proposed; older ones whose usage was changed at `act.now` are only reported.
    """
    automatic = await by_itself(session, act)
    values = _values(automatic, bill_ids)
    await session.flush()
    under_lock = values | {"locked": (await session.scalars(_LOCK, values)).all()}
    moved = (await session.execute(_SETTLE, under_lock)).all()
    proposed = sorted(await session.scalars(_PROPOSE, under_lock))
    reported = (await session.scalars(_REPORT, values)).all()
    done = Settled(
        invalidated=tuple(sorted(row.bill_id for row in moved if row.status != "void")),
        held=tuple(sorted(row.bill_id for row in moved if row.status == "held")),
        voided=tuple(sorted(row.bill_id for row in moved if row.status == "void")),
        proposed=tuple(proposed),
        reported=tuple(reported),
    )
    if done != Settled():
        await _follow_up(session, automatic, done)
    return done


def _values(act: Act, bill_ids: Sequence[int] | None) -> dict[str, Any]:
    first = Period.of(act.today).plus(-act.rules.lookback_months)
    return {
        "bill_ids": list(bill_ids) if bill_ids is not None else None,
        "first_year": first.year,
        "first_month": first.month,
        "jump_factor": act.rules.jump_factor,
        "user_id": act.user.id,
        "source": act.source,
        "now": act.now,
    }


async def _follow_up(session: AsyncSession, act: Act, done: Settled) -> None:
    """Approvals fall, small proposals pass, cards are drawn and posted, and Finance is told."""
    changed = [*done.invalidated, *done.voided]
    await approvals.fall(session, done.invalidated, act.now)
    if done.proposed:
        first, last = done.proposed[0], done.proposed[-1]
        factor = act.rules.jump_factor
        await approve_by_rule(session, first, last, act.now, act.source, factor)
    await announce.bills_changed(session, changed)
    await cards.relatives_changed(session, [*changed, *done.proposed])
    waiting = (*done.invalidated, *done.proposed)
    await cards.of_bills(session, waiting, act.rules.approvals_channel)
    await announce.settled(session, act.now, done)
