"""Answers that only one person sees, corrected where they stand while Slack lets us."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base, Id
from models.outbox.messages import Message
from models.people.users import User

SLACK_TAKES_FOR = timedelta(minutes=29)
SLACK_TAKES = 4
"""A response address works five times within thirty minutes; the answer itself was the first."""


class PrivateAnswer(Base):
    """What somebody was answered who sent a list of bills, or one bill: on its card, or in words.

    `response_url` replaces it, `uses_left` times until `expires_at`, and is nobody's business;
    `shown`: what it told last.
    """

    __tablename__ = "private_answers"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    response_url: Mapped[str]
    list_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey(Message.id))
    bill_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("bills.id"))
    has_card: Mapped[bool] = mapped_column(server_default=sa.false())
    shown: Mapped[str]
    uses_left: Mapped[int]
    expires_at: Mapped[datetime]


@dataclass(frozen=True)
class Told:
    """What was `shown` of a list of bills, or of one bill, in words or as its card."""

    shown: str
    list_id: int | None = None
    bill_id: int | None = None
    has_card: bool = False


async def keep_answer(
    session: AsyncSession, user: User, response_url: str, told: Told, now: datetime
) -> None:
    """From now on this answer is corrected whenever one of its bills moves."""
    session.add(
        PrivateAnswer(
            user_id=user.id,
            response_url=response_url,
            uses_left=SLACK_TAKES,
            expires_at=now + SLACK_TAKES_FOR,
            **asdict(told),
        )
    )
    await session.flush()


async def answers_about(session: AsyncSession, bill_ids: Sequence[int]) -> list[int]:
    """The ids of the answers that tell of any of these bills and can be corrected."""
    return list(await session.scalars(_ABOUT, {"bill_ids": list(bill_ids)}))


_ABOUT = sa.text("""
select a.id from private_answers a
where a.uses_left > 0
  and (a.bill_id = any(:bill_ids)
       or exists (
           select from send_list_bills l
           where l.list_id = a.list_id and l.bill_id = any(:bill_ids)))
order by a.id
""")


async def untold_by_answers(
    session: AsyncSession, recipient: str, bill_ids: Sequence[int]
) -> list[int]:
    """Those of these bills of which no answer to that person tells that is corrected still. One
    about a list tells what arrived once none of it is on its way.
    """
    values = {"recipient": recipient, "bill_ids": list(bill_ids)}
    return list(await session.scalars(_UNTOLD, values))


_UNTOLD = sa.text("""
select asked.id from unnest(cast(:bill_ids as bigint[])) with ordinality as asked (id, at)
where not exists (
    select from private_answers a
    where 'user:' || a.user_id = :recipient and a.uses_left > 0 and a.expires_at > now()
      and (a.bill_id = asked.id
           or exists (
               select from send_list_bills l
               where l.list_id = a.list_id and l.bill_id = asked.id)
           and not exists (
               select from send_list_bills l join bills b on b.id = l.bill_id
               where l.list_id = a.list_id and b.status = 'sending')))
order by asked.at
""")


async def find_answer(session: AsyncSession, answer_id: int, now: datetime) -> PrivateAnswer | None:
    """None where it cannot be corrected any more."""
    answer = await session.get(PrivateAnswer, answer_id)
    if answer is None or not answer.uses_left or answer.expires_at <= now:
        return None
    return answer


async def mark_corrected(session: AsyncSession, answer_id: int, shown: str) -> None:
    """It tells something else now, and can be corrected once less."""
    await session.execute(
        sa.update(PrivateAnswer)
        .where(PrivateAnswer.id == answer_id, PrivateAnswer.uses_left > 0)
        .values(shown=shown, uses_left=PrivateAnswer.uses_left - 1)
    )


async def forget_answer(session: AsyncSession, answer_id: int) -> None:
    """Slack does not take its address any more."""
    await session.execute(sa.delete(PrivateAnswer).where(PrivateAnswer.id == answer_id))


async def forget_expired_answers(session: AsyncSession, now: datetime) -> None:
    await session.execute(sa.delete(PrivateAnswer).where(PrivateAnswer.expires_at <= now))
