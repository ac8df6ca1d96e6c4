"""Which replies in Slack need not be heard again: they are recorded, or were refused."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.comment import ThreadReply
from models.schedule.scheduled_work import forget_before, is_first, is_to_do

REFUSED = "reply_refused"
REMEMBERED = timedelta(days=30)


async def is_heard(session: AsyncSession, channel: str, ts: str, edited_ts: str | None) -> bool:
    """Whether this message is recorded as it reads since that edit, or was refused so."""
    known = await session.get(ThreadReply, (channel, ts))
    if known is not None and (known.deleted or (known.edited_ts or "") >= (edited_ts or "")):
        return True
    return not await is_to_do(session, REFUSED, _named(channel, ts, edited_ts))


async def note_unless_heard(
    session: AsyncSession, channel: str, ts: str, edited_ts: str | None, now: datetime
) -> None:
    """What was worked on and is not recorded was refused: it is not new once it is found again."""
    if not await is_heard(session, channel, ts, edited_ts):
        await is_first(session, REFUSED, _named(channel, ts, edited_ts), now)


async def forget_refused(session: AsyncSession, now: datetime) -> None:
    """Those that nobody comes upon any more."""
    await forget_before(session, REFUSED, now - REMEMBERED)


def _named(channel: str, ts: str, edited_ts: str | None) -> str:
    return f"{channel} {ts} {edited_ts or ''}".strip()
