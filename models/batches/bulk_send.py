"""Lists of bills that are sent, a few at a time."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.recalculate import recalculate
from models.actions.send import check_can_mail, send_bill
from models.batches.lists import CHUNK, ListStep, find_list, lock_free, start_list
from models.batches.send_preview import LINE, NAMED, WRITTEN, OutgoingBill, outgoing_bill
from models.bills.states import NotSent, State
from models.context import Context
from models.customers.signs import can_be_written
from models.errors import FiguresChanged, Refusal
from models.outbox.jobs import defer_bulk_send
from models.outbox.messages import Message, MessageKind
from models.people.permissions import Permission
from models.queries.bill_list import bill_line


@dataclass(frozen=True)
class SendReport:
    """How far a list is that is being sent: `sent` of `bills`, and whether that was all.

    Which were not sent is told once it has `ended`: `kept` are the first of them.
    """

    id: int
    bills: int
    sent: int
    ended: bool
    kept: tuple[OutgoingBill, ...] = ()


async def start_send(session: AsyncSession, list_id: int, context: Context) -> bool:
    """Begin a list that was shown to this person, as `start_list` does; False where that was done.

    Refuses what `preview_send` refuses, too.
    """
    context.user.require(Permission.SEND)
    check_can_mail(context)
    return await start_list(
        session,
        MessageKind.SENDING,
        list_id,
        context,
        lambda: send_step(session, list_id, context),
        defer_bulk_send,
    )


async def send_step(
    session: AsyncSession, list_id: int, context: Context, after: int = 0
) -> ListStep:
    """Send the next bills of a list that is begun, those with ids `after` that.

    What has changed since it was shown, or is refused by now, is left out. What somebody else is
    at is passed over, so that no bill keeps the others waiting.
    """
    values = {"id": list_id, "after": after, "most": CHUNK}
    found = (await session.execute(_NEXT, values)).all()
    busy = await lock_free(session, found)
    sent = 0
    for bill in found:
        if bill.id not in busy:
            sent += await _send(session, bill.id, bill.version, context)
    await session.execute(_ADVANCE, {"id": list_id, "sent": sent})
    return ListStep(found[-1].id if len(found) == CHUNK else None, busy)


async def _send(session: AsyncSession, bill_id: int, version: int, context: Context) -> bool:
    try:
        await send_bill(session, bill_id, version, context)
    except FiguresChanged:
        await recalculate(session, context, [bill_id])
    except Refusal:
        return False
    else:
        return True
    return False


_PAIRS = "send_list_bills shown join bills b on b.id = shown.bill_id"

_NEXT = sa.text(f"""
select b.id, b.version, b.adjusts_id from {_PAIRS}
where shown.list_id = :id and shown.bill_id > :after
  and b.version = shown.version and can_be_sent(b)
order by shown.bill_id limit :most
""")

_ADVANCE = sa.text("""
update messages
set facts = facts || jsonb_build_object(
    'sent', coalesce((facts ->> 'sent')::integer, 0) + cast(:sent as integer))
where id = :id
""")


async def is_send_started(session: AsyncSession, list_id: int) -> bool:
    return "begun" in (await send_list(session, list_id)).facts


async def send_report(session: AsyncSession, list_id: int, most: float = math.inf) -> SendReport:
    """How far a list is that is being sent; of one of more bills than `most` no more than that."""
    facts = (await send_list(session, list_id)).facts
    if "ended" not in facts or facts["count"] > most:
        return SendReport(list_id, facts["count"], facts.get("sent", 0), ended=False)
    left = await session.execute(_LEFT, {"id": list_id, "most": NAMED})
    return SendReport(
        id=list_id,
        bills=facts["count"],
        sent=facts.get("sent", 0),
        ended=True,
        kept=tuple(
            outgoing_bill(bill_line(row, row.name), row, _why(row, facts.get("busy", ())))
            for row in left
        ),
    )


async def sent_by_list(session: AsyncSession, list_id: int) -> list[int]:
    """The ids of the bills that were sent from a list, lowest first."""
    return list(await session.scalars(_SENT_IDS, {"id": list_id}))


HAPPENED = f"""
{_PAIRS}
left join bill_actions a on a.bill_id = b.id and a.action = 'send'
    and a.bill_version = shown.version + 1
"""
"""A bill was sent from a list if the very next thing that happened to it was that."""

_SENT_IDS = sa.text(f"""
select b.id from {HAPPENED} where shown.list_id = :id and a.id is not null order by b.id
""")

_LEFT = sa.text(f"""
select {LINE}, b.version <> shown.version as changed, {WRITTEN}
from {HAPPENED}
join customers c on c.id = b.customer_id
where shown.list_id = :id and a.id is null
order by b.version <> shown.version or b.status <> 'approved', shown.bill_id limit :most
""")


def _why(row: Any, busy: Collection[int]) -> NotSent:
    if row.changed or row.status != State.APPROVED:
        return NotSent.CHANGED
    if row.id in busy:
        return NotSent.BUSY
    if not row.address:
        return NotSent.NO_ADDRESS
    return NotSent.OUTDATED if row.number or can_be_written(*row.written) else NotSent.NO_FONT


async def send_list(session: AsyncSession, list_id: int) -> Message:
    """A list of bills to send as it was shown; refuses what is none."""
    return await find_list(session, MessageKind.SENDING, list_id)
