"""Who is told what: one function a notification."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.outbox.jobs import defer_generate, defer_redraw_message
from models.outbox.messages import (
    Message,
    MessageKind,
    MessageState,
    add_messages,
    user_recipient,
)
from models.people.permissions import Role
from models.people.users import User, users_with_role


@dataclass(frozen=True)
class Recalculation:
    """What changed usage, terms or people have done to bills: the ids of each kind.

    `invalidated`: bills with other figures that wait for approval again. `held`: those that do not,
    for whatever cause; no bill is both.
    `passed`: those of `proposed` that their customer's own rule approved.
    `reported`: bills that have gone out and whose month is too old to be corrected by itself.
    `unbilled`: void bills whose month has an overage again, which nothing bills by itself.
    `rejected`: rejected bills whose figures have changed, which wait to be revised.
    `kept`: bills that have gone out, whose month has other days in contract by now; they keep those
    that they were billed under.
    """

    invalidated: tuple[int, ...] = ()
    held: tuple[int, ...] = ()
    voided: tuple[int, ...] = ()
    proposed: tuple[int, ...] = ()
    passed: tuple[int, ...] = ()
    reported: tuple[int, ...] = ()
    unbilled: tuple[int, ...] = ()
    rejected: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many bills of each kind."""
        return {kind: len(bills) for kind, bills in vars(self).items()}

    @property
    def outcomes(self) -> dict[str, tuple[int, ...]]:
        """The same for people, with each bill once: where it is in the end, and no kind empty."""
        ended = {*self.held, *self.passed}
        told = {
            kind: bills
            if kind in ("held", "passed")
            else tuple(bill for bill in bills if bill not in ended)
            for kind, bills in vars(self).items()
        }
        return {kind: bills for kind, bills in told.items() if bills}


BUNDLING_S = 30
"""Good news that comes within this many seconds is told in one message."""

NAMED = 50
"""So many bills of each kind are named to Finance; the others are counted."""


async def promise_run_preview(
    session: AsyncSession, month: str, jump_factor: float | None, user: User, asked: str
) -> None:
    """What generating the month would do is worked out by a job, and told to this person; once for
    what `asked` tells apart.
    """
    facts = {"month": month, "jump_factor": jump_factor}
    key = f"run-preview:{month}:{asked}"
    await add_messages(session, MessageKind.RUN_PREVIEW, key, [user], facts)


async def notify_bill_run(session: AsyncSession, run_id: int, *to: User) -> None:
    """Work the run off, and show its progress to whoever asked for it, or to Finance."""
    await add_messages(session, MessageKind.RUN, f"run:{run_id}", to, {"run_id": run_id})
    await defer_generate(session, run_id)


AWAITED = ":awaited"


def month_end_key(month: str) -> str:
    """What is told of the end of a month, and the run that is asked for there, exist once."""
    return f"month-end:{month}"


async def notify_month_end(
    session: AsyncSession, month: str, jump_factor: float | None, *, is_awaited: bool = False
) -> int:
    """Finance sees, once, what generating the month would make, with a button that does it; or
    before, that its usage `is_awaited`. Returns how many of them Slack can reach.
    """
    finance = await users_with_role(session, Role.FINANCE)
    facts = {"month": month, "jump_factor": jump_factor}
    key = month_end_key(month) + (AWAITED if is_awaited else "")
    return await add_messages(session, MessageKind.MONTH_END, key, finance, facts)


async def correct_month_end(session: AsyncSession, month: str) -> None:
    """What Finance was told of the end of this month shows what has become of it."""
    finance = await users_with_role(session, Role.FINANCE)
    told = (month_end_key(month), month_end_key(month) + AWAITED)
    keys = [f"{key}:{user_recipient(one.id)}" for one in finance for key in told]
    posted = sa.select(Message.id).where(
        Message.key.in_(keys), Message.state == MessageState.POSTED
    )
    for message_id in await session.scalars(posted):
        await defer_redraw_message(session, message_id)


async def notify_weekly_digest(session: AsyncSession, week: str, month: str, now: datetime) -> int:
    """Finance reads, once a week, how things stand, and what the month was billed; returns how many
    of them Slack can reach.
    """
    finance = await users_with_role(session, Role.FINANCE)
    key, facts = f"weekly-digest:{week}", {"month": month, "at": now.isoformat()}
    return await add_messages(session, MessageKind.WEEKLY_DIGEST, key, finance, facts)


@dataclass(frozen=True)
class News:
    """What is told of an action: to whoever did what it answers, or to all of Finance where
    Countersign did that by itself.
    """

    kind: MessageKind
    done_by: int
    delay_s: int | None = None


def rejected(generated_by: int) -> News:
    """Whoever generated the bill hears of a rejection at once."""
    return News(MessageKind.REJECTION, generated_by)


def approved(generated_by: int) -> News:
    """The same of an approval, bundled with others."""
    return News(MessageKind.APPROVAL, generated_by, BUNDLING_S)


def telling(actions: str) -> str:
    """The SQL that promises `News`, whose fields are its parameters, in the statement that appends
    what `actions` names.
    """
    return f"""
insert into messages (key, kind, recipient, facts)
select %(kind)s || ':' || a.id || ':user:' || u.id, %(kind)s, 'user:' || u.id,
       jsonb_build_object('bill_id', a.bill_id, 'action_id', a.id)
from {actions} a
join users by on by.id = %(done_by)s
join users u on u.active and u.slack_user_id <> ''
    and (u.id = by.id or u.role = 'Finance' and by.name = 'system')
order by u.name
returning recipient, %(delay_s)s::integer as delay_s"""


async def notify_delivered(session: AsyncSession, actions: Mapping[int, int]) -> None:
    """Finance hears, bundled with others, that the mail server took these bills, each by that
    action.
    """
    await _notify_finance_bundled(session, MessageKind.DELIVERED, actions)


async def notify_not_sent(session: AsyncSession, bill_id: int, action_id: int) -> None:
    """Finance hears, bundled, of a bill that could not be delivered."""
    await _notify_finance_bundled(session, MessageKind.NOT_SENT, {bill_id: action_id})


async def notify_may_have_arrived(session: AsyncSession, bill_id: int, number: str | None) -> None:
    """Finance hears, once and bundled, of a bill that was handed over and may have arrived."""
    finance = await users_with_role(session, Role.FINANCE)
    key = f"may-have-arrived:{bill_id}:{number}"
    facts = {"bill_id": bill_id}
    await add_messages(session, MessageKind.MAY_HAVE_ARRIVED, key, finance, facts, BUNDLING_S)


async def notify_bounced(session: AsyncSession, bill_id: int, action_id: int) -> None:
    """Finance hears, bundled, that a bill has not arrived, as a mail server reports."""
    await _notify_finance_bundled(session, MessageKind.BOUNCED, {bill_id: action_id})


async def notify_customer_reply(session: AsyncSession, bill_id: int, action_id: int) -> None:
    """Finance hears, bundled with others, what a customer wrote back on a bill, or asks of it."""
    await _notify_finance_bundled(session, MessageKind.MAIL_REPLY, {bill_id: action_id})


async def _notify_finance_bundled(
    session: AsyncSession, kind: MessageKind, actions: Mapping[int, int]
) -> None:
    finance = await users_with_role(session, Role.FINANCE)
    for bill_id, action_id in actions.items():
        facts = {"bill_id": bill_id, "action_id": action_id}
        await add_messages(session, kind, f"{kind}:{action_id}", finance, facts, BUNDLING_S)


@dataclass(frozen=True)
class Trouble:
    """What keeps something from working `since` then, told under `name`; `needs_somebody`: waiting
    alone does not end it.
    """

    name: str
    since: datetime
    cause: str
    needs_somebody: bool

    @property
    def told_as(self) -> str:
        """What the keys of all that is told of it begin with."""
        return f"{self.name}:{self.since.isoformat()}:"

    @property
    def key(self) -> str:
        """The same for all tries that fail by one cause, where somebody has to mend that."""
        return f"{self.told_as}{f'mend:{_matter(self.cause)}' if self.needs_somebody else 'wait'}"


MAIL = "mail-stopped"


async def notify_mailbox_unread(session: AsyncSession, mailbox: str, trouble: Trouble) -> None:
    """Finance hears, once, that what comes back on bills is not read; and again where something
    else has to be mended.
    """
    finance = await users_with_role(session, Role.FINANCE)
    facts = {"mailbox": mailbox}
    await add_messages(session, MessageKind.MAILBOX_UNREAD, trouble.key, finance, facts)


async def notify_mail_stopped(session: AsyncSession, trouble: Trouble) -> None:
    """Finance hears, once a pause, that no bill goes out; and again where something else has to be
    mended.
    """
    finance = await users_with_role(session, Role.FINANCE)
    await add_messages(session, MessageKind.MAIL_STOPPED, trouble.key, finance, {})


_OF_ONE_TRY = re.compile(r"<[^>]*>|\S*@\S*|\b(?!\d{3}\b)\S*\d\S*")


def _matter(cause: str) -> str:
    """The same for all tries that fail by one cause: without addresses, and what a server calls a
    single try by.
    """
    return sha256(_OF_ONE_TRY.sub("", cause).encode()).hexdigest()[:12]


async def correct_told(session: AsyncSession, trouble: Trouble) -> None:
    """What was told of this trouble is drawn anew."""
    told = sa.select(Message.id).where(
        Message.key.startswith(trouble.told_as, autoescape=True),
        Message.state == MessageState.POSTED,
    )
    for message_id in await session.scalars(told):
        await defer_redraw_message(session, message_id)


async def notify_mail_resumed(session: AsyncSession, since: datetime) -> None:
    """Who of Finance heard that no bill goes out hears that they do again."""
    told = sa.select(Message.recipient).where(
        Message.key.startswith(f"{MAIL}:{since.isoformat()}:"),
        Message.state.in_((MessageState.SENDING, MessageState.POSTED)),
    )
    heard = set(await session.scalars(told))
    finance = await users_with_role(session, Role.FINANCE)
    those = [one for one in finance if user_recipient(one.id) in heard]
    key = f"mail-resumed:{since.isoformat()}"
    await add_messages(session, MessageKind.MAIL_RESUMED, key, those, {})


async def notify_recalculated(session: AsyncSession, now: datetime, done: Recalculation) -> None:
    """Finance hears what changed usage, terms or people have done to bills."""
    facts = {
        kind: {"count": len(bills), "bills": list(bills[:NAMED])}
        for kind, bills in done.outcomes.items()
    }
    key = ":".join(f"{kind}-{bills[0]}" for kind, bills in done.outcomes.items())
    finance = await users_with_role(session, Role.FINANCE)
    await add_messages(
        session, MessageKind.SETTLED, f"settled:{key}:{now.isoformat()}", finance, facts
    )


async def notify_approvals_revoked(
    session: AsyncSession, now: datetime, bills_of: Mapping[int, Sequence[int]]
) -> None:
    """Whoever had approved these bills, by user id, hears that their word is asked again."""
    users = await session.scalars(sa.select(User).where(User.id.in_(bills_of)))
    for user in users.all():
        bills = sorted(bills_of[user.id])
        facts = {"count": len(bills), "bills": bills[:NAMED]}
        key = f"fell:{bills[0]}:{now.isoformat()}"
        await add_messages(session, MessageKind.APPROVALS_FELL, key, [user], facts)


async def notify_reassigned(
    session: AsyncSession, bill_id: int, action_id: int, asked: User
) -> None:
    """Whoever Finance asks for a bill by that action hears of it, unless a new card tells them."""
    recipient = user_recipient(asked.id)
    has_card = sa.select(Message.id).where(
        Message.bill_id == bill_id, Message.recipient == recipient, Message.kind == MessageKind.CARD
    )
    if await session.scalar(has_card.limit(1)) is None:
        return
    facts = {"bill_id": bill_id, "action_id": action_id}
    key = f"reassigned:{action_id}"
    await add_messages(session, MessageKind.REASSIGNED, key, [asked], facts)


async def notify_escalated(session: AsyncSession, bill_ids: Sequence[int], now: datetime) -> None:
    """Finance hears, in one message, that nobody has decided on these bills for long."""
    finance = await users_with_role(session, Role.FINANCE)
    key = f"escalation:{now.isoformat()}"
    await add_messages(session, MessageKind.ESCALATION, key, finance, {"waiting": list(bill_ids)})


async def notify_webhook_off(
    session: AsyncSession, webhook_id: int, cause: str, now: datetime
) -> None:
    """Finance hears that a webhook is not sent anything any more."""
    finance = await users_with_role(session, Role.FINANCE)
    key = f"webhook-off:{webhook_id}:{now.isoformat()}"
    facts = {"webhook_id": webhook_id, "cause": cause}
    await add_messages(session, MessageKind.WEBHOOK_OFF, key, finance, facts)


async def notify_reconciled(
    session: AsyncSession, source: str, month: str, found: Mapping[str, object], now: datetime
) -> None:
    """Finance hears, once, how a month that was billed differs from what its source says now."""
    finance = await users_with_role(session, Role.FINANCE)
    key = f"reconciled:{source}:{month}:{now.isoformat()}"
    facts = {"source": source, "month": month, **found}
    await add_messages(session, MessageKind.RECONCILED, key, finance, facts)
