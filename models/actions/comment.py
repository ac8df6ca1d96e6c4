"""Comments on bills: added, edited and deleted, each of it on the record, once."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.actions.loaded_bill import load_for
from models.bills.bill import get_bill
from models.bills.history import BillAction, actions_of, comment_text
from models.bills.states import Verb
from models.context import Context
from models.db.columns import Base
from models.errors import NotAllowed, NotFound
from models.people.permissions import Permission
from models.people.users import User
from models.people.who_can import require, who_of
from models.text import bounded_text

COMMENT_CHARS = 10_000
GONE = "That comment is not here."


class ThreadReply(Base):
    """Which message in a card's thread became which comment."""

    __tablename__ = "thread_replies"

    channel: Mapped[str] = mapped_column(primary_key=True)
    ts: Mapped[str] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(BillAction.id))
    edited_ts: Mapped[str | None]
    deleted: Mapped[bool] = mapped_column(server_default=sa.false())


async def add_comment(
    session: AsyncSession,
    bill_id: int,
    context: Context,
    text: str,
    snapshot: dict[str, Any] | None = None,
) -> BillAction:
    """Add a comment. It changes neither the bill nor its version."""
    await require(session, context.user, Permission.COMMENT)
    loaded = await load_for(session, bill_id, Verb.COMMENT, context)
    return await loaded.record(Verb.COMMENT, context, comment=_checked(text), snapshot=snapshot)


async def edit_comment(
    session: AsyncSession, comment_id: int, context: Context, text: str
) -> BillAction | None:
    """Record what an author changed a comment to; None where it says the same as before.

    Refuses a comment that is deleted.
    """
    await require(session, context.user, Permission.COMMENT)
    original = await _own(session, comment_id, context.user)
    loaded = await load_for(session, original.bill_id, Verb.COMMENT_EDIT, context)
    now = comment_text(loaded.actions, comment_id)
    if now is None:
        raise NotFound(GONE)
    if _checked(text) == now:
        return None
    return await loaded.record(
        Verb.COMMENT_EDIT, context, comment=_checked(text), snapshot={"comment_id": comment_id}
    )


async def delete_comment(
    session: AsyncSession, comment_id: int, context: Context
) -> BillAction | None:
    """Record that an author took a comment back; None where it is gone already.

    The record keeps what it said. Authors may delete whatever their role is by now.
    """
    original = await _own(session, comment_id, context.user)
    loaded = await load_for(session, original.bill_id, Verb.COMMENT_DELETE, context)
    if comment_text(loaded.actions, comment_id) is None:
        return None
    return await loaded.record(Verb.COMMENT_DELETE, context, snapshot={"comment_id": comment_id})


async def get_comment(session: AsyncSession, comment_id: int) -> BillAction:
    """A comment as it was added, deleted or not; refuses what is none."""
    action = await session.get(BillAction, comment_id)
    if action is None or action.action != Verb.COMMENT:
        raise NotFound(GONE)
    return action


async def own_comment(
    session: AsyncSession, bill_id: int, comment_id: int, context: Context
) -> str:
    """What one's own comment on that bill says now; refuses one of somebody else."""
    original = await _own(session, comment_id, context.user)
    now = comment_text(await actions_of(session, bill_id), comment_id)
    if original.bill_id != bill_id or now is None:
        raise NotFound(GONE)
    return now


async def is_reply_recorded(session: AsyncSession, channel: str, ts: str) -> bool:
    """Whether this message became a comment."""
    return await session.get(ThreadReply, (channel, ts)) is not None


async def add_reply(
    session: AsyncSession,
    bill_id: int,
    context: Context,
    text: str,
    channel: str,
    ts: str,
    *,
    edited_ts: str | None = None,
) -> BillAction | None:
    """Record a thread reply as a comment; None where this message is recorded already.

    `edited_ts`: when it came to say what it says, if it was heard of by an edit first.
    """
    # A duplicate waits for this lock, and then finds what the first one recorded.
    await get_bill(session, bill_id, lock=True)
    if await session.get(ThreadReply, (channel, ts)) is not None:
        return None
    where = {"message": {"channel": channel, "ts": ts}}
    action = await add_comment(session, bill_id, context, text, where)
    session.add(ThreadReply(channel=channel, ts=ts, comment_id=action.id, edited_ts=edited_ts))
    await session.flush()
    return action


async def edit_reply(
    session: AsyncSession, context: Context, text: str, channel: str, ts: str, edited_ts: str
) -> BillAction | None:
    """Record an edit of a reply; None where it is recorded, or was never a comment of ours."""
    known = await _locked(session, channel, ts)
    if known is None or known.deleted or (known.edited_ts or "") >= edited_ts:
        return None
    known.edited_ts = edited_ts
    return await edit_comment(session, known.comment_id, context, text)


async def delete_reply(
    session: AsyncSession, bill_id: int, context: Context, text: str, channel: str, ts: str
) -> BillAction | None:
    """Record the deletion of a reply, once.

    One that nobody has told of yet is recorded first: it may still be on its way, and must not
    stand when it comes.
    """
    known = await _locked(session, channel, ts)
    if known is None and context.user.can(Permission.COMMENT):
        await add_reply(session, bill_id, context, text, channel, ts)
        known = await _locked(session, channel, ts)
    if known is None or known.deleted:
        return None
    known.deleted = True
    return await delete_comment(session, known.comment_id, context)


async def _locked(session: AsyncSession, channel: str, ts: str) -> ThreadReply | None:
    """What is known of a message, under the lock of its bill, as whoever had it before left it."""
    bill_of = (
        sa.select(BillAction.bill_id)
        .join(ThreadReply, ThreadReply.comment_id == BillAction.id)
        .where(ThreadReply.channel == channel, ThreadReply.ts == ts)
    )
    bill_id = (await session.scalars(bill_of)).one_or_none()
    if bill_id is None:
        return None
    await get_bill(session, bill_id, lock=True)
    return await session.get(ThreadReply, (channel, ts), populate_existing=True)


async def _own(session: AsyncSession, comment_id: int, user: User) -> BillAction:
    action = await get_comment(session, comment_id)
    if action.stakeholder_id != user.id:
        author = await who_of(session, User.id == action.stakeholder_id)
        raise NotAllowed("Only its author may change a comment.", who_can=author)
    return action


def _checked(text: str) -> str:
    return bounded_text(text, COMMENT_CHARS, "A comment", "comment")
