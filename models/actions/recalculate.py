"""What changed usage, terms or contracts mean for bills: those that are out of date are settled.

A bill without a number takes the new figures, and asks for approval again. For a month that has
gone out, the difference is proposed as an adjustment or a credit. Told twice, nothing more is done.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approvals import revoke_approvals
from models.actions.auto_approve import auto_approve
from models.actions.reroute import reroute_open_bills
from models.bills.bill import lock_bills
from models.bills.history import append_actions
from models.bills.states import State
from models.context import Context, as_system
from models.outbox.cards import (
    add_cards_of_bills,
    defer_redraw_cards_of_bills,
    redraw_cards,
    redraw_cards_of_relatives,
)
from models.outbox.notifications import Recalculation, notify_recalculated
from models.people.users import User
from models.period import Period

_OF_BILLS = "(cast(:bill_ids as bigint[]) is null or id = any(:bill_ids))"
_OF_B = _OF_BILLS.replace("id = any", "b.id = any")
_OUTDATED = f"select id, adjusts_id from bills_to_recalculate where {_OF_BILLS}"
_OUTSIDE = f"select id from bills_outside_contract where {_OF_BILLS}"
_LATE = f"""
    select * from late_bills
    where (year, month) >= (:first_year, :first_month) and {_OF_BILLS}"""

# Corrections with what they correct.
_CONCERNED = f"""
with outdated as ({_OUTDATED}), late as ({_LATE})
select id from outdated
union select adjusts_id from outdated where adjusts_id is not null
union select id from late
union {_OUTSIDE}"""

# Found first, and their bills by key: what was just imported has no statistics yet, by which it
# could be told that looking through all of them for each bill is slow.
_RECALCULATE = sa.text(f"""
with outdated as materialized ({_OUTDATED}),
due as (
    select b.id, bill_figures(b) as before, b.kind <> 'overage' as corrects, t.*,
           hold_reason(o.overage_unit_cost, o.active_days, n.has_no_approver,
                       t.overage_amount, last.amount, cast(:jump_factor as numeric)) as cause
    from outdated join bills b using (id)
    cross join lateral figures_now(b) t
    cross join lateral overage_of(b.customer_id, b.year, b.month) o
    cross join lateral approval_rules_of_bill(b.id, b.customer_id) r
    cross join lateral needed_approvals(r, t.overage_amount, t.currency) n
    left join lateral (
        select l.amount from billed_last(b.customer_id, o.currency, b.year, b.month) l
        where cast(:jump_factor as numeric) is not null and b.kind = 'overage'
        offset 0) last on true
    where b.id = any(:locked)
), told as (
    select *, case when overage_amount = 0 or overage_units = 0 and not corrects then 'void'
                   when cause is not null then 'held' else 'pending' end as status
    from due
), moved as (
    update bills b
    set api_usage = t.api_usage, monthly_api_limit = t.monthly_api_limit,
        overage_units = t.overage_units, overage_unit_cost = t.overage_unit_cost,
        overage_amount = t.overage_amount, currency = t.currency,
        billed_so_far = t.billed_so_far, waived_units = t.waived_units,
        kind = case when not t.corrects then b.kind
                    when t.overage_amount < 0 then 'credit' else 'adjustment' end,
        status = t.status, hold_reason = case when t.status = 'held' then t.cause end,
        version = b.version + 1, updated_at = :now
    from told t where t.id = b.id
    returning b.id, b.version,
        case when b.status = 'void' then 'void' else 'invalidate' end as action,
        jsonb_build_object('before', t.before, 'after', bill_figures(b))
        || case when b.status = 'void' then '{{"cause": "no_overage"}}'::jsonb else '{{}}' end
        as snapshot
)
{append_actions("moved", is_correction=True)}
returning bill_id, snapshot -> 'after' ->> 'status' as status
""")

_HOLD = sa.text(f"""
with outside as materialized ({_OUTSIDE}),
held as (
    update bills b
    set status = 'held', hold_reason = 'outside_contract', version = b.version + 1,
        updated_at = :now
    from outside join bills was using (id)
    where b.id = any(:locked) and was.id = b.id
    returning b.id, b.version,
        case was.status when 'sending' then 'invalidate' else 'hold' end as action,
        jsonb_build_object('before', bill_figures(was), 'after', bill_figures(b)) as snapshot
)
{append_actions("held", is_correction=True)}
returning bill_id
""")

_PROPOSE = sa.text(f"""
with made as (
    insert into bills (customer_id, year, month, kind, api_usage, monthly_api_limit, overage_units,
        overage_unit_cost, overage_amount, currency, billed_so_far, waived_units, status,
        hold_reason, adjusts_id, created_at, updated_at)
    select late.customer_id, year, month,
        case when overage_amount < 0 then 'credit' else 'adjustment' end,
        api_usage, monthly_api_limit, late.overage_units, overage_unit_cost, overage_amount,
        currency, billed_so_far, waived_units,
        case when h.cause is null then 'pending' else 'held' end, h.cause, id, :now, :now
    from ({_LATE}) late
    cross join lateral approval_rules_of(late.customer_id) r
    cross join lateral needed_approvals(r, overage_amount, late.currency) n
    cross join lateral (
        select hold_reason(
            overage_unit_cost, active_days,
            n.has_no_approver
                and not passes_correction(r, overage_amount, late.currency, waived_units),
            null, null, null) as cause) h
    where id = any(:locked)
    order by id
    on conflict do nothing
    returning bills.id, bills.version, 'generate' as action,
        jsonb_build_object('cause', 'late_usage', 'bill', bills.adjusts_id,
                           'after', bill_figures(bills)) as snapshot
)
{append_actions("made", is_correction=True)}
returning bill_id, snapshot -> 'after' ->> 'status' as status
""")

_CHANGED_NOW = """
exists (select from usages u
        where u.updated_at = :now and u.customer_id = b.customer_id
          and u.year = b.year and u.month = b.month)"""

_REPORT = sa.text(f"""
select b.id from late_bills b
where (b.year, b.month) < (:first_year, :first_month) and {_CHANGED_NOW}
  and {_OF_B} order by b.id
""")

_REJECTED = sa.text(f"""
select b.id from outdated_bills o join bills b on b.id = o.id
where o.status = 'rejected' and {_CHANGED_NOW}
  and {_OF_B} order by b.id
""")

# The last of the month's bills, and void, though there is something to bill again, as was agreed.
_UNBILLED = sa.text(f"""
select b.id
from bills b cross join lateral overage_of(b.customer_id, b.year, b.month) o
where b.kind = 'overage' and b.status = 'void' and o.overage_amount > 0 and {_CHANGED_NOW}
  and {_OF_B}
  and agreed_units(o.overage_units, o.api_usage, waived_of(b.id), 0) > 0
  and not exists (
      select from bills other
      where other.customer_id = b.customer_id and other.year = b.year and other.month = b.month
        and other.kind = 'overage' and (other.status <> 'void' or other.id > b.id))
order by b.id
""")

_KEPT = sa.text(f"""
select b.id
from former_contracts f
join customers c on c.id = f.customer_id
join bills b on b.customer_id = c.id and b.kind = 'overage' and b.status <> 'void'
join billed_contracts billed on billed.bill_id = b.id
cross join lateral contract_days(
    c.id, c.start_date, c.end_date, make_date(b.year, b.month, 1),
    (make_date(b.year, b.month, 1) + interval '1 month - 1 day')::date) d
where f.replaced_at = :now and d.days <> billed.contract_days
  and {_OF_B}
order by b.id
""")


async def follow_customers(
    session: AsyncSession, context: Context, bill_ids: Sequence[int] | None = None
) -> tuple[tuple[int, ...], Recalculation]:
    """After customers have changed in any way: the bills that nobody can decide any more and are
    held, of those that wait once all are worked out anew, and what became of these.

    `bill_ids`: all the bills of these customers, where they are few.
    """
    await session.flush()
    values = _values(context, bill_ids)
    stranded = f"select id from stranded_bills where {_OF_BILLS}"
    locked = await lock_bills(session, f"({stranded}) union ({_CONCERNED})", values)
    by = context.user
    recalculated = await recalculate(
        session, context, bill_ids, locked, reports=True, corrected_by=by
    )
    return await reroute_open_bills(session, context, locked, bill_ids), recalculated


async def recalculate(
    session: AsyncSession,
    context: Context,
    bill_ids: Sequence[int] | None = None,
    locked: Sequence[int] | None = None,
    *,
    reports: bool | None = None,
    corrected_by: User | None = None,
) -> Recalculation:
    """Take every bill, or those given, to the figures that usage and terms give now.

    Done by `system`, at the time and from where `context` changed them. Bills without a number are
    worked out anew: approvals fall, one with a cause is held, one without overage is void; one held
    for its contract dates goes on once they cover its month. For bills that have gone out, in the
    last `lookback_months` closed months, the difference is proposed. Usage changed at `context.now`
    is only reported where its month is older, where its bill is rejected, and where that is void
    though there is something to bill again. Where the contract does not cover the month any more,
    the bill is held; one that has gone out keeps the contract that it was billed under, which is
    reported where its dates changed at `context.now`.

    `locked`: all that may be touched, where the caller has locked that. `reports`: whether what is
    only reported is looked for; without it, where no bills are given. `corrected_by`: whoever
    corrected usage or terms just now, whom the record of the bills then names.
    """
    automatic = await as_system(session, context)
    values = _values(automatic, bill_ids)
    is_known = corrected_by is not None and corrected_by.id != automatic.user.id
    values["corrected_by"] = corrected_by.id if corrected_by and is_known else None
    await session.flush()
    if locked is None:
        locked = await lock_bills(session, _CONCERNED, values)
    done = await _moved(session, values | {"locked": locked}) if locked else Recalculation()
    if bill_ids is None if reports is None else reports:
        done = await _with_reports(session, done, values)
    if done == Recalculation():
        return done
    return await _follow_up(session, automatic, done)


async def _moved(session: AsyncSession, values: dict[str, Any]) -> Recalculation:
    """Work the locked bills out anew, hold them, or propose their corrections."""
    moved = (await session.execute(_RECALCULATE, values)).all()
    outside = (await session.scalars(_HOLD, values)).all()
    proposed = (await session.execute(_PROPOSE, values)).all()
    held = [row.bill_id for row in (*moved, *proposed) if row.status == State.HELD]
    return Recalculation(
        invalidated=_sorted(
            row.bill_id for row in moved if row.status not in (State.VOID, State.HELD)
        ),
        held=_sorted([*held, *outside]),
        voided=_sorted(row.bill_id for row in moved if row.status == State.VOID),
        proposed=_sorted(row.bill_id for row in proposed),
    )


async def _with_reports(
    session: AsyncSession, done: Recalculation, values: dict[str, Any]
) -> Recalculation:
    return replace(
        done,
        reported=tuple(await session.scalars(_REPORT, values)),
        unbilled=tuple(await session.scalars(_UNBILLED, values)),
        rejected=tuple(await session.scalars(_REJECTED, values)),
        kept=tuple(await session.scalars(_KEPT, values)),
    )


def _sorted(ids: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(ids))


def _values(context: Context, bill_ids: Sequence[int] | None) -> dict[str, Any]:
    first = Period.of(context.today).plus(-context.settings.lookback_months)
    return {
        "bill_ids": list(bill_ids) if bill_ids is not None else None,
        "first_year": first.year,
        "first_month": first.month,
        "jump_factor": context.settings.jump_factor,
        "user_id": context.user.id,
        "source": context.source,
        "now": context.now,
    }


async def _follow_up(session: AsyncSession, context: Context, done: Recalculation) -> Recalculation:
    """Approvals fall, small proposals pass, cards are drawn and posted, and Finance is told."""
    asking = {*done.invalidated, *done.held}
    changed = [*asking, *done.voided]
    await revoke_approvals(session, sorted(asking), context.now)
    if done.proposed:
        first, last = done.proposed[0], done.proposed[-1]
        passed = await auto_approve(session, first, last, context.now, context.source)
        done = replace(done, passed=passed)
    await defer_redraw_cards_of_bills(session, changed)
    await redraw_cards(session, done.rejected)
    await redraw_cards_of_relatives(session, [*changed, *done.proposed])
    waiting = (*done.invalidated, *done.proposed)
    await add_cards_of_bills(session, waiting, context.settings.approvals_channel)
    await notify_recalculated(session, context.now, done)
    return done
