"""What is to be sent next to a recipient, and what became of it.

Each function is one step of the caller's transaction. A recipient is served by one worker at a
time, so what `next_due` answers stays due until that worker says otherwise.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.outbox.digests import BUNDLE_AT_MOST_S, BUNDLED, FOLLOWED, bundle_notices, list_crowd
from models.outbox.elsewhere import TO_DECIDE, ask_elsewhere
from models.outbox.jobs import (
    defer_redraw_cards,
    defer_redraw_message,
    defer_redraw_run,
)
from models.outbox.messages import Message, MessageKind, MessageState
from models.outbox.notifications import BUNDLING_S
from models.people.users import User


@dataclass(frozen=True)
class StaleCards:
    """A bill's number of actions, when the last of them was done, and the cards that show fewer,
    each with its one reader; None where many see it.
    """

    actions: int
    acted_at: datetime
    cards: tuple[tuple[Message, User | None], ...]


async def next_due(
    session: AsyncSession, recipient: str, without: Collection[int] = ()
) -> Message | None:
    """What is to be posted there next, the oldest first, `without` those ids.

    Before that, what belongs together is put together: a crowd of cards for one person into a
    digest, news that have waited their time into one notice a kind. The others are then `listed`.
    A kind that only a newer version knows, which has migrated already, is left to that.
    """
    if recipient.startswith("user:"):
        await list_crowd(session, recipient)
    await bundle_notices(session, recipient)
    query = (
        sa.select(Message)
        .where(Message.recipient == recipient, _OPEN, Message.id.not_in(without))
        .where(Message.kind.in_(MessageKind))
        .where(sa.or_(Message.kind.not_in(BUNDLE_AT_MOST_S), BUNDLED))
        .order_by(Message.id)
        .limit(1)
    )
    return (await session.scalars(query)).one_or_none()


_OPEN = Message.state.in_([MessageState.WAITING, MessageState.SENDING])


async def reader_of(session: AsyncSession, recipient: str) -> User | None:
    """The one person who sees what is sent there; None of a channel."""
    kind, _, name = recipient.partition(":")
    return None if kind == "channel" else await session.get(User, int(name))


async def slack_id_of(session: AsyncSession, recipient: str) -> str | None:
    """The Slack id behind a place: a channel's, or an active person's, None without one."""
    kind, _, name = recipient.partition(":")
    if kind == "channel":
        return name
    user = await reader_of(session, recipient)
    return user.slack_user_id if user is not None and user.active else None


async def claim(session: AsyncSession, message: Message) -> datetime | None:
    """From now on the message may be there, whatever becomes of us; returns since when.

    That is the first sending whose fate is unknown; each later one adds a microsecond, by which it
    is told apart. None where somebody else has been at this message since it was found due.
    """
    since = sa.func.coalesce(Message.claimed_at + timedelta(microseconds=1), sa.func.now())
    now = {"state": MessageState.SENDING, "claimed_at": since}
    claim = _as_found(message, message.claimed_at).where(Message.state == message.state)
    return await session.scalar(claim.values(**now).returning(Message.claimed_at))


async def release_claim(session: AsyncSession, message: Message, since: datetime) -> None:
    """It is certain that the sending begun `since` then did nothing: all is as it was found."""
    found = {"state": message.state, "claimed_at": message.claimed_at}
    await session.execute(_as_found(message, since).values(found))


def _as_found(message: Message, since: datetime | None) -> sa.Update:
    unchanged = Message.claimed_at.is_not_distinct_from(since)
    return sa.update(Message).where(Message.id == message.id, unchanged)


async def mark_sent(
    session: AsyncSession, message: Message, channel: str, ts: str, drawn_actions: int
) -> None:
    """Note where the message stands; promise a new drawing if the bill has moved on since.

    The bill's row of its record is locked first: whoever acts on the bill afterwards sees this
    message, and whoever did before is seen here.
    """
    actions = await count_actions(session, message.bill_id, lock=True) if message.bill_id else 0
    await _change(
        session,
        message.id,
        state=MessageState.POSTED,
        channel=channel,
        ts=ts,
        drawn_actions=drawn_actions,
        claimed_at=None,
        failure=None,
    )
    if message.bill_id and actions > drawn_actions:
        await defer_redraw_cards(session, message.bill_id)
    if message.kind in _LISTS:
        await defer_redraw_message(session, message.id)


_LISTS = (MessageKind.DIGEST, MessageKind.SENDING, MessageKind.APPROVING, *FOLLOWED)


async def count_actions(session: AsyncSession, bill_id: int, lock: bool = False) -> int:
    """How many actions a bill has; with `lock` nobody adds one until the commit."""
    query = "select actions from bill_chains where bill_id = :bill_id"
    found = await session.scalar(
        sa.text(f"{query} for share" if lock else query), {"bill_id": bill_id}
    )
    return int(found or 0)


async def drop(session: AsyncSession, message_id: int) -> None:
    """There is nothing left to tell."""
    await _change(session, message_id, state=MessageState.LISTED, claimed_at=None)


async def mark_failed(
    session: AsyncSession, message: Message, cause: str, instead: str | None = None
) -> None:
    """Give the message up for good. What one person had to decide goes to the channel `instead`."""
    if instead and message.kind in TO_DECIDE and message.recipient.startswith("user:"):
        await ask_elsewhere(session, message.recipient, [message.id], instead)
    await _change(session, message.id, state=MessageState.FAILED, failure=cause)
    await _tell_runs(session, message)


async def _tell_runs(session: AsyncSession, given_up: Message) -> None:
    """The message of the run that made these bills says what could not be delivered."""
    if given_up.kind not in (MessageKind.CARD, MessageKind.DIGEST):
        return
    bounds = given_up.facts if given_up.kind == MessageKind.DIGEST else _NO_BOUNDS
    for run_id in (await session.scalars(_RUNS, {"id": given_up.id, **bounds})).all():
        await defer_redraw_run(session, run_id, BUNDLING_S)


_NO_BOUNDS = {"first": None, "last": None, "of": None}

# One job in waiting is enough for all that is given up in the meantime.
_RUNS = sa.text("""
select distinct (a.snapshot ->> 'run')::bigint
from messages p join bill_actions a on a.bill_id = p.bill_id
where a.action = 'generate' and a.snapshot ->> 'run' is not null
  and (p.id = :id
       or p.id between cast(:first as bigint) and cast(:last as bigint)
          and p.recipient = cast(:of as text) and p.kind = 'card')
  and not exists (
      select from procrastinate_jobs j
      where j.lock = 'run-card:' || (a.snapshot ->> 'run') and j.status = 'todo')
""")


async def _change(session: AsyncSession, message_id: int, **values: Any) -> None:
    await session.execute(sa.update(Message).where(Message.id == message_id).values(**values))


async def stale_cards(session: AsyncSession, bill_ids: Sequence[int]) -> dict[int, StaleCards]:
    """The posted cards of these bills that show fewer actions than their bill has, by bill.

    To be asked before the bills are read: what is drawn then shows at least that many actions.
    """
    query = (
        sa.select(Message, User, _CHAINS.c.actions, _ACTED_AT)
        .outerjoin(User, User.id == _READER_ID)
        .join(_CHAINS, _CHAINS.c.bill_id == Message.bill_id)
        .where(Message.bill_id.in_(bill_ids), Message.state == MessageState.POSTED)
        .where(Message.kind == MessageKind.CARD, Message.drawn_actions < _CHAINS.c.actions)
        .order_by(Message.id)
    )
    acted = dict[int, tuple[int, datetime]]()
    cards = defaultdict[int, list[tuple[Message, User | None]]](list)
    for card, reader, *last in await session.execute(query):
        acted[card.bill_id] = tuple(last)
        cards[card.bill_id].append((card, reader))
    return {one: StaleCards(*acted[one], tuple(cards[one])) for one in acted}


_READER_ID = sa.case(
    (
        Message.recipient.startswith("user:"),
        sa.cast(sa.func.split_part(Message.recipient, ":", 2), sa.BigInteger),
    )
)
_CHAINS = sa.table("bill_chains", sa.column("bill_id", sa.BigInteger), sa.column("actions"))
_ACTIONS = sa.table(
    "bill_actions",
    sa.column("id", sa.BigInteger),
    sa.column("bill_id", sa.BigInteger),
    sa.column("created_at", sa.DateTime(timezone=True)),
)
_ACTED_AT = (
    sa.select(_ACTIONS.c.created_at)
    .where(_ACTIONS.c.bill_id == Message.bill_id)
    .order_by(_ACTIONS.c.id.desc())
    .limit(1)
    .scalar_subquery()
)


class Drawing(NamedTuple):
    """A message was drawn with so many `actions`; before, it was found to show `found`."""

    message_id: int
    found: int
    actions: int


async def mark_all_updated(session: AsyncSession, drawings: Sequence[Drawing]) -> set[int]:
    """Note what these messages show now; returns the ids of those that could be marked at once.

    The others are for `mark_updated`: somebody else has drawn them since, or is writing to them
    at this moment. Nobody is waited for, so that two who mark many cannot wait for each other.
    """
    ids, found, actions = (list(column) for column in zip(*drawings, strict=True))
    values = {"ids": ids, "found": found, "actions": actions}
    return set(await session.scalars(_MARK_ALL, values))


_MARK_ALL = sa.text("""
with free as (
    select m.id, d.actions
    from unnest(cast(:ids as bigint[]), cast(:found as int[]), cast(:actions as int[]))
        d (id, found, actions)
    join messages m on m.id = d.id and m.drawn_actions = d.found
    for no key update of m skip locked)
update messages m set drawn_actions = free.actions from free where m.id = free.id returning m.id
""")


async def mark_updated(session: AsyncSession, message: Message, actions: int) -> None:
    """The message was drawn with so many actions.

    Where somebody else has drawn it since it was looked at, nobody knows whose drawing stands: it
    counts as the poorer one, and the next is promised.
    """
    alone = sa.update(Message).where(
        Message.id == message.id, Message.drawn_actions == message.drawn_actions
    )
    shown = alone.values(drawn_actions=actions).returning(Message.id)
    if await session.scalar(shown) is None and message.bill_id:
        poorer = sa.func.least(Message.drawn_actions, actions)
        await _change(session, message.id, drawn_actions=poorer)
        await defer_redraw_cards(session, message.bill_id)
