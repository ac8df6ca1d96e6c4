"""One bill under its lock: what stands, and how an action is recorded on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.next_steps import STANDS, WHY_NOT, instead_of
from models.bills.approvers import Approvers, read_approvers, who_decides
from models.bills.bill import Bill, lock_bills, no_bill
from models.bills.figures import Figures
from models.bills.history import (
    Appended,
    BillAction,
    append_action,
    append_actions_of_each,
    figures_made_by,
)
from models.bills.reading import BILL_OF_F, bill_columns, read_actions, read_figures
from models.bills.replay import BillState, replay
from models.bills.snapshots import bill_snapshot
from models.bills.states import NEW_FIGURES, ON_FIGURES, REMARKS, TRANSITIONS, BillKind, State, Verb
from models.context import Context
from models.customers.customers import CustomerRef
from models.db.locks import busy_after_waiting
from models.db.rows import keep, rows, set_values
from models.errors import EarlierAction, FiguresChanged, Stale, WrongState
from models.named_people import WhoCan
from models.outbox.cards import redraw_cards_of_relatives
from models.outbox.notifications import News
from models.people.users import User
from models.people.who_can import not_permitted, require


class Change(NamedTuple):
    """Where a bill goes, with which new figures, if there are any, and what is told of it."""

    to: State
    columns: Mapping[str, Any] = MappingProxyType({})
    hold_reason: str | None = None
    news: News | None = None


@dataclass(frozen=True)
class PastOfBill:
    """A bill and its record so far: enough to say what has happened to it."""

    session: AsyncSession
    bill: Bill
    actions: list[BillAction]

    async def last_action(self, context: Context) -> EarlierAction:
        """Who moved the bill where it is, and when: for whoever comes too late."""
        last = next(one for one in reversed(self.actions) if Verb(one.action) not in REMARKS)
        return await self.earlier(last, context)

    async def earlier(self, action: BillAction, context: Context) -> EarlierAction:
        """One of its actions, as a refusal carries it to whoever is at the bill now."""
        by = await self.session.get_one(User, action.stakeholder_id)
        return EarlierAction(
            verb=action.action,
            by=None if by.is_system else by.name,
            role=by.role,
            is_own=by.id == context.user.id,
            at=action.created_at,
            now=context.now,
            cause=action.snapshot.get("cause"),
        )

    async def too_late(self, context: Context, version: int | None = None) -> Stale:
        """The refusal for whoever saw `version`; it names the figures that moved since then. Nobody
        can have seen one that is not there yet.
        """
        if version is not None and version > self.bill.version:
            return Stale(f"This bill has no version {version}; it is at {self.bill.version}.")
        since = [a for a in self.actions if version is not None and a.bill_version > version]
        moves = [action for action in since if "before" in action.snapshot]
        if moves and Verb(moves[-1].action) in NEW_FIGURES:
            first, last = moves[0].snapshot["before"], moves[-1].snapshot["after"]
            return FiguresChanged(_differences(first, last), self.bill.currency)
        return Stale("Nothing more was recorded.", earlier=await self.last_action(context))


@dataclass(frozen=True)
class LoadedBill(PastOfBill):
    """A bill whose row is locked until the transaction ends, and all that is decided by.

    `figures_now` are those that usage and terms gave when it was loaded, None without usage, and
    `is_outdated` is whether it does not rest on them, though it should.
    """

    customer: CustomerRef
    approvers: Approvers
    state: BillState
    figures_now: Figures | None
    is_outdated: bool
    corrects_void: bool

    @property
    def generated_by(self) -> int:
        return self.actions[0].stakeholder_id

    @property
    def made_by(self) -> frozenset[int]:
        """Whoever had a hand in the figures: none of them decides on the bill."""
        return figures_made_by(self.actions)

    @property
    def is_credit_for_void(self) -> bool:
        """Whether this takes back what had gone out of a bill that is void.

        Corrections of a void bill that were not out are void themselves, so what is not is that.
        """
        return self.bill.number is None and self.corrects_void

    @property
    def newer_figures(self) -> Figures | None:
        """Those of now, where the bill does not rest on them and does not keep its own."""
        return self.figures_now if self.is_outdated else None

    async def record(
        self,
        verb: Verb,
        context: Context,
        move: Change | None = None,
        *,
        comment: str | None = None,
        acted_for: int | None = None,
        reverses: int | None = None,
        snapshot: dict[str, Any] | None = None,
    ) -> BillAction:
        """Append the action, and promise new drawings of the bill's cards.

        With a move the bill's version goes up, and the snapshot keeps its figures before and
        after. Without, its row stays as it is.
        """
        before = bill_snapshot(self.bill)
        moved = self._move(move, context.now) if move else {}
        seen = {"before": before, "after": bill_snapshot(self.bill)} if moved else {}
        action = await append_action(
            self.session,
            context,
            self.bill,
            verb,
            moved,
            move.news if move else None,
            comment=comment,
            acted_for_id=acted_for,
            reverses_id=reverses,
            snapshot=seen | (snapshot or {}),
        )
        if self.bill.adjusts_id or self.bill.replaces_id:
            await redraw_cards_of_relatives(self.session, [self.bill.id])
        return action

    async def begin_another(
        self,
        verb: Verb,
        context: Context,
        columns: Mapping[str, Any],
        *,
        comment: str | None = None,
        snapshot: Mapping[str, Any] = MappingProxyType({}),
    ) -> Bill:
        """A new pending bill for the month of this one, with the action that it begins with."""
        bill = Bill(
            customer_id=self.bill.customer_id,
            year=self.bill.year,
            month=self.bill.month,
            status=State.PENDING,
            created_at=context.now,
            updated_at=context.now,
            **({"kind": BillKind.OVERAGE} | dict(columns)),
        )
        self.session.add(bill)
        await self.session.flush()
        await self.session.refresh(bill)
        seen = {"after": bill_snapshot(bill), **snapshot}
        await append_action(self.session, context, bill, verb, comment=comment, snapshot=seen)
        return bill

    def _move(self, move: Change, now: datetime) -> dict[str, Any]:
        """The bill as it becomes; returns what of its row is yet to be written."""
        values = {
            **move.columns,
            "status": move.to,
            "hold_reason": move.hold_reason,
            "version": self.bill.version + 1,
            "updated_at": now,
        }
        set_values(self.bill, values)
        return values


async def record_each(
    verb: Verb,
    context: Context,
    moves: Sequence[tuple[LoadedBill, Change, Mapping[str, Any]]],
    redraw_s: int | None = None,
) -> list[BillAction]:
    """The same of many bills at once, in this order, each with its move and its snapshot; what they
    move are the same columns. Their cards are drawn after `redraw_s`.
    """
    each = []
    for loaded, move, snapshot in moves:
        before = bill_snapshot(loaded.bill)
        moved = loaded._move(move, context.now)
        seen = {"before": before, "after": bill_snapshot(loaded.bill), **snapshot}
        each.append(Appended(loaded.bill, moved, seen))
    if not moves:
        return []
    session = moves[0][0].session
    actions = await append_actions_of_each(session, context, verb, each, redraw_s)
    related = [one.bill.id for one in each if one.bill.adjusts_id or one.bill.replaces_id]
    if related:
        await redraw_cards_of_relatives(session, related)
    return actions


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (before.get(name), now) for name, now in after.items() if before.get(name) != now}


async def load_for(
    session: AsyncSession,
    bill_id: int,
    verb: Verb,
    context: Context,
    version: int | None = None,
    lock: bool = True,
) -> LoadedBill:
    """Lock the bill for a verb; without `lock` only look at it, before anything is decided.

    Refuses whoever has no right to it, an unknown bill, a version other than the one that the
    person saw, a state that the verb does not start from, and a decision on figures that usage or
    terms no longer give.
    """
    rule = TRANSITIONS[verb]
    if rule.permission is not None and not context.user.can(rule.permission):
        who = None
        if verb in _DECISIONS:
            who = await who_decides(session, bill_id, [context.user.id]) or WhoCan()
        raise await not_permitted(session, context.user, rule.permission, who)
    loaded = await _loaded(session, bill_id, lock)
    bill = loaded.bill
    if version is not None and version != bill.version:
        raise await loaded.too_late(context, version)
    if State(bill.status) not in rule.start:
        instead = await instead_of(loaded, context, verb)
        raise WrongState(_not_from(verb, bill), instead, await loaded.last_action(context))
    if verb in ON_FIGURES:
        _check_figures(loaded)
    return loaded


_DECISIONS = (Verb.APPROVE, Verb.REJECT)

_FIRST = {
    (Verb.SEND, State.PENDING): "It has to be approved before it is sent.",
    (Verb.SEND, State.HELD): "It has to be released and approved before it is sent.",
}


def _not_from(verb: Verb, bill: Bill) -> str:
    """Where the bill stands, and what the verb is for; of a decision that was taken, no more."""
    state = State(bill.status)
    why = _FIRST.get((verb, state), "")
    if not why and verb in WHY_NOT:
        why = f"{STANDS[state]}, and {WHY_NOT[verb]}."
    return why or "Nothing more was recorded."


_COLUMNS_TO_ACT_ON = f"""
{BILL_OF_F}, f.customer_name, f.billing_email, f.cc_emails, f.written, f.slots, f.actions,
f.figures, f.is_outdated, f.corrects_void"""

_TO_ACT_ON = f"select {_COLUMNS_TO_ACT_ON} from bill_to_act_on(%s, locking => {{locking}}) f"

_EACH_TO_ACT_ON = f"""
select {_COLUMNS_TO_ACT_ON}
from unnest(%s::bigint[]) with ordinality asked (id, place)
cross join lateral bill_to_act_on(asked.id, locking => false) f
where (f.bill).status = any(%s)
order by place
"""

_WITH_CORRECTED = "select unnest(array[id, adjusts_id]) from bills where id = any(:bill_ids)"


async def _loaded(session: AsyncSession, bill_id: int, lock: bool) -> LoadedBill:
    with busy_after_waiting():
        found = await rows(session, _TO_ACT_ON.format(locking=str(lock).lower()), (bill_id,))
    if not found:
        raise no_bill(bill_id)
    return _read(session, found[0])


async def load_each_for(
    session: AsyncSession, bill_ids: Sequence[int], verb: Verb, context: Context
) -> list[LoadedBill]:
    """Lock these bills, and what they correct, for a verb that is not `ON_FIGURES`; returns those
    in a state that it starts from, in this order.

    Refuses whoever has no right to it.
    """
    rule = TRANSITIONS[verb]
    if rule.permission is not None:
        await require(session, context.user, rule.permission)
    await lock_bills(session, _WITH_CORRECTED, {"bill_ids": list(bill_ids)})
    asked = list(dict.fromkeys(bill_ids))
    found = await rows(session, _EACH_TO_ACT_ON, (asked, list(rule.start)))
    return [_read(session, row) for row in found]


def _read(session: AsyncSession, row: Mapping[str, Any]) -> LoadedBill:
    bill = keep(session, Bill, bill_columns(row))
    actions = read_actions(row["actions"])
    return LoadedBill(
        session,
        bill,
        actions,
        CustomerRef(
            bill.customer_id,
            row["customer_name"],
            row["billing_email"],
            row["cc_emails"],
            tuple(row["written"]),
        ),
        read_approvers(row["slots"]),
        replay(actions),
        read_figures(row["figures"]),
        row["is_outdated"],
        row["corrects_void"],
    )


def _check_figures(loaded: LoadedBill) -> None:
    now = loaded.newer_figures
    if now is not None:
        before = bill_snapshot(loaded.bill)
        raise FiguresChanged(_differences(before, before | now.as_snapshot()), loaded.bill.currency)
