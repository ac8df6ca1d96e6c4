"""The courier's side of the postings: what is to be sent next, and what became of it.

Each function is one step of the caller's transaction. A place is worked on by one courier at a
time, so what `due` answers stays due until that courier says otherwise.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models import announce
from models.announce import Kind, Posting, PostingState
from models.bills import BillKind
from models.dossier import Line
from models.month_end import Run
from models.people import User
from models.period import Period

CROWD_CARDS = 10
"""More cards than this waiting for one person become one message."""
EARLY_S = 1
"""How much too early a bundle may go out: clocks differ a little."""


@dataclass(frozen=True)
class Behind:
    """A bill's number of actions, and the cards that show fewer."""

    actions: int
    cards: tuple[Posting, ...]


async def due(session: AsyncSession, place: str, without: Collection[int] = ()) -> Posting | None:
    """What is to be posted there next, the oldest first, `without` those ids.

    Before that, what belongs together is put together: a crowd of cards for one person into a
    digest, approvals that have waited their time into one notice. The others are then `listed`.
    """
    if place.startswith("user:"):
        await session.execute(_DIGEST, {"place": place, "most": CROWD_CARDS})
    await _bundle_approvals(session, place)
    query = (
        sa.select(Posting)
        .where(Posting.place == place, _OPEN, Posting.id.not_in(without))
        .where(sa.or_(Posting.kind != Kind.APPROVAL, _BUNDLED))
        .order_by(Posting.id)
        .limit(1)
    )
    return (await session.scalars(query)).one_or_none()


_OPEN = Posting.state.in_([PostingState.WAITING, PostingState.SENDING])
_BUNDLED = Posting.facts.has_key("bills")

# Which cards a digest stands for is kept as a range of ids, however many they are.
_DIGEST = sa.text("""
with crowd as (
    select min(id) as first, max(id) as last, count(*) as cards
    from postings where place = :place and kind = 'card' and state = 'waiting'
),
digest as (
    insert into postings (key, kind, place, facts)
    select 'digest:' || first || ':' || :place, 'digest', :place,
           jsonb_build_object('first', first, 'last', last, 'of', cast(:place as text))
    from crowd where cards > :most
    returning id
)
update postings p set state = 'listed'
from crowd, digest
where p.place = :place and p.kind = 'card' and p.state = 'waiting'
  and p.id between crowd.first and crowd.last
""")


async def _bundle_approvals(session: AsyncSession, place: str) -> None:
    """The oldest notice takes all of them over, once it has waited long enough."""
    age = sa.func.now() - Posting.created_at
    query = (
        sa.select(Posting, sa.extract("epoch", age))
        .where(Posting.place == place, Posting.kind == Kind.APPROVAL)
        .where(Posting.state == PostingState.WAITING, sa.not_(_BUNDLED))
        .order_by(Posting.id)
    )
    found = (await session.execute(query)).all()
    if not found or found[0][1] < announce.BUNDLING_S - EARLY_S:
        return
    notices = [posting for posting, _ in found]
    notices[0].facts = {"bills": [posting.facts["bill_id"] for posting in notices]}
    for posting in notices[1:]:
        posting.state = PostingState.LISTED
    await session.flush()


async def slack_account(session: AsyncSession, place: str) -> str | None:
    """The Slack id behind a place: a channel's, or an active person's, None without one."""
    kind, _, name = place.partition(":")
    if kind == "channel":
        return name
    user = await session.get(User, int(name))
    return user.slack_user_id if user is not None and user.active else None


async def sending(session: AsyncSession, posting: Posting) -> datetime | None:
    """From now on the message may be there, whatever becomes of us; returns since when.

    That is the first sending whose fate is unknown; each later one adds a microsecond, by which it
    is told apart. None where somebody else has been at this posting since it was found due.
    """
    since = sa.func.coalesce(Posting.sending_since + timedelta(microseconds=1), sa.func.now())
    now = {"state": PostingState.SENDING, "sending_since": since}
    claim = _as_found(posting, posting.sending_since).where(Posting.state == posting.state)
    return await session.scalar(claim.values(**now).returning(Posting.sending_since))


async def not_sent(session: AsyncSession, posting: Posting, since: datetime) -> None:
    """It is certain that the sending begun `since` then did nothing: all is as it was found."""
    found = {"state": posting.state, "sending_since": posting.sending_since}
    await session.execute(_as_found(posting, since).values(found))


def _as_found(posting: Posting, since: datetime | None) -> sa.Update:
    unchanged = Posting.sending_since.is_not_distinct_from(since)
    return sa.update(Posting).where(Posting.id == posting.id, unchanged)


async def posted(
    session: AsyncSession, posting: Posting, channel: str, ts: str, shown_actions: int
) -> None:
    """Note where the message stands; promise a new drawing if the bill has moved on since.

    The bill's row of its record is locked first: whoever acts on the bill afterwards sees this
    message, and whoever did before is seen here.
    """
    actions = await actions_of(session, posting.bill_id, lock=True) if posting.bill_id else 0
    await _change(
        session,
        posting.id,
        state=PostingState.POSTED,
        channel=channel,
        ts=ts,
        shown_actions=shown_actions,
        sending_since=None,
        failure=None,
    )
    if posting.bill_id and actions > shown_actions:
        await announce.bill_changed(session, posting.bill_id)
    if posting.kind in (Kind.DIGEST, Kind.SENDING):
        await announce.digest_moved(session, posting.id)


async def actions_of(session: AsyncSession, bill_id: int, lock: bool = False) -> int:
    """How many actions a bill has; with `lock` nobody adds one until the commit."""
    query = "select actions from bill_chains where bill_id = :bill_id"
    found = await session.scalar(
        sa.text(f"{query} for share" if lock else query), {"bill_id": bill_id}
    )
    return int(found or 0)


async def needless(session: AsyncSession, posting_id: int) -> None:
    """There is nothing left to tell."""
    await _change(session, posting_id, state=PostingState.LISTED, sending_since=None)


async def failed(
    session: AsyncSession, posting: Posting, cause: str, instead: str | None = None
) -> None:
    """Give the posting up for good. What one person had to decide goes to the channel `instead`."""
    await _change(session, posting.id, state=PostingState.FAILED, failure=cause)
    await _tell_runs(session, posting)
    to_decide = posting.kind in (Kind.CARD, Kind.DIGEST) and posting.place.startswith("user:")
    if instead and to_decide:
        place = f"channel:{instead}"
        row = {
            "key": f"{posting.kind}:{posting.bill_id or posting.id}:{place}",
            "kind": posting.kind,
            "place": place,
            "bill_id": posting.bill_id,
            "facts": posting.facts,
        }
        await session.execute(insert(Posting).values(row).on_conflict_do_nothing())
        await announce.send_for(session, place)


async def _tell_runs(session: AsyncSession, given_up: Posting) -> None:
    """The message of the run that made these bills says what could not be delivered."""
    if given_up.kind not in (Kind.CARD, Kind.DIGEST):
        return
    bounds = given_up.facts if given_up.kind == Kind.DIGEST else _NO_BOUNDS
    for run_id in (await session.scalars(_RUNS, {"id": given_up.id, **bounds})).all():
        await announce.run_moved(session, run_id, announce.BUNDLING_S)


_NO_BOUNDS = {"first": None, "last": None, "of": None}

# One job in waiting is enough for all that is given up in the meantime.
_RUNS = sa.text("""
select distinct (a.snapshot ->> 'run')::bigint
from postings p join bill_actions a on a.bill_id = p.bill_id
where a.action = 'generate' and a.snapshot ->> 'run' is not null
  and (p.id = :id
       or p.id between cast(:first as bigint) and cast(:last as bigint)
          and p.place = cast(:of as text) and p.kind = 'card')
  and not exists (
      select from procrastinate_jobs j
      where j.lock = 'run-card:' || (a.snapshot ->> 'run') and j.status = 'todo')
""")


async def _change(session: AsyncSession, posting_id: int, **values: Any) -> None:
    await session.execute(sa.update(Posting).where(Posting.id == posting_id).values(**values))


async def behind(session: AsyncSession, bill_id: int, only: int | None = None) -> Behind:
    """The bill's posted cards that show fewer actions than it has, or `only` the one of that id.

    To be asked before the bill is read: what is drawn then shows at least that many actions.
    """
    actions = await actions_of(session, bill_id)
    cards = await session.scalars(
        sa.select(Posting)
        .where(Posting.bill_id == bill_id, Posting.state == PostingState.POSTED)
        .where(Posting.kind == Kind.CARD, Posting.shown_actions < actions)
        .where(Posting.id == only if only else sa.true())
        .order_by(Posting.id)
    )
    return Behind(actions, tuple(cards))


async def digests_of(session: AsyncSession, bill_id: int) -> Sequence[int]:
    """Posted digests that stand for a card of this bill, but for those to be redrawn anyway."""
    return (await session.scalars(_DIGESTS, {"bill_id": bill_id})).all()


_DIGESTS = sa.text("""
select distinct d.id
from postings c join postings d
  on c.id between (d.facts ->> 'first')::bigint and (d.facts ->> 'last')::bigint
  and c.place = d.facts ->> 'of'
where c.bill_id = :bill_id and c.kind = 'card' and c.state = 'listed'
  and d.kind = 'digest' and d.state = 'posted'
  and not exists (
      select from procrastinate_jobs j
      where j.lock = 'card:' || d.id and j.status = 'todo')
order by d.id
""")


async def redrawn(session: AsyncSession, posting: Posting, actions: int) -> None:
    """The message was drawn with so many actions.

    Where somebody else has drawn it since it was looked at, nobody knows whose drawing stands: it
    counts as the poorer one, and the next is promised.
    """
    alone = sa.update(Posting).where(
        Posting.id == posting.id, Posting.shown_actions == posting.shown_actions
    )
    shown = alone.values(shown_actions=actions).returning(Posting.id)
    if await session.scalar(shown) is None and posting.bill_id:
        poorer = sa.func.least(Posting.shown_actions, actions)
        await _change(session, posting.id, shown_actions=poorer)
        await announce.bill_changed(session, posting.bill_id)


async def of_run(session: AsyncSession, run_id: int) -> Posting | None:
    """The progress message of a run, wherever it is by now."""
    run = await session.get_one(Run, run_id)
    key = f"run:{run_id}:{announce.user_place(run.user_id)}"
    return (await session.scalars(sa.select(Posting).where(Posting.key == key))).one_or_none()


async def run_failed(session: AsyncSession, run_id: int, cause: str) -> None:
    """A run will not go on; what it made so far is announced, and its message says why."""
    run = await session.get_one(Run, run_id, with_for_update=True)
    run.failure = cause
    await session.flush()
    await announce.announce_waiting(session)
    await announce.run_moved(session, run_id)


async def listed_lines(session: AsyncSession, digest: Posting) -> Sequence[Line]:
    """The bills a digest stands for that still wait for its reader's decision, oldest first.

    A bill that lacks another role's approval alone does not.
    """
    rows = await session.execute(_LINES, digest.facts)
    return [
        Line(
            id=row.id,
            version=row.version,
            customer=row.name,
            period=Period(row.year, row.month),
            status=row.status,
            hold_reason=None,
            amount=row.overage_amount,
            currency=row.currency,
            created_at=row.created_at,
            kind=BillKind(row.kind),
        )
        for row in rows
    ]


async def listed_count(session: AsyncSession, digest: Posting) -> int:
    """How many bills a digest stands for, decided or not."""
    return int(await session.scalar(_COUNT, digest.facts) or 0)


_COUNT = sa.text("""
select count(*) from postings
where place = :of and kind = 'card' and state = 'listed' and id between :first and :last
""")

_LINES = sa.text("""
select b.id, b.version, c.name, b.year, b.month, b.status, b.overage_amount, b.currency,
       b.created_at, b.kind
from postings p
join bills b on b.id = p.bill_id
join customers c on c.id = b.customer_id
where p.place = :of and p.kind = 'card' and p.state = 'listed'
  and p.id between :first and :last and b.status = 'pending'
  and not exists (
      select from approvals a join users u on p.place = 'user:' || u.id
      where a.bill_id = b.id and (a.user_id = u.id or a.part =
          case u.role when 'Customer Success' then 'csm' when 'Sales' then 'sales' end))
order by b.created_at, b.id
""")
