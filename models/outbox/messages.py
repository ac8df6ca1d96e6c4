"""Messages: what is to stand where, first as a promise, then where it stands in Slack.

A message says what is to stand where; it is drawn from the facts as they are by then. So a job may
come late, or twice, and nothing is wrong.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base, Id
from models.db.database import AtCommit, put_off
from models.outbox.jobs import defer_posts
from models.people.users import User


class MessageKind(StrEnum):
    """What a message shows."""

    CARD = "card"
    DIGEST = "digest"
    RUN = "run"
    RUN_PREVIEW = "run_preview"
    MONTH_END = "month_end"
    WEEKLY_DIGEST = "weekly_digest"
    REJECTION = "rejection"
    APPROVAL = "approval"
    NOT_SENT = "not_sent"
    SETTLED = "settled"
    APPROVALS_FELL = "approvals_fell"
    SEND_PREVIEW = "send_preview"
    SENDING = "sending"
    APPROVING = "approving"
    ACCESS_REQUEST = "access_request"
    ACCESS_GRANTED = "access_granted"
    ACCESS_DECLINED = "access_declined"
    UNREACHED = "unreached"
    DELEGATED = "delegated"
    AWAY_BY_STATUS = "away_by_status"
    DELEGATE_LOST = "delegate_lost"
    LEFT_SLACK = "left_slack"
    BACK_IN_SLACK = "back_in_slack"
    WEBHOOK_OFF = "webhook_off"
    MAIL_STOPPED = "mail_stopped"
    MAIL_RESUMED = "mail_resumed"
    MAY_HAVE_ARRIVED = "may_have_arrived"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    MAIL_REPLY = "mail_reply"
    MAILBOX_UNREAD = "mailbox_unread"
    REASSIGNED = "reassigned"
    USAGE_ALERTS = "usage_alerts"
    PULL = "pull"
    RECONCILED = "reconciled"
    REMINDER = "reminder"
    ESCALATION = "escalation"


class MessageState(StrEnum):
    """`sending`: perhaps already there. `listed`: told by another message. `failed`: given up."""

    WAITING = "waiting"
    SENDING = "sending"
    POSTED = "posted"
    LISTED = "listed"
    FAILED = "failed"


class Message(Base):
    """One message in one place: a promise at first, then where it stands.

    `recipient` is `user:ID` (their DM) or `channel:SLACK_ID`; `channel` and `ts` are Slack's, once
    posted; `drawn_actions` is how many actions the bill had when it was last drawn. Each recipient
    has one card of a bill; `key` is what tells all other messages apart.
    """

    __tablename__ = "messages"

    id: Mapped[Id]
    key: Mapped[str | None] = mapped_column(unique=True)
    kind: Mapped[str]
    recipient: Mapped[str]
    bill_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("bills.id"))
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    state: Mapped[str] = mapped_column(server_default=MessageState.WAITING)
    channel: Mapped[str | None]
    ts: Mapped[str | None]
    drawn_actions: Mapped[int] = mapped_column(server_default="0")
    claimed_at: Mapped[datetime | None]
    failure: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())

    @property
    def identity(self) -> str:
        """What tells it from every other message, promised how often ever."""
        return self.key or f"{self.kind}:{self.bill_id}:{self.recipient}"


def user_recipient(user_id: int) -> str:
    return f"user:{user_id}"


async def add_messages(
    session: AsyncSession,
    kind: MessageKind,
    key: str,
    to: Sequence[User],
    facts: dict[str, Any],
    delay_s: int = 0,
) -> int:
    """Promise each of these people one message; a key promises the same thing only once.

    Returns how many of them Slack can reach.
    """
    reachable = [user for user in to if user.slack_user_id and user.active]
    if not reachable:
        return 0
    recipients = [user_recipient(user.id) for user in reachable]
    await add_messages_at(session, kind, key, recipients, facts, delay_s)
    return len(reachable)


async def add_messages_at(
    session: AsyncSession,
    kind: MessageKind,
    key: str,
    recipients: Sequence[str],
    facts: dict[str, Any],
    delay_s: int = 0,
) -> None:
    """The same where there may be channels among those told."""
    told = json.dumps(facts)
    new = [_New(f"{key}:{recipient}", kind, recipient, told) for recipient in recipients]
    await put_off(session, AtCommit.ADD_MESSAGES, _add, new)
    await defer_posts(session, recipients, delay_s)


class _New(NamedTuple):
    key: str
    kind: MessageKind
    recipient: str
    facts: str


async def _add(session: AsyncSession, new: Iterable[_New]) -> None:
    rows = [one._asdict() | {"facts": json.loads(one.facts)} for one in new]
    await session.execute(insert(Message).values(rows).on_conflict_do_nothing())


async def defer_all_posts(session: AsyncSession) -> int:
    """Send for the worker wherever something waits to be posted; returns the number of recipients.

    Said again it does no harm; said once too few, it mends that.
    """
    recipients = (await session.scalars(_RECIPIENTS)).all()
    await defer_posts(session, recipients)
    return len(recipients)


WAITED_FOR = """
waited_for as (
    (select recipient, kind, created_at from messages
     where state in ('waiting', 'sending') order by recipient, id limit 1)
    union all
    select oldest.* from waited_for w cross join lateral (
        select recipient, kind, created_at from messages
        where state in ('waiting', 'sending') and recipient > w.recipient
        order by recipient, id limit 1) oldest
)"""
"""Who waits for messages, with the oldest: one after the other by key, however many there are."""

_RECIPIENTS = sa.text(f"with recursive {WAITED_FOR} select recipient from waited_for")
