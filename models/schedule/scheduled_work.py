"""What time brings about, kept in the database: one of all the programs does it, and once."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base


class ScheduledWork(Base):
    """What was done of a kind.

    With `what_for` empty it is done again and again: `done_at` is when it was done last, None where
    more of it is left, and `upto` how far that is. Anything else it is done for once.
    """

    __tablename__ = "scheduled_work"

    kind: Mapped[str] = mapped_column(primary_key=True)
    what_for: Mapped[str] = mapped_column(primary_key=True)
    done_at: Mapped[datetime | None]
    upto: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")


async def kinds_due(
    session: AsyncSession, every: Mapping[str, timedelta], now: datetime
) -> list[str]:
    """Those of these kinds that were not done for as long as each says."""
    asked = {"kinds": list(every), "every": list(every.values()), "now": now}
    return list(await session.scalars(_DUE, asked))


# Done later than now by more than its time, it was done by a clock that was wrong.
_NOT_DONE = """
(s.done_at is null or s.done_at <= :now - asked.every or s.done_at > :now + asked.every)
"""
_DUE = sa.text(f"""
select asked.kind
from unnest(cast(:kinds as text[]), cast(:every as interval[])) with ordinality
    asked (kind, every, place)
left join scheduled_work s on s.kind = asked.kind and s.what_for = ''
where {_NOT_DONE}
order by asked.place
""")


async def claim(session: AsyncSession, kind: str, every: timedelta, now: datetime) -> bool:
    """Whether this is still due, and nobody else is at it; until the commit nobody else will be."""
    asked = {"kind": kind, "every": every, "now": now}
    await session.execute(_BEGIN, {"kind": kind})
    return await session.scalar(_CLAIM, asked) is not None


_BEGIN = sa.text("""
insert into scheduled_work (kind)
select :kind where not exists (
    select from scheduled_work where kind = :kind and what_for = '')
on conflict do nothing
""")
_CLAIM = sa.text(f"""
select s.kind
from scheduled_work s cross join (select cast(:every as interval) as every) asked
where s.kind = :kind and s.what_for = '' and {_NOT_DONE}
for no key update of s skip locked
""")


async def mark_done(
    session: AsyncSession, kind: str, at: datetime | None, what_for: str = ""
) -> None:
    """`at` None: more of it is left, and it is due at once."""
    done = {"kind": kind, "what_for": what_for, "done_at": at}
    await session.execute(
        insert(ScheduledWork)
        .values(done)
        .on_conflict_do_update(index_elements=["kind", "what_for"], set_={"done_at": at})
    )


async def done_for(session: AsyncSession, kind: str) -> dict[str, datetime]:
    """What something of this kind was done for, and when the last time."""
    own = sa.select(ScheduledWork.what_for, ScheduledWork.done_at).where(ScheduledWork.kind == kind)
    return {what_for: at for what_for, at in await session.execute(own) if at is not None}


async def is_to_do(session: AsyncSession, kind: str, what_for: str) -> bool:
    """Whether this was not done `what_for` yet."""
    return await session.get(ScheduledWork, (kind, what_for)) is None


async def forget_before(session: AsyncSession, kind: str, moment: datetime) -> None:
    """What was done for something before that moment is not known any more."""
    own = (ScheduledWork.kind == kind, ScheduledWork.what_for != "")
    await session.execute(sa.delete(ScheduledWork).where(*own, ScheduledWork.done_at < moment))


async def forget(session: AsyncSession, kind: str, *what_for: str) -> None:
    """It was not done for these."""
    await session.execute(
        sa.delete(ScheduledWork).where(
            ScheduledWork.kind == kind, ScheduledWork.what_for.in_(what_for)
        )
    )


async def position(session: AsyncSession, kind: str) -> int:
    """How far it is, where it takes several transactions; 0 at its beginning."""
    return await session.scalar(sa.select(ScheduledWork.upto).where(*_own(kind))) or 0


async def keep_position(session: AsyncSession, kind: str, upto: int) -> None:
    await session.execute(sa.update(ScheduledWork).where(*_own(kind)).values(upto=upto))


def _own(kind: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (ScheduledWork.kind == kind, ScheduledWork.what_for == "")


async def is_first(session: AsyncSession, kind: str, what_for: str, now: datetime) -> bool:
    """Whether this is done `what_for` for the first time: whoever hears so does it in the same
    transaction, and nobody else hears it once that has committed.
    """
    row = {"kind": kind, "what_for": what_for, "now": now}
    return await session.scalar(_FIRST, row) is not None


_FIRST = sa.text("""
insert into scheduled_work (kind, what_for, done_at) values (:kind, :what_for, :now)
on conflict do nothing returning kind
""")
