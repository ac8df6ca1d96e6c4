"""The bills of a list that failed, sent once more."""

import json

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.send import check_can_mail
from models.batches.bulk_send import send_list, start_send
from models.batches.send_failures import FAILURES
from models.batches.send_preview import new_list
from models.context import Context
from models.errors import WrongState
from models.outbox.jobs import defer_post, defer_redraw_message
from models.outbox.messages import Message, MessageKind, MessageState
from models.people.permissions import Permission
from models.people.who_can import require


async def retry_failed(session: AsyncSession, list_id: int, context: Context) -> tuple[int, bool]:
    """Send the bills of a list that failed once more, as a list of its own: its id, and whether it
    was begun now. However often this is asked for, each failure is sent again once.

    Refuses where none of them is back with Finance any more.
    """
    await require(session, context.user, Permission.SEND)
    check_can_mail(context)
    before = await _locked(session, list_id)
    if not before.facts.get("ended"):
        raise WrongState("Some of these bills are still to be sent. Try again when none is.")
    if not await session.scalar(_FAILED, {"list_id": list_id}):
        if "retry" in before.facts:
            return int(before.facts["retry"]), False
        raise WrongState("None of these bills waits to be sent again.")
    again = await new_list(session, context)
    bills = (await session.scalars(_FILL, {"list_id": list_id, "again": again})).all()
    await session.execute(_NOTE, {"id": again, "facts": json.dumps({"count": len(bills)})})
    await start_send(session, again, context)
    await _show(session, again)
    await session.execute(_NOTE, {"id": list_id, "facts": json.dumps({"retry": again})})
    await defer_redraw_message(session, list_id)
    return again, True


async def _locked(session: AsyncSession, list_id: int) -> Message:
    """The list, which nobody else sends again before the commit."""
    query = sa.select(Message.id).where(Message.kind == MessageKind.SENDING, Message.id == list_id)
    await session.execute(query.with_for_update(key_share=True))
    return await send_list(session, list_id)


async def _show(session: AsyncSession, list_id: int) -> None:
    """What becomes of it stands in a message, however short the list is."""
    kept = await send_list(session, list_id)
    if kept.state == MessageState.LISTED:
        kept.state = MessageState.WAITING
        await defer_post(session, kept.recipient)


_FAILED = sa.text(f"select exists (select from {FAILURES})")

_FILL = sa.text(f"""
insert into send_list_bills (list_id, bill_id, version)
select :again, b.id, b.version from {FAILURES} order by b.id
returning bill_id
""")

_NOTE = sa.text("update messages set facts = facts || cast(:facts as jsonb) where id = :id")
