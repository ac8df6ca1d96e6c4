"""What is told of people: who asks for a role, what became of that, who stands in for whom."""

from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.outbox.jobs import defer_redraw_message
from models.outbox.messages import Message, MessageKind, MessageState, add_messages, user_recipient
from models.people.permissions import Role
from models.people.users import User, users_with_role

GRANTED, DECLINED = "granted", "declined"
KNOWN_DAYS = 14
"""Requests of so many days say, once one of them is answered, by whom all of them are."""


async def notify_access_requested(session: AsyncSession, asker: User, now: datetime) -> int:
    """Finance is asked, at most once a day, to give `asker` a role; returns how many people are."""
    finance = await users_with_role(session, Role.FINANCE)
    return await add_messages(
        session,
        MessageKind.ACCESS_REQUEST,
        _request_key(asker, now.date()),
        finance,
        {"user_id": asker.id},
    )


def _request_key(asker: User, day: date) -> str:
    return f"access:{asker.id}:{day}"


async def is_declined_today(session: AsyncSession, asker: User, now: datetime) -> bool:
    """Whether somebody has said no to what `asker` asked today."""
    query = sa.select(Message.facts["answer"].astext).where(
        Message.key.in_(await _keys(session, asker, [now.date()]))
    )
    return DECLINED in (await session.scalars(query)).all()


async def notify_access_granted(session: AsyncSession, user: User, by: User, now: datetime) -> None:
    key = f"granted:{user.id}:{now.isoformat()}"
    await add_messages(session, MessageKind.ACCESS_GRANTED, key, [user], {"role": user.role})
    await _settle(session, user, by, GRANTED, now)


async def notify_access_declined(
    session: AsyncSession, user: User, by: User, now: datetime
) -> None:
    key = f"declined:{user.id}:{now.isoformat()}"
    await add_messages(session, MessageKind.ACCESS_DECLINED, key, [user], {"by": by.id})
    await _settle(session, user, by, DECLINED, now)


async def _settle(session: AsyncSession, asker: User, by: User, answer: str, now: datetime) -> None:
    """Every copy of the request says who answered it, and how."""
    days = [now.date() - timedelta(days=ago) for ago in range(KNOWN_DAYS)]
    told = sa.func.jsonb_build_object("answer", answer, "by", by.id)
    update = (
        sa.update(Message)
        .where(Message.key.in_(await _keys(session, asker, days)))
        .values(facts=Message.facts.concat(told))
    )
    for message_id, state in await session.execute(update.returning(Message.id, Message.state)):
        if state == MessageState.POSTED:
            await defer_redraw_message(session, message_id)


async def _keys(session: AsyncSession, asker: User, days: list[date]) -> list[str]:
    finance = await users_with_role(session, Role.FINANCE)
    return [
        f"{_request_key(asker, day)}:{user_recipient(one.id)}" for day in days for one in finance
    ]


async def notify_delegate(session: AsyncSession, away: User, delegate: User, now: datetime) -> None:
    """Somebody who is away has named `delegate`, or has another one by now, or is back."""
    stands_in = away.delegate_id == delegate.id
    what = "stands-in" if stands_in else "stood-in"
    key = f"{what}:{away.id}:{delegate.id}:{now.isoformat()}"
    facts = {"away": away.id, "stands_in": stands_in}
    await add_messages(session, MessageKind.DELEGATED, key, [delegate], facts)


async def notify_passed_on(
    session: AsyncSession, away: User, former: User, delegate: User, now: datetime
) -> None:
    """Whoever decided in the place of `away` goes too: all three hear who does by now."""
    await notify_delegate(session, away, delegate, now)
    await notify_delegate(session, away, former, now)
    facts = {"away": away.id, "former": former.id, "delegate": delegate.id}
    key = f"passed-on:{away.id}:{delegate.id}:{now.isoformat()}"
    await add_messages(session, MessageKind.DELEGATED, key, [away], facts)


async def notify_away_by_status(session: AsyncSession, away: User, now: datetime) -> None:
    """Whoever is away by their status in Slack hears so, and who decides in their place."""
    key = f"away-by-status:{away.id}:{now.isoformat()}"
    await add_messages(session, MessageKind.AWAY_BY_STATUS, key, [away], {"user_id": away.id})


async def notify_delegate_lost(
    session: AsyncSession, away: User, delegate: User, now: datetime
) -> None:
    """Whoever is away, and Finance, hear that nobody decides in their place any more."""
    facts = {"away": away.id, "delegate": delegate.id}
    key = f"delegate-lost:{away.id}:{delegate.id}:{now.isoformat()}"
    finance = await users_with_role(session, Role.FINANCE)
    await add_messages(session, MessageKind.DELEGATE_LOST, key, [away, *finance], facts)


async def notify_left_slack(session: AsyncSession, user: User) -> None:
    """Finance hears, once, who has left Slack and decides nothing any more."""
    key = f"left-slack:{user.id}:{user.updated_at.isoformat()}"
    finance = await users_with_role(session, Role.FINANCE)
    await add_messages(session, MessageKind.LEFT_SLACK, key, finance, {"user_id": user.id})


async def notify_back_in_slack(session: AsyncSession, user: User) -> None:
    """Finance hears, once, who of those that had left is back, and still switched off."""
    key = f"back-in-slack:{user.id}:{user.updated_at.isoformat()}"
    finance = await users_with_role(session, Role.FINANCE)
    await add_messages(session, MessageKind.BACK_IN_SLACK, key, finance, {"user_id": user.id})


async def notify_unreachable(session: AsyncSession, user: User, cause: str) -> None:
    """Finance hears, once a month, whom Slack does not reach though bills wait for them.

    For whoever is inactive none do.
    """
    if user.active and user.role is not None:
        facts = {"user_id": user.id, "role": user.role, "refused": cause}
        await _notify_finance(session, str(user.id), facts)


async def notify_shut_channel(session: AsyncSession, channel: str, cause: str) -> None:
    """The same of a channel that Countersign was told to write to."""
    await _notify_finance(session, channel, {"channel": channel, "refused": cause})


async def _notify_finance(session: AsyncSession, unreached: str, facts: dict[str, Any]) -> None:
    month = await session.scalar(sa.select(sa.func.to_char(sa.func.now(), "YYYY-MM")))
    finance = await users_with_role(session, Role.FINANCE)
    key = f"unreached:{unreached}-{month}"
    await add_messages(session, MessageKind.UNREACHED, key, finance, facts)
