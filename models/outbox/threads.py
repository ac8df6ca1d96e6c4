"""Which bill a thread in Slack is about."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.outbox.messages import Message, MessageState


async def bill_of_thread(session: AsyncSession, channel: str, thread_ts: str) -> int | None:
    """The bill whose card heads this thread; None for any other thread."""
    query = sa.select(Message.bill_id).where(Message.channel == channel, Message.ts == thread_ts)
    return (await session.scalars(query)).one_or_none()


async def is_a_message_unconfirmed(session: AsyncSession) -> bool:
    """Whether some message is in Slack, perhaps, whose place there is not written down yet."""
    on_its_way = sa.exists().where(Message.state == MessageState.SENDING)
    return bool(await session.scalar(sa.select(on_its_way)))
