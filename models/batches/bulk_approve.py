"""Lists of bills that are approved, a few at a time, each under the guards of one alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill
from models.actions.refused import put_right
from models.batches.lists import (
    CHUNK,
    ListStep,
    end_list,
    find_list,
    lock_free,
    new_list,
    start_list,
)
from models.context import Context, system_context
from models.errors import Busy, Invalid, Refusal, WrongState
from models.outbox.jobs import defer_bulk_approve
from models.outbox.messages import MessageKind
from models.people.permissions import Permission
from models.people.who_can import require
from models.queries.bill_list import BillLine, bill_line
from models.queries.totals import Total, totals_of

Tell = Callable[[Refusal], str]
"""How whoever approves reads why a bill was left out."""

NOTHING_SELECTED = "No bill is selected. Tick the bills that you want to approve first."


@dataclass(frozen=True)
class ApprovalOutcome:
    """What came of one bill: approved, perhaps with another's word still `awaited`; `left_out`: why
    it was not.
    """

    line: BillLine
    awaited: bool = False
    left_out: str | None = None


@dataclass(frozen=True)
class ApprovalReport:
    """How far a list is: `approved` of `bills` so far, and `left_out`.

    Once it has `ended`: how many of the approved are `awaited`, lacking another's word, what they
    come to, and the first outcomes, what was left out before the others.
    """

    bills: int
    approved: int
    awaited: int
    left_out: int
    ended: bool
    totals: tuple[Total, ...] = ()
    outcomes: tuple[ApprovalOutcome, ...] = ()


NAMED = 20


async def keep_selection(
    session: AsyncSession, seen: Sequence[tuple[int, int]], context: Context
) -> int:
    """A list of the bills that this person selected, by id and the version they saw."""
    await require(session, context.user, Permission.APPROVE)
    if not seen:
        raise Invalid(NOTHING_SELECTED)
    kept = await new_list(session, MessageKind.APPROVING, context.user)
    ids, versions = zip(*dict(seen).items(), strict=True)
    values = {"list_id": kept.id, "ids": list(ids), "versions": list(versions)}
    await session.execute(_KEEP, values)
    return kept.id


_KEEP = sa.text("""
insert into approval_list_bills (list_id, bill_id, version)
select :list_id, b.id, seen.version
from unnest(cast(:ids as bigint[]), cast(:versions as bigint[])) seen (id, version)
join bills b using (id) where seen.version < 2147483648
""")


async def start_approving(
    session: AsyncSession, list_id: int, context: Context, tell: Tell
) -> bool:
    """Begin a list that was shown to this person, as `start_list` does; False where that was done.

    Refuses whoever may not approve, too.
    """
    await require(session, context.user, Permission.APPROVE)
    return await start_list(
        session,
        MessageKind.APPROVING,
        list_id,
        context,
        lambda: approve_step(session, list_id, context, tell),
        defer_bulk_approve,
    )


async def approve_step(
    session: AsyncSession, list_id: int, context: Context, tell: Tell, after: int = 0
) -> ListStep:
    """Approve the next bills of a list, those with ids `after` that.

    What has changed since it was shown, or is refused by now, is left out, and why is kept. What
    somebody else is at is passed over, so that no bill keeps the others waiting.
    """
    values = {"id": list_id, "after": after, "most": CHUNK}
    found = (await session.execute(_NEXT, values)).all()
    busy = await lock_free(session, found)
    for bill in found:
        if bill.id not in busy:
            outcome = await _approve(session, bill, context, tell)
            await session.execute(_SETTLE, {"id": list_id, "bill_id": bill.id, **outcome})
    return ListStep(found[-1].id if len(found) == CHUNK else None, busy)


async def _approve(
    session: AsyncSession, bill: Any, context: Context, tell: Tell
) -> dict[str, Any]:
    try:
        action = await approve_bill(session, bill.id, bill.version, context)
    except Refusal as refused:
        if isinstance(refused, WrongState):
            act = await system_context(session, context.now, context.source, context.settings)
            await put_right(session, bill.id, refused, act)
        return {"action_id": None, "left_out": tell(refused)}
    return {"action_id": action.id, "left_out": None}


_NEXT = sa.text("""
select b.id, shown.version, b.adjusts_id
from approval_list_bills shown join bills b on b.id = shown.bill_id
where shown.list_id = :id and shown.bill_id > :after
  and shown.action_id is null and shown.left_out is null
order by shown.bill_id limit :most
""")

_SETTLE = sa.text("""
update approval_list_bills set action_id = :action_id, left_out = :left_out
where list_id = :id and bill_id = :bill_id
""")


async def approval_report(session: AsyncSession, list_id: int) -> ApprovalReport:
    """How far a list is that is approved; once it has ended, what came of it."""
    values = {"id": list_id, "most": NAMED}
    done = (await session.execute(_DONE, values)).one()
    kept = await find_list(session, MessageKind.APPROVING, list_id)
    so_far = ApprovalReport(done.bills, done.approved, 0, done.left_out, "ended" in kept.facts)
    if not so_far.ended:
        return so_far
    given = (await session.execute(_SUMS, values)).all()
    return replace(
        so_far,
        awaited=sum(row.priced for row in given if row.awaited),
        totals=totals_of(given),
        outcomes=tuple(
            ApprovalOutcome(bill_line(row, row.name), row.awaited, row.left_out)
            for row in await session.execute(_FIRST, values)
        ),
    )


_DONE = sa.text("""
select count(*) as bills, count(action_id) as approved, count(left_out) as left_out
from approval_list_bills where list_id = :id
""")

# The bill's version goes up with the last approval that it needs.
_GIVEN = """
approval_list_bills shown join bills b on b.id = shown.bill_id
left join bill_actions a on a.id = shown.action_id
cross join lateral (select coalesce(a.bill_version = shown.version, false) as awaited) given
"""

_SUMS = sa.text(f"""
select given.awaited, b.currency, count(*) as priced, sum(b.overage_amount) as amount
from {_GIVEN} where shown.list_id = :id and shown.action_id is not null
group by given.awaited, b.currency
""")

_FIRST = sa.text(f"""
select b.*, c.name, given.awaited, shown.left_out
from {_GIVEN} join customers c on c.id = b.customer_id
where shown.list_id = :id
order by shown.left_out is null, b.id limit :most
""")


async def end_approving(session: AsyncSession, list_id: int, tell: Tell) -> None:
    """Nothing more of the list is approved; what somebody was at to the last is left out."""
    await session.execute(_LEAVE_OUT, {"id": list_id, "left_out": tell(Busy())})
    await end_list(session, list_id)


_LEAVE_OUT = sa.text("""
update approval_list_bills set left_out = :left_out
where list_id = :id and action_id is null and left_out is null
""")
