"""In which threads people still reply to what is decided."""

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.bill import Bill
from models.bills.states import State
from models.outbox.messages import Message, MessageKind


class OpenCards(NamedTuple):
    """Those of one conversation; `oldest`: the first one's `ts`."""

    channel: str
    oldest: str


_OPEN_CARD = (
    Message.kind == MessageKind.CARD,
    Message.ts.is_not(None),
    Message.bill_id == Bill.id,
    Bill.status.not_in([State.SENT, State.VOID]),
)


async def places_of_open_cards(session: AsyncSession) -> list[OpenCards]:
    """Each conversation with cards of bills that are neither sent nor void."""
    oldest = sa.func.min(Message.ts)
    query = sa.select(Message.channel, oldest).where(*_OPEN_CARD).group_by(Message.channel)
    found = await session.execute(query.order_by(Message.channel))
    return [OpenCards(str(channel), str(ts)) for channel, ts in found]


async def open_threads(session: AsyncSession, channel: str, heads: Iterable[str]) -> list[str]:
    """Those of these messages that are such cards."""
    there = (Message.channel == channel, Message.ts.in_(list(heads)))
    found = await session.scalars(sa.select(Message.ts).where(*_OPEN_CARD, *there))
    return [str(ts) for ts in found]
