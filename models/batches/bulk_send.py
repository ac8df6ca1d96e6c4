"""Everything there is to know about bills, gathered for whoever draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from secrets import token_hex
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.recalculate import recalculate
from models.actions.send import check_can_mail, send_bill
from models.bills.states import BillKind, HoldReason, State
from models.context import Context
from models.errors import FiguresChanged, NotFound, Refusal
from models.outbox.jobs import defer_bulk_send, defer_sending
from models.outbox.messages import Message, MessageKind, MessageState, user_recipient
from models.people.permissions import Permission
from models.people.users import User
from models.period import Period
from models.queries.bill_list import BillLine
from models.queries.totals import Total, totals_of


class NotSent(StrEnum):
    """Why a bill does not go out when it is asked for."""

    STATE = "state"
    OUTDATED = "outdated"
    NO_ADDRESS = "no_address"
    CHANGED = "changed"


@dataclass(frozen=True)
class OutgoingBill:
    """A bill that somebody asked to send: to which address it goes, or why it is kept."""

    line: BillLine
    to: str | None = None
    kept: NotSent | None = None


@dataclass(frozen=True)
class SendPreview:
    """What sending would do: `ready` go out, `kept` cannot. `period`: of all approved bills of it.

    `id` names the list of `ready` as it was shown, None where nothing can go out.
    """

    id: int | None
    period: Period | None
    ready: tuple[OutgoingBill, ...]
    kept: tuple[OutgoingBill, ...]
    totals: tuple["Total", ...]
    delay_minutes: float


@dataclass(frozen=True)
class SendReport:
    """How far a list is that is being sent: `sent` of `bills`, and whether that was all.

    `totals` are of those sent; `due`: when the last of these goes out, until which it can be called
    back. So many had their numbers, and went out `at_once`. `kept` are the first of the others,
    once it has `ended`.
    """

    id: int
    bills: int
    sent: int
    ended: bool
    totals: tuple["Total", ...]
    due: datetime | None
    at_once: int = 0
    kept: tuple[OutgoingBill, ...] = ()


CHUNK = 20
"""So many bills are sent in one transaction, which takes well under a second."""

NAMED = 10

_LINE = """
b.id, b.version, c.name, b.year, b.month, b.status, b.hold_reason, b.overage_amount,
b.currency, b.created_at, b.kind, b.number, nullif(trim(c.billing_email), '') as address
"""

_NAMED = sa.text(f"""
select {_LINE}, exists (select from outdated_bills o where o.id = b.id) as outdated
from bills b
join customers c on c.id = b.customer_id
where b.id = any(:bill_ids)
order by b.id
""")

# Of many thousand bills the figures are not compared here: each is looked at when it is sent.
_OF_MONTH = sa.text(f"""
select {_LINE}, false as outdated
from bills b
join customers c on c.id = b.customer_id
where b.year = :year and b.month = :month
  and b.status in ('held', 'pending', 'rejected', 'approved')
order by b.id
""")


async def preview_send(
    session: AsyncSession,
    context: Context,
    bill_ids: Sequence[int] = (),
    period: Period | None = None,
) -> SendPreview:
    """What sending these bills, or those of a month, would do; the list of them is kept.

    Refuses whoever may not send, and everything where there is no mail server.
    """
    context.user.require(Permission.SEND)
    check_can_mail(context)
    rows = (
        await session.execute(_OF_MONTH, {"year": period.year, "month": period.month})
        if period
        else await session.execute(_NAMED, {"bill_ids": list(bill_ids)})
    )
    asked = [_outgoing(row) for row in rows]
    ready = tuple(one for one in asked if one.kept is None)
    return SendPreview(
        id=await _store_list(session, context, [one.line for one in ready]) if ready else None,
        period=period,
        ready=ready,
        kept=tuple(one for one in asked if one.kept is not None),
        totals=totals_of([one.line for one in ready]),
        delay_minutes=context.settings.send_delay_minutes,
    )


def _outgoing(row: Any) -> OutgoingBill:
    return OutgoingBill(_line(row), row.address, _kept(row))


def _kept(row: Any) -> NotSent | None:
    if row.status != State.APPROVED:
        return NotSent.STATE
    if row.address is None:
        return NotSent.NO_ADDRESS
    return NotSent.OUTDATED if row.outdated else None


def _line(row: Any) -> BillLine:
    return BillLine(
        id=row.id,
        version=row.version,
        customer=row.name,
        period=Period(row.year, row.month),
        status=State(row.status),
        hold_reason=HoldReason(row.hold_reason) if row.hold_reason else None,
        amount=row.overage_amount,
        currency=row.currency,
        created_at=row.created_at,
        kind=BillKind(row.kind),
        number=row.number,
    )


async def _store_list(session: AsyncSession, context: Context, lines: Sequence[BillLine]) -> int:
    """A list that nobody is told about as long as it is not begun."""
    kept = Message(
        key=f"sending:{context.user.id}:{token_hex(8)}",
        kind=MessageKind.SENDING,
        recipient=user_recipient(context.user.id),
        facts={"bills": [[line.id, line.version] for line in lines]},
        state=MessageState.LISTED,
    )
    session.add(kept)
    await session.flush()
    return kept.id


async def start_send(session: AsyncSession, list_id: int, context: Context) -> bool:
    """Send the first bills of a list that was shown to this person; False where that was done.

    The others follow by themselves, with their progress in a message of its own. Refuses a list
    of somebody else, and what `preview_send` refuses.
    """
    context.user.require(Permission.SEND)
    check_can_mail(context)
    kept = await _list(session, list_id, lock=True)
    if kept.recipient != user_recipient(context.user.id):
        raise NotFound("That list is somebody else's. Ask for one of your own.")
    if "begun" in kept.facts:
        return False
    kept.facts = kept.facts | {"begun": context.now.isoformat()}
    await session.flush()
    if await send_step(session, list_id, context) is not None:
        kept.state = MessageState.WAITING
        await defer_sending(session, kept.recipient)
        await defer_bulk_send(session, list_id)
    return True


async def send_step(
    session: AsyncSession, list_id: int, context: Context, after: int = 0
) -> int | None:
    """Send the next bills of a list that is begun, those with ids `after` that.

    What has changed since it was shown, or is refused by now, is left out. Returns after which id
    to go on, None where these were the last.
    """
    values = {"id": list_id, "after": after, "most": CHUNK}
    found = (await session.execute(_NEXT, values)).all()
    for bill_id, version in found:
        try:
            await send_bill(session, bill_id, version, context)
        except FiguresChanged:
            await recalculate(session, context, [bill_id])
        except Refusal:
            continue
    if len(found) == CHUNK:
        return int(found[-1].id)
    await session.execute(_END, {"id": list_id})
    return None


_PAIRS = """
messages p
cross join lateral jsonb_array_elements(p.facts -> 'bills') pair
cross join lateral (
    select (pair ->> 0)::bigint as bill_id, (pair ->> 1)::integer as version) shown
join bills b on b.id = shown.bill_id
"""

_NEXT = sa.text(f"""
select b.id, b.version from {_PAIRS}
where p.id = :id and b.version = shown.version and b.status = 'approved' and b.id > :after
order by b.id limit :most
""")

_END = sa.text("update messages set facts = facts || '{\"ended\": true}' where id = :id")


async def is_send_started(session: AsyncSession, list_id: int) -> bool:
    return "begun" in (await _list(session, list_id)).facts


async def sender_of(session: AsyncSession, list_id: int) -> User:
    """Whose list it is."""
    kept = await _list(session, list_id)
    return await session.get_one(User, int(kept.recipient.partition(":")[2]))


async def send_report(session: AsyncSession, list_id: int) -> SendReport:
    """How far a list is that is being sent."""
    kept = await _list(session, list_id)
    ended = "ended" in kept.facts
    sums = (await session.execute(_SENT, {"id": list_id})).all()
    left = await session.execute(_LEFT, {"id": list_id, "most": NAMED}) if ended else ()
    return SendReport(
        id=list_id,
        bills=len(kept.facts["bills"]),
        sent=sum(row.bills for row in sums),
        ended=ended,
        totals=tuple(Total(row.currency, row.bills, row.amount) for row in sums),
        due=max((row.due for row in sums if row.due), default=None),
        at_once=sum(row.at_once for row in sums),
        kept=tuple(OutgoingBill(_line(row), row.address, _why(row)) for row in left),
    )


# A bill was sent from here if the very next thing that happened to it was that.
_HAPPENED = f"""
{_PAIRS}
left join bill_actions a on a.bill_id = b.id and a.action = 'send'
    and a.bill_version = shown.version + 1
"""

# One that has its number from before goes out at once.
_ISSUED = "(a.snapshot -> 'before' ->> 'number' is not null)"

_SENT = sa.text(f"""
select b.currency, count(*) as bills, sum(b.overage_amount) as amount,
       count(*) filter (where {_ISSUED}) as at_once,
       max((a.snapshot ->> 'due')::timestamptz) filter (where not {_ISSUED}) as due
from {_HAPPENED}
where p.id = :id and a.id is not null
group by b.currency order by b.currency
""")

_LEFT = sa.text(f"""
select {_LINE}, b.version <> shown.version as changed
from {_HAPPENED}
join customers c on c.id = b.customer_id
where p.id = :id and a.id is null
order by b.id limit :most
""")


def _why(row: Any) -> NotSent:
    if row.changed or row.status != State.APPROVED:
        return NotSent.CHANGED
    return NotSent.OUTDATED if row.address else NotSent.NO_ADDRESS


async def _list(session: AsyncSession, list_id: int, lock: bool = False) -> Message:
    query = sa.select(Message).where(Message.id == list_id, Message.kind == MessageKind.SENDING)
    query = query.execution_options(populate_existing=True)
    found = (await session.scalars(query.with_for_update() if lock else query)).one_or_none()
    if found is None:
        raise NotFound("That list is not here any more. Ask for it again.")
    return found
