"""The mailbox that answers to letters come to: how far it is read, and what keeps it from being."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base
from models.outbox.notifications import Trouble, correct_told, notify_mailbox_unread


class MailboxReading(Base):
    """How far one mailbox is read: all of `uid_validity` up to `uid`.

    Nobody looks before `next_at`. `trouble`: why it could not be read at the last `tries`, of which
    the first was `since`; `needs_somebody`: waiting alone does not end it.
    """

    __tablename__ = "mailbox_readings"

    mailbox: Mapped[str] = mapped_column(primary_key=True)
    uid_validity: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    uid: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    next_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    trouble: Mapped[str | None]
    needs_somebody: Mapped[bool] = mapped_column(server_default=sa.false())
    tries: Mapped[int] = mapped_column(server_default="0")
    since: Mapped[datetime | None]


@dataclass(frozen=True)
class MailPosition:
    """Where in a mailbox a mail is, as the mailbox numbers them."""

    mailbox: str
    uid_validity: int
    uid: int


@dataclass(frozen=True)
class ReadingPace:
    """Seconds between looks: usually, at most where it fails again and again; and how long Finance
    is not told of a mailbox that may come back.
    """

    usual: float
    longest: float
    quiet: float


async def take_reading_turn(
    session: AsyncSession, mailbox: str, now: datetime, turn_s: float
) -> MailboxReading | None:
    """How far the mailbox is read, where it is time to look; the others wait `turn_s` for it."""
    await session.execute(
        insert(MailboxReading).values(mailbox=mailbox, next_at=now).on_conflict_do_nothing()
    )
    turn = (
        sa.update(MailboxReading)
        .where(MailboxReading.mailbox == mailbox, MailboxReading.next_at <= now)
        .values(next_at=now + timedelta(seconds=turn_s))
        .returning(MailboxReading)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return (await session.scalars(turn)).one_or_none()


async def end_reading_wait(session: AsyncSession, mailbox: str, now: datetime) -> None:
    """Somebody may have mended it: it is looked into at once."""
    waiting = sa.update(MailboxReading).where(
        MailboxReading.mailbox == mailbox, MailboxReading.next_at > now
    )
    await session.execute(waiting.values(next_at=now))


async def read_up_to(session: AsyncSession, place: MailPosition) -> bool:
    """This mail is read in this transaction; False where it is read already, by whomever."""
    row = await session.get_one(
        MailboxReading, place.mailbox, with_for_update={"key_share": True}, populate_existing=True
    )
    if row.uid_validity == place.uid_validity and row.uid >= place.uid:
        return False
    row.uid_validity, row.uid = place.uid_validity, place.uid
    await session.flush()
    return True


async def mark_mailbox_read(
    session: AsyncSession, mailbox: str, now: datetime, pace: ReadingPace
) -> None:
    """It was looked into from end to end."""
    values = {
        "next_at": now + timedelta(seconds=pace.usual), "read_at": now, "trouble": None,
        "needs_somebody": False, "tries": 0, "since": None,
    }  # fmt: skip
    reading = sa.update(MailboxReading).where(MailboxReading.mailbox == mailbox)
    await session.execute(reading.values(values))


async def note_mailbox_trouble(
    session: AsyncSession,
    mailbox: str,
    cause: str,
    *,
    needs_somebody: bool,
    now: datetime,
    pace: ReadingPace,
) -> None:
    """It could not be read; Finance is told where that needs somebody or lasts: once, and again
    where something else has to be mended.
    """
    row = await session.get_one(
        MailboxReading, mailbox, with_for_update={"key_share": True}, populate_existing=True
    )
    wait_s = min(pace.usual * 2.0 ** min(row.tries, 30), pace.longest)
    row.next_at = now + timedelta(seconds=wait_s)
    is_news = (row.trouble, row.needs_somebody) != (cause, needs_somebody)
    row.trouble, row.needs_somebody = cause, needs_somebody
    row.tries += 1
    row.since = row.since or now
    await session.flush()
    trouble = Trouble(f"mailbox-unread:{mailbox}", row.since, cause, needs_somebody)
    if is_news:
        await correct_told(session, trouble)
    if needs_somebody or (now - row.since).total_seconds() >= pace.quiet:
        await notify_mailbox_unread(session, mailbox, trouble)


async def find_reading(session: AsyncSession, mailbox: str) -> MailboxReading | None:
    return await session.get(MailboxReading, mailbox, populate_existing=True)
