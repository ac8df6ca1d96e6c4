"""The record of a bill: its actions, which are only ever added."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.bills.bill import Bill, moving
from models.bills.snapshots import SLOT
from models.bills.states import Verb
from models.context import Context
from models.db.columns import Base, Id
from models.db.rows import made, rows
from models.outbox.jobs import deferring, post_jobs, redraw_cards_jobs
from models.outbox.notifications import News, telling
from models.people.users import User


class BillAction(Base):
    """What somebody did to a bill, when, from where and why. Never changed, never removed.

    `prev_hash` and `hash` are filled in by the database.
    """

    __tablename__ = "bill_actions"

    id: Mapped[Id]
    bill_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(Bill.id))
    bill_version: Mapped[int]
    stakeholder_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    action: Mapped[str]
    comment: Mapped[str | None]
    source: Mapped[str]
    acted_for_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    reverses_id: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey("bill_actions.id"))
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    prev_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary, server_default=sa.FetchedValue())
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


def append_actions(query: str, *, is_correction: bool = False) -> str:
    """The SQL that appends an action to the record of many bills: done by `:user_id`, from
    `:source`, at `:now`. `query` names a query with the `id` and the `version` of each bill, the
    `action`, and its `snapshot`, in which a correction keeps `:corrected_by`, null for nobody.
    """
    corrected = "jsonb_build_object('corrected_by', cast(:corrected_by as bigint))"
    snapshot = f"snapshot || jsonb_strip_nulls({corrected})" if is_correction else "snapshot"
    return f"""insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source,
        snapshot, created_at, updated_at)
    select id, version, :user_id, action, :source, {snapshot}, :now, :now
    from {query}"""


_WRITTEN = (
    *("bill_id", "bill_version", "stakeholder_id", "action", "comment", "source", "acted_for_id"),
    *("reverses_id", "snapshot", "created_at", "updated_at"),
)

_APPEND = f"""
insert into bill_actions ({", ".join(_WRITTEN)})
values ({", ".join(f"%({name})s" for name in _WRITTEN)})
returning id, bill_id, stakeholder_id, snapshot, prev_hash, hash
"""

_FILL = f"""
insert into approvals (bill_id, slot, user_id, action_id)
select bill_id, snapshot ->> '{SLOT}', stakeholder_id, id from appended
on conflict (bill_id, slot) do update
set user_id = excluded.user_id, action_id = excluded.action_id
"""

_LINKED = ("id", "prev_hash", "hash")


async def append_action(
    session: AsyncSession,
    context: Context,
    bill: Bill,
    verb: Verb,
    moved: Mapping[str, Any] | None = None,
    news: News | None = None,
    **columns: Any,
) -> BillAction:
    """Append an action to the record of a bill, which is as it is after the action already.

    The same statement writes `moved`, what of the bill's row is yet to be written, and promises
    `news` of it and new drawings of the bill's cards; and an approval fills the slot that its
    snapshot names, in the place of what stood there.
    """
    values = dict(moved or {})
    written = _written(context, bill, verb, **columns)
    given = values | written | {"snapshot": Jsonb(written["snapshot"])}
    given |= vars(news) if news else {}
    (row,) = await rows(session, _appending(values, verb is Verb.APPROVE, news is not None), given)
    return made(BillAction, written | {name: row[name] for name in _LINKED})


def _written(context: Context, bill: Bill, verb: Verb, **columns: Any) -> dict[str, Any]:
    return {
        "acted_for_id": None,
        "comment": None,
        "reverses_id": None,
        "snapshot": {},
        **columns,
        "bill_id": bill.id,
        "bill_version": bill.version,
        "stakeholder_id": context.user.id,
        "action": verb,
        "source": context.source,
        "created_at": context.now,
        "updated_at": context.now,
    }


class Appended(NamedTuple):
    """An action of many: its bill as it is after it, what of its row is yet to be written, and the
    action's snapshot.
    """

    bill: Bill
    moved: Mapping[str, Any]
    snapshot: Mapping[str, Any]


_APPEND_EACH = """
with told as (
    select place, action.*
    from jsonb_array_elements(%(actions)s) with ordinality each (one, place)
    cross join lateral jsonb_populate_record(null::bill_actions, one) action),
appended as (
    insert into bill_actions ({written})
    select {written} from told order by place
    returning {linked}, bill_id),
moved as (
    update bills b set {moves}
    from jsonb_populate_recordset(null::bills, %(bills)s) told where b.id = told.id)
select bill_id, {linked}, ({jobs}) from appended
"""


async def append_actions_of_each(
    session: AsyncSession,
    context: Context,
    verb: Verb,
    each: Sequence[Appended],
    redraw_s: int | None = None,
) -> list[BillAction]:
    """The same of many bills, in this order, in one statement that moves the same columns of all of
    them. Their cards are drawn after `redraw_s`, for what follows by then is drawn with it.
    """
    if not each:
        return []
    written = {
        one.bill.id: _written(context, one.bill, verb, snapshot=dict(one.snapshot)) for one in each
    }
    query = _APPEND_EACH.format(
        written=", ".join(_WRITTEN),
        linked=", ".join(_LINKED),
        moves=", ".join(f"{name} = told.{name}" for name in each[0].moved),
        jobs=deferring(redraw_cards_jobs("appended", redraw_s)),
    )
    moved = [{"id": one.bill.id, **one.moved} for one in each]
    values = {"actions": _as_json(list(written.values())), "bills": _as_json(moved)}
    found = {row["bill_id"]: row for row in await rows(session, query, values)}
    return [
        made(BillAction, action | {name: found[bill_id][name] for name in _LINKED})
        for bill_id, action in written.items()
    ]


def _as_json(told: Sequence[Mapping[str, Any]]) -> Jsonb:
    return Jsonb(told, dumps=partial(json.dumps, default=str))


def _appending(moved: Iterable[str], is_approval: bool, has_news: bool) -> str:
    writes = {"appended": _APPEND}
    jobs = [redraw_cards_jobs("appended")]
    if moved:
        writes["moved"] = moving(moved)
    if is_approval:
        writes["filled"] = _FILL
    if has_news:
        writes["told"] = telling("appended")
        jobs.append(post_jobs("told"))
    steps = ", ".join(f"{name} as ({sql})" for name, sql in writes.items())
    return f"with {steps} select {', '.join(_LINKED)}, ({deferring(*jobs)}) from appended"


async def actions_of(session: AsyncSession, bill_id: int) -> Sequence[BillAction]:
    query = sa.select(BillAction).where(BillAction.bill_id == bill_id).order_by(BillAction.id)
    return (await session.scalars(query)).all()


async def actions_of_each(
    session: AsyncSession, bill_ids: Collection[int]
) -> dict[int, list[BillAction]]:
    """The same of many bills, by bill."""
    query = sa.select(BillAction).where(BillAction.bill_id.in_(bill_ids)).order_by(BillAction.id)
    found: dict[int, list[BillAction]] = {bill_id: [] for bill_id in bill_ids}
    for action in await session.scalars(query) if bill_ids else ():
        found[action.bill_id].append(action)
    return found


def due_by(actions: Sequence[BillAction]) -> datetime:
    """When the bill that is being sent was, or is, to be issued."""
    dues = (action.snapshot["due"] for action in reversed(actions) if "due" in action.snapshot)
    return datetime.fromisoformat(next(dues))


def has_arrived_once(actions: Sequence[BillAction]) -> bool:
    """Whether a mail server has taken the bill's letter, this time or an earlier one."""
    return any(action.action == Verb.DELIVER for action in actions)


def has_come_back(actions: Sequence[BillAction]) -> bool:
    """Whether the letter that a mail server took last is reported not to have arrived."""
    fates = (Verb.DELIVER, Verb.BOUNCE)
    since = (one for one in reversed(actions) if one.action in fates and not is_of_copy(one))
    return next((one.action for one in since), None) == Verb.BOUNCE


def last_taken(actions: Sequence[BillAction]) -> BillAction | None:
    """The latest letter that a mail server took; None where none was."""
    return next((one for one in reversed(actions) if one.action == Verb.DELIVER), None)


def is_of_copy(action: BillAction) -> bool:
    """Whether it is a report about a copy alone, which says nothing of the bill."""
    return bool(action.snapshot.get("of_copy"))


def figures_made_by(actions: Sequence[BillAction]) -> frozenset[int]:
    """Whoever had a hand in a bill's figures: none of them decides on the bill."""
    revised = (one.stakeholder_id for one in actions if one.action == Verb.REVISE)
    return frozenset({actions[0].stakeholder_id, *revised})


def comment_text(actions: Iterable[BillAction], comment_id: int) -> str | None:
    """What a comment says after its edits; None once it is deleted."""
    text = None
    for action in actions:
        if action.id == comment_id or action.snapshot.get("comment_id") == comment_id:
            text = action.comment
    return text


async def bills_of_actions(session: AsyncSession, action_ids: Collection[int]) -> Sequence[int]:
    """The bills that any of these were done to, by id."""
    of_these = sa.select(BillAction.bill_id).where(BillAction.id.in_(action_ids))
    query = of_these.distinct().order_by(BillAction.bill_id)
    return (await session.scalars(query)).all()
