"""Who is told what came of asking a source for usage."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Context, Source
from models.outbox.jobs import defer_redraw_message
from models.outbox.messages import Message, MessageKind, MessageState, add_messages
from models.people.permissions import Role
from models.people.users import users_with_role
from models.usage.pulls import PullOutcome, UsagePull

TO_DO = frozenset({PullOutcome.HELD, PullOutcome.REFUSED, PullOutcome.FAILED})
"""Where somebody has to do something, or the usage of the month stays unknown."""


async def notify_pull(session: AsyncSession, pull: UsagePull, context: Context) -> None:
    """Whoever asked in Slack hears what came of it. Where the clock asked, Finance hears of what
    somebody has to do, once a day; of customers that nobody knows here, or that another source
    tells of as well, once a month, and again when there are others. What was told of that month
    before is drawn anew.
    """
    told_as = f"pull:{pull.source_id}:{pull.period}:"
    facts = {"pull_id": pull.id}
    matter = _matter(pull, context)
    if context.source == Source.SLACK:
        await add_messages(session, MessageKind.PULL, f"{told_as}{pull.id}", [context.user], facts)
    elif context.source == Source.CLOCK and matter:
        finance = await users_with_role(session, Role.FINANCE)
        await add_messages(session, MessageKind.PULL, told_as + matter, finance, facts)
    told = sa.select(Message.id).where(
        Message.key.startswith(told_as, autoescape=True), Message.state == MessageState.POSTED
    )
    for message_id in await session.scalars(told):
        await defer_redraw_message(session, message_id)


def _matter(pull: UsagePull, context: Context) -> str | None:
    """What is told once; None where nobody has to hear of it."""
    if pull.outcome in TO_DO:
        return f"{pull.outcome}:{context.today}"
    found = [*pull.found.get("unknown", ()), *map(_overlap, pull.found.get("overlaps", ()))]
    if not found:
        return None
    count = pull.counts.get("unknown", 0) + pull.counts.get("overlapping", 0)
    return f"unknown:{count}:{sha256(repr(found).encode()).hexdigest()[:12]}"


def _overlap(found: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
    """Whenever the other source was pulled."""
    return found["source"], found["names"]
