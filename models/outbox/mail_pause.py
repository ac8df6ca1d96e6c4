"""One pause for the mail server: while it takes no letters from us, none is tried."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base
from models.outbox.cards import redraw_cards
from models.outbox.jobs import Task, hasten
from models.outbox.notifications import (
    MAIL,
    Trouble,
    correct_told,
    notify_mail_resumed,
    notify_mail_stopped,
)

MOST_REDRAWN = 500
"""So many cards say by themselves that mail waits; who looks at others reads it as well."""


class MailPause(Base):
    """The one pause there is. `since` its beginning; `until` then somebody tries again.

    `tries` have failed, the last at `tried_at`. `needs_somebody`: waiting alone does not end it.
    """

    __tablename__ = "mail_pause"

    id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, server_default="1")
    cause: Mapped[str]
    needs_somebody: Mapped[bool]
    tries: Mapped[int]
    since: Mapped[datetime]
    tried_at: Mapped[datetime]
    until: Mapped[datetime]


@dataclass(frozen=True)
class Pacing:
    """Seconds. `first` is the pause after one try, doubled with each up to `longest`; `quiet`: for
    so long nobody is told of what may pass by itself.
    """

    first: float
    longest: float
    quiet: float


async def find_pause(session: AsyncSession) -> MailPause | None:
    return await session.get(MailPause, 1, populate_existing=True)


async def take_turn(session: AsyncSession, now: datetime, turn_s: float) -> MailPause | None:
    """None where a letter may be tried now; else the pause that holds it.

    When a pause is over one letter tries; the others wait `turn_s` for what comes of it.
    """
    pause = await find_pause(session)
    if pause is None or pause.until > now:
        return pause
    turn = (
        sa.update(MailPause)
        .where(MailPause.until == pause.until)
        .values(until=now + timedelta(seconds=turn_s))
        .returning(MailPause.id)
        .execution_options(synchronize_session=False)
    )
    return None if await session.scalar(turn) is not None else await find_pause(session)


async def pause_mail(
    session: AsyncSession,
    cause: str,
    *,
    needs_somebody: bool,
    began: datetime,
    now: datetime,
    pacing: Pacing,
) -> MailPause:
    """The server took nothing at a try that `began` then; Finance is told where that needs somebody
    or lasts. Tries that had begun before the last one failed are no further ones.
    """
    await session.execute(
        insert(MailPause)
        .values(
            id=1, cause=cause, needs_somebody=needs_somebody, tries=0,
            since=now, tried_at=began, until=now,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    pause = await session.get_one(
        MailPause, 1, with_for_update={"key_share": True}, populate_existing=True
    )
    fresh = pause.tries == 0
    if fresh or began > pause.tried_at:
        wait_s = min(pacing.first * 2.0 ** min(pause.tries, 30), pacing.longest)
        pause.until = now + timedelta(seconds=wait_s)
        pause.tries += 1
        pause.tried_at = now
    if fresh or (pause.cause, pause.needs_somebody) != (cause, needs_somebody):
        pause.cause, pause.needs_somebody = cause, needs_somebody
        await _redraw_all(session)
        await correct_told(session, _trouble(pause))
    await session.flush()
    if needs_somebody or (now - pause.since).total_seconds() >= pacing.quiet:
        await notify_mail_stopped(session, _trouble(pause))
    return pause


def _trouble(pause: MailPause) -> Trouble:
    return Trouble(MAIL, pause.since, pause.cause, pause.needs_somebody)


async def resume_mail(session: AsyncSession) -> bool:
    """The server listens to us again, which whoever was told of the pause is told. Returns whether
    there was one.
    """
    since = await end_pause(session)
    if since is not None:
        await notify_mail_resumed(session, since)
    return since is not None


async def end_pause(session: AsyncSession) -> datetime | None:
    """What waits goes on at once. Returns since when it did, None where nothing was paused."""
    ended = sa.delete(MailPause).returning(MailPause.since)
    since: datetime | None = await session.scalar(ended)
    if since is not None:
        await _redraw_all(session)
        await wake_mail(session)
    return since


async def end_wait(session: AsyncSession, now: datetime) -> None:
    """Somebody may have mended it: it is tried at once."""
    if await leave_turn(session, now):
        await wake_mail(session)


async def wake_mail(session: AsyncSession) -> None:
    """Whatever waits to be mailed is tried at once."""
    await hasten(session, (Task.ISSUE, Task.DELIVER, Task.SEND_COPIES))


async def leave_turn(session: AsyncSession, now: datetime) -> bool:
    """Whoever comes next may try, if anybody has to wait for that; returns whether they had."""
    waiting = sa.update(MailPause).where(MailPause.until > now).values(until=now)
    returning = waiting.returning(MailPause.id).execution_options(synchronize_session=False)
    return await session.scalar(returning) is not None


async def has_issued_waiting(session: AsyncSession) -> bool:
    """Whether a bill that has its number waits to be mailed: it is the one to try. None that may
    have arrived, which is mailed again hours later.
    """
    return bool(await session.scalar(_HAS_ISSUED_WAITING))


_HAS_ISSUED_WAITING = sa.text("""
select exists (
    select from bills b
    where b.status = 'sending' and b.number is not null and not can_be_sent(b))
""")


async def count_waiting(session: AsyncSession) -> int:
    """How many bills are on their way out, without those that may have arrived."""
    counting = sa.text(
        "select count(*) from bills b where status = 'sending' and not can_be_sent(b)"
    )
    return int(await session.scalar(counting) or 0)


async def _redraw_all(session: AsyncSession) -> None:
    found = await session.scalars(
        sa.text("select id from bills where status = 'sending' order by id limit :most"),
        {"most": MOST_REDRAWN},
    )
    await redraw_cards(session, found.all())
