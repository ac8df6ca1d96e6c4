"""Why a bill is held, and which the customer's own rule approves."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.bill import Bill
from models.bills.states import HoldReason
from models.period import Period

# What `offset 0` closes off is worked out once, and is a column to what stands on it, so that
# functions of it are put in place of their calls. Conditions do not pass it, so they stand inside.
PROPOSED = """
priced as (
    select * from overages o
    where year = :year and month = :month and overage_units > 0
      and (cast(:customer_id as bigint) is null or customer_id = :customer_id)
      {narrowed}
    offset 0
),
proposed as (
    select o.*, r as rules, h.cause, held.hold_reason,
           held.hold_reason is null and small.passes as passes
    from priced o
    {rules}
    cross join lateral needed_approvals(r, o.overage_amount, o.currency) n
    left join lateral (
        select l.amount from billed_last(o.customer_id, o.currency, o.year, o.month) l
        where cast(:jump_factor as numeric) is not null or r.auto_approve_below is not null
        offset 0) last on true
    cross join lateral (
        select passes_auto_approval(
            r, o.overage_amount, o.currency,
            is_jump(o.overage_amount, last.amount,
                    coalesce(cast(:jump_factor as numeric), usual_jump_factor()))) as passes) small
    cross join lateral (
        select hold_reason(o.overage_unit_cost, o.active_days, n.has_no_approver,
            o.overage_amount, last.amount, cast(:jump_factor as numeric)) as cause) h
    cross join lateral (
        select case when h.cause = 'no_approver' and small.passes then null else h.cause end
            as hold_reason) held
)"""
"""Bills that would be made for a month, and how they begin: the cause for which each is held, if
any, and whether the customer's own rule approves it, which needs no approver. An amount may come to
nothing once rounded. `cause` is that of a bill which waits for people.
"""

FRESH = """
      and not exists (
          select from bills b
          where b.customer_id = o.customer_id and b.kind = 'overage'
            and b.year = :year and b.month = :month)"""
"""Narrows `PROPOSED` to customers without a bill of that month."""

OF_CUSTOMERS = "join approval_rules r on r.customer_id = o.customer_id"
"""The `rules` of `PROPOSED` for bills that are not there yet."""

_OF_BILL = "cross join lateral approval_rules_of_bill(cast(:bill_id as bigint), o.customer_id) r"
_CAUSE = sa.text(f"with {PROPOSED.format(narrowed='', rules=_OF_BILL)} select cause from proposed")

_CAUSE_OF_CORRECTION = sa.text("""
select hold_reason(o.overage_unit_cost, o.active_days, :has_no_approver, null, null, null)
from overage_of(:customer_id, :year, :month) o
""")


def run_values(
    period: Period, customer_id: int | None, jump_factor: float | None = None
) -> dict[str, Any]:
    return {
        "year": period.year,
        "month": period.month,
        "customer_id": customer_id,
        "jump_factor": jump_factor,
    }


async def hold_reason_of(
    session: AsyncSession,
    customer_id: int,
    period: Period,
    jump_factor: float | None = None,
    bill_id: int | None = None,
) -> HoldReason | None:
    """Why this customer's bill of that month would be held if it were made now. `bill_id`: the one
    that is there, for which others may be asked than its customer names.
    """
    values = run_values(period, customer_id, jump_factor) | {"bill_id": bill_id}
    found = await session.scalars(_CAUSE, values)
    reason = found.one_or_none()
    return HoldReason(reason) if reason else None


async def hold_reason_of_correction(
    session: AsyncSession, bill: Bill, has_no_approver: bool
) -> HoldReason | None:
    """Why a correction would be held if it were proposed now; whatever it comes to, it is no jump.

    Its month counts the days in contract that it was billed under.
    """
    values = {
        "customer_id": bill.customer_id,
        "year": bill.year,
        "month": bill.month,
        "has_no_approver": has_no_approver,
    }
    reason = await session.scalar(_CAUSE_OF_CORRECTION, values)
    return HoldReason(reason) if reason else None
