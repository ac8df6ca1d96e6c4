"""Lists of bills that are sent, a few at a time."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.recalculate import recalculate
from models.actions.send import check_can_mail, send_bill
from models.batches.lists import CHUNK, ListStep, find_list, lock_free, start_list
from models.batches.send_preview import LINE, NAMED, WRITTEN, OutgoingBill, outgoing_bill
from models.bills.states import BillKind, NotSent, State
from models.context import Context
from models.customers.mail_addresses import read_addresses
from models.customers.signs import can_be_written
from models.errors import FiguresChanged, Refusal, Unreadable
from models.outbox.jobs import defer_bulk_send
from models.outbox.messages import Message, MessageKind
from models.people.permissions import Permission
from models.people.who_can import require
from models.queries.bill_list import bill_line


@dataclass(frozen=True)
class SendReport:
    """How far a list is that is being sent: `sent` of `bills`, and whether that was all.

    Which were not sent is told once it has `ended`: `kept` are the first of them, and all of them
    are counted `by_state`.
    """

    id: int
    bills: int
    sent: int
    ended: bool
    kept: tuple[OutgoingBill, ...] = ()
    by_state: Mapping[State, int] = field(default_factory=dict)


async def start_send(session: AsyncSession, list_id: int, context: Context) -> bool:
    """Begin a list that was shown to this person, as `start_list` does; False where that was done.

    Refuses what `preview_send` refuses, too.
    """
    await require(session, context.user, Permission.SEND)
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
    own_template = context.settings.own_template
    values = {"id": list_id, "sent": sent, "own_template": own_template}
    await session.execute(_ADVANCE, values)
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
    'sent', coalesce((facts ->> 'sent')::integer, 0) + cast(:sent as integer),
    'own_template', cast(:own_template as boolean))
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
    counted = await session.execute(_LEFT_BY_STATE, {"id": list_id})
    return SendReport(
        id=list_id,
        bills=facts["count"],
        sent=facts.get("sent", 0),
        ended=True,
        kept=tuple(
            outgoing_bill(bill_line(row, row.name, row.with_tax), row, _why(row, facts))
            for row in left
        ),
        by_state={State(row.status): row.bills for row in counted},
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
select {LINE}, b.version <> shown.version as changed, c.cc_emails,
    b.adjusts_id is not null and waits_for(b) is not null as waits, {WRITTEN}
from {HAPPENED}
join customers c on c.id = b.customer_id
where shown.list_id = :id and a.id is null
order by b.version <> shown.version or b.status <> 'approved', shown.bill_id limit :most
""")


_LEFT_BY_STATE = sa.text(f"""
select b.status, count(*) as bills from {HAPPENED}
where shown.list_id = :id and a.id is null group by b.status order by b.status
""")


def _why(row: Any, facts: Mapping[str, Any]) -> NotSent:
    """With a template of the company's own, nobody here knows its fonts."""
    if row.changed or row.status != State.APPROVED:
        return NotSent.CHANGED
    if row.id in facts.get("busy", ()):
        return NotSent.BUSY
    if not row.address:
        return NotSent.NO_ADDRESS
    if not _is_mailable(row):
        return NotSent.BAD_ADDRESS
    if row.waits:
        return NotSent.NOT_ITS_TURN
    is_new = not row.number and row.kind == BillKind.OVERAGE
    is_drawn_here = is_new and not facts.get("own_template")
    is_unwritten = is_drawn_here and not can_be_written(*row.written)
    return NotSent.NO_FONT if is_unwritten else NotSent.OUTDATED


def _is_mailable(row: Any) -> bool:
    try:
        read_addresses(row.address, row.cc_emails)
    except Unreadable:
        return False
    return True


async def send_list(session: AsyncSession, list_id: int) -> Message:
    """A list of bills to send as it was shown; refuses what is none."""
    return await find_list(session, MessageKind.SENDING, list_id)
