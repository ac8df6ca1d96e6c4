"""Promises to tell somebody: rows and jobs written in the transaction of the fact they tell of.

A posting says what is to stand where; the courier draws it from the facts as they are by then.
So a job may come late, or twice, and nothing is wrong.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import procrastinate
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, driver_connection
from models.dossier import Settled
from models.people import Role, User, with_role

# Only its tables are used here; the courier opens one of its own to work on them.
_jobs = procrastinate.App(connector=procrastinate.PsycopgConnector())

QUEUE = "countersign"
JOBS_AT_ONCE = 1000
BUNDLING_S = 30
"""Good news that comes within this many seconds is told in one message."""


class Task(StrEnum):
    """The courier's tasks, by the names under which jobs are stored."""

    POST = "post"
    REDRAW = "redraw"
    REDRAW_CARD = "redraw_card"
    REDRAW_DIGEST = "redraw_digest"
    GENERATE = "generate"
    REDRAW_RUN = "redraw_run"
    SEND = "send"
    ISSUE = "issue"
    DELIVER = "deliver"


class Kind(StrEnum):
    """What a posting shows."""

    CARD = "card"
    DIGEST = "digest"
    RUN = "run"
    REJECTION = "rejection"
    APPROVAL = "approval"
    NOT_SENT = "not_sent"
    SETTLED = "settled"
    APPROVALS_FELL = "approvals_fell"
    SENDING = "sending"
    ACCESS_REQUEST = "access_request"
    ACCESS_GRANTED = "access_granted"


class PostingState(StrEnum):
    """`sending`: perhaps already there. `listed`: told by another message. `failed`: given up."""

    WAITING = "waiting"
    SENDING = "sending"
    POSTED = "posted"
    LISTED = "listed"
    FAILED = "failed"


class Posting(Base):
    """One message in one place: a promise at first, then where it stands.

    `place` is `user:ID` (their DM) or `channel:SLACK_ID`; `channel` and `ts` are Slack's, once
    posted; `shown_actions` is how many actions the bill had when it was last drawn.
    """

    __tablename__ = "postings"

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    place: Mapped[str]
    bill_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("bills.id"))
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    state: Mapped[str] = mapped_column(server_default=PostingState.WAITING)
    channel: Mapped[str | None]
    ts: Mapped[str | None]
    shown_actions: Mapped[int] = mapped_column(server_default="0")
    sending_since: Mapped[datetime | None]
    failure: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())

    __table_args__ = (sa.UniqueConstraint("channel", "ts"),)


def user_place(user_id: int) -> str:
    return f"user:{user_id}"


async def bill_changed(session: AsyncSession, bill_id: int) -> None:
    """Every card of this bill is out of date."""
    await _defer(session, Task.REDRAW, f"bill:{bill_id}", {"bill_id": bill_id})


async def bills_changed(session: AsyncSession, bill_ids: Sequence[int]) -> None:
    """The same for many bills; those that stand nowhere are left out."""
    found = await session.scalars(_SHOWN, {"bill_ids": list(bill_ids)})
    await _defer_each(session, Task.REDRAW, {f"bill:{one}": {"bill_id": one} for one in found})


_SHOWN = sa.text(
    "select distinct bill_id from postings where bill_id = any(:bill_ids) order by bill_id"
)


async def card_lags(
    session: AsyncSession, bill_id: int, posting_id: int, since_s: float, delay_s: int
) -> None:
    """One copy of a card could not be redrawn `since_s` (epoch): it is tried again by itself."""
    call = {"bill_id": bill_id, "posting_id": posting_id, "since_s": since_s}
    await _defer(session, Task.REDRAW_CARD, f"card:{posting_id}", call, delay_s)


async def digest_moved(session: AsyncSession, posting_id: int) -> None:
    """A digest, or the progress of a list, is out of date.

    Redrawn one at a time, the last drawing is the true one.
    """
    call = {"posting_id": posting_id}
    await _defer(session, Task.REDRAW_DIGEST, f"card:{posting_id}", call)


async def run_left(session: AsyncSession, run_id: int) -> None:
    """A run is to be gone on with."""
    await _defer(session, Task.GENERATE, f"run:{run_id}", {"run_id": run_id})


async def run_started(session: AsyncSession, run_id: int, user: User) -> None:
    """Work the run off, and show its progress to whoever asked for it."""
    await post(session, Kind.RUN, f"run:{run_id}", [user], {"run_id": run_id})
    await run_left(session, run_id)


async def run_moved(session: AsyncSession, run_id: int, delay_s: int = 0) -> None:
    """A run's message is out of date."""
    call = {"run_id": run_id}
    await _defer(session, Task.REDRAW_RUN, f"run-card:{run_id}", call, delay_s)


async def rejected(session: AsyncSession, bill_id: int, action_id: int, to: Sequence[User]) -> None:
    """Whoever generated the bill hears of a rejection at once."""
    facts = {"bill_id": bill_id, "action_id": action_id}
    await post(session, Kind.REJECTION, f"rejection:{action_id}", to, facts)


async def approved(session: AsyncSession, bill_id: int, action_id: int, to: Sequence[User]) -> None:
    """Whoever generated the bills hears of approvals bundled."""
    facts = {"bill_id": bill_id, "action_id": action_id}
    await post(session, Kind.APPROVAL, f"approval:{action_id}", to, facts, BUNDLING_S)


async def not_sent(session: AsyncSession, bill_id: int, action_id: int, to: Sequence[User]) -> None:
    """Finance hears at once of a bill that could not be delivered."""
    facts = {"bill_id": bill_id, "action_id": action_id}
    await post(session, Kind.NOT_SENT, f"not-sent:{action_id}", to, facts)


NAMED = 50
"""So many bills of each kind are named to Finance; the others are counted."""


async def settled(session: AsyncSession, now: datetime, done: Settled) -> None:
    """Finance hears what changed usage, terms or people have done to bills."""
    ids = {name: bills for name, bills in vars(done).items() if bills}
    facts = {
        name: {"count": len(bills), "bills": list(bills[:NAMED])} for name, bills in ids.items()
    }
    key = ":".join(f"{name}-{bills[0]}" for name, bills in ids.items())
    finance = await with_role(session, Role.FINANCE)
    await post(session, Kind.SETTLED, f"settled:{key}:{now.isoformat()}", finance, facts)


async def list_left(session: AsyncSession, list_id: int) -> None:
    """A list of bills is to be gone on with."""
    await _defer(session, Task.SEND, f"list:{list_id}", {"list_id": list_id})


async def approvals_fell(
    session: AsyncSession, now: datetime, bills_of: Mapping[int, Sequence[int]]
) -> None:
    """Whoever had approved these bills, by user id, hears that their word is asked again."""
    users = await session.scalars(sa.select(User).where(User.id.in_(bills_of)))
    for user in users.all():
        bills = sorted(bills_of[user.id])
        facts = {"count": len(bills), "bills": bills[:NAMED]}
        key = f"fell:{bills[0]}:{now.isoformat()}"
        await post(session, Kind.APPROVALS_FELL, key, [user], facts)


async def bill_to_issue(session: AsyncSession, bill_id: int, now: datetime, due: datetime) -> None:
    """A bill being sent is to be issued when its delay is over."""
    delay_s = math.ceil(max(0.0, (due - now).total_seconds()))
    await _defer(session, Task.ISSUE, f"send:{bill_id}", {"bill_id": bill_id}, delay_s)


async def bill_to_deliver(session: AsyncSession, bill_id: int) -> None:
    """An issued bill is to be mailed."""
    await _defer(session, Task.DELIVER, f"send:{bill_id}", {"bill_id": bill_id})


async def access_requested(session: AsyncSession, asker: User, now: datetime) -> int:
    """Finance is asked, at most once a day, to give `asker` a role; returns how many people are."""
    finance = await with_role(session, Role.FINANCE)
    key = f"access:{asker.id}:{now.date()}"
    return await post(session, Kind.ACCESS_REQUEST, key, finance, {"user_id": asker.id})


async def access_granted(session: AsyncSession, user: User, now: datetime) -> None:
    key = f"granted:{user.id}:{now.isoformat()}"
    await post(session, Kind.ACCESS_GRANTED, key, [user], {"role": user.role})


async def post(
    session: AsyncSession,
    kind: Kind,
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
    rows = [
        {
            "key": f"{key}:{user_place(user.id)}",
            "kind": kind,
            "place": user_place(user.id),
            "facts": facts,
        }
        for user in reachable
    ]
    await session.execute(insert(Posting).values(rows).on_conflict_do_nothing())
    await send_for_all(session, [user_place(user.id) for user in reachable], delay_s)
    return len(reachable)


async def announce_waiting(session: AsyncSession) -> int:
    """Send for the courier wherever something waits to be posted; returns the number of places.

    Said again it does no harm; said once too few, it mends that.
    """
    query = sa.select(Posting.place).where(
        Posting.state.in_([PostingState.WAITING, PostingState.SENDING])
    )
    places = (await session.scalars(query.distinct())).all()
    await send_for_all(session, places)
    return len(places)


async def send_for(session: AsyncSession, place: str, delay_s: int = 0) -> None:
    """Send for the courier to one place, with all its patience."""
    await send_for_all(session, [place], delay_s)


async def send_for_all(session: AsyncSession, places: Iterable[str], delay_s: int = 0) -> None:
    """The same to many places, each of them once."""
    calls = {f"place:{place}": {"place": place} for place in sorted(set(places))}
    await _defer_each(session, Task.POST, calls, delay_s)


async def _defer(
    session: AsyncSession, task: Task, lock: str, call: dict[str, Any], delay_s: int = 0
) -> None:
    """Put a job into the caller's transaction; `lock` lets only one of its jobs run at a time."""
    await _defer_each(session, task, {lock: call}, delay_s)


async def _defer_each(
    session: AsyncSession, task: Task, calls: Mapping[str, dict[str, Any]], delay_s: int = 0
) -> None:
    """A job for each lock, all in one go."""
    made = [
        _jobs.configure_task(
            task,
            lock=lock,
            queue=QUEUE,
            schedule_in={"seconds": delay_s} if delay_s else None,
            priority=-1 if delay_s else 0,  # or what comes now would queue up behind what waits
        ).make_new_job(**call)
        for lock, call in calls.items()
    ]
    connection = await driver_connection(session)
    for first in range(0, len(made), JOBS_AT_ONCE):
        jobs = made[first : first + JOBS_AT_ONCE]
        await _jobs.job_manager.batch_defer_jobs_async(jobs=jobs, connection=connection)
