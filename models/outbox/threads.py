"""Which bill a thread in Slack is about."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.outbox.digests import FOLLOWED
from models.outbox.messages import Message, MessageKind, MessageState, user_recipient


async def bill_of_thread(session: AsyncSession, channel: str, thread_ts: str) -> int | None:
    """The bill whose card heads this thread; None for any other thread."""
    query = sa.select(Message.bill_id).where(Message.channel == channel, Message.ts == thread_ts)
    return (await session.scalars(query)).one_or_none()


async def is_redrawn_at(session: AsyncSession, channel: str, ts: str) -> bool:
    """Whether what stands there is drawn anew by itself as bills move: a card, what was told of
    several, or what became of a list.
    """
    redrawn = (MessageKind.CARD, MessageKind.SENDING, *FOLLOWED)
    there = (Message.channel == channel, Message.ts == ts, Message.kind.in_(redrawn))
    return bool(await session.scalar(sa.select(sa.exists().where(*there))))


async def thread_of_bill(
    session: AsyncSession, bill_id: int, user_id: int
) -> tuple[str, str] | None:
    """Channel and ts of the bill's card that this person can see: theirs, else one in a channel."""
    theirs = Message.recipient == user_recipient(user_id)
    query = (
        sa.select(Message.channel, Message.ts)
        .where(Message.bill_id == bill_id, Message.kind == MessageKind.CARD)
        .where(Message.ts.is_not(None), sa.or_(theirs, Message.recipient.startswith("channel:")))
        .order_by(theirs.desc(), Message.id)
        .limit(1)
    )
    found = (await session.execute(query)).one_or_none()
    return (str(found.channel), str(found.ts)) if found else None


async def is_a_message_unconfirmed(session: AsyncSession) -> bool:
    """Whether some message is in Slack, perhaps, whose place there is not written down yet."""
    on_its_way = sa.exists().where(Message.state == MessageState.SENDING)
    return bool(await session.scalar(sa.select(on_its_way)))
