"""What is told of people: who asks for a role, what became of that, who stands in for whom."""

from datetime import date, datetime, timedelta

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


_GONE = "user_disabled user_not_found users_not_found user_not_visible no_user no_slack_account"
_SHUT = """cannot_dm_bot messages_tab_disabled channel_not_found invalid_channel is_archived
    is_inactive not_in_channel restricted_action restricted_action_read_only_channel
    restricted_action_thread_only_channel ekm_access_denied app_access_restricted
    invalid_user_combination method_not_supported_for_channel_type"""
UNREACHABLE = frozenset(f"{_GONE} {_SHUT}".split())
"""Why Slack does not bring something to a person: they are gone, or their conversation is shut."""


async def notify_unreachable(session: AsyncSession, recipient: str, cause: str) -> None:
    """Finance hears, once a month, whom Slack does not reach though bills wait for them."""
    user = await session.get(User, int(recipient.partition(":")[2]))
    if user is None or user.role is None:
        return
    month = await session.scalar(sa.select(sa.func.to_char(sa.func.now(), "YYYY-MM")))
    facts = {"user_id": user.id, "role": user.role, "refused": cause}
    finance = await users_with_role(session, Role.FINANCE)
    key = f"unreached:{user.id}-{month}"
    await add_messages(session, MessageKind.UNREACHED, key, finance, facts)
