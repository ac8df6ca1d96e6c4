"""One bill under its lock: what stands, and the one place where an action is appended to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.approvers import Approvers, approvers_of
from models.bills.bill import Bill, get_bill
from models.bills.figures import newer_figures
from models.bills.history import BillAction, actions_of
from models.bills.replay import BillState, replay
from models.bills.snapshots import bill_snapshot
from models.bills.states import NEW_FIGURES, ON_FIGURES, TRANSITIONS, State, Verb
from models.context import Context
from models.customers.customers import Customer
from models.errors import Changed, Stale, WrongState
from models.outbox.cards import redraw_cards_of_relatives
from models.outbox.jobs import defer_card_update
from models.people.users import User

PAST = {
    Verb.GENERATE: "generated",
    Verb.REISSUE: "billed the month again with",
    Verb.HOLD: "held",
    Verb.RELEASE: "released",
    Verb.APPROVE: "approved",
    Verb.AUTO_APPROVE: "approved, by the customer's rule,",
    Verb.REJECT: "rejected",
    Verb.UNDO: "took back a decision on",
    Verb.REVISE: "revised",
    Verb.INVALIDATE: "corrected the figures of",
    Verb.SEND: "began to send",
    Verb.ISSUE: "issued",
    Verb.DELIVER: "sent",
    Verb.SEND_FAILED: "failed to send",
    Verb.VOID: "voided",
}


class Change(NamedTuple):
    """Where a bill goes, and with which new figures, if there are any."""

    to: State
    columns: Mapping[str, Any] = MappingProxyType({})
    hold_reason: str | None = None


@dataclass(frozen=True)
class PastOfBill:
    """A bill and its record so far: enough to say what has happened to it."""

    session: AsyncSession
    bill: Bill
    actions: list[BillAction]

    async def what_happened(self, context: Context) -> str:
        """Who moved the bill where it is, and when: the sentence for whoever comes too late."""
        last = next(action for action in reversed(self.actions) if Verb(action.action) in PAST)
        who = await self.who(last, context)
        return f"{who} {PAST[Verb(last.action)]} this bill {ago(last.created_at, context.now)}."

    async def who(self, action: BillAction, context: Context) -> str:
        """Whoever did that, as told to whoever is at it now."""
        by = await self.session.get_one(User, action.stakeholder_id)
        if by.id == context.user.id:
            return "You"
        if by.is_system:
            return "Countersign"
        return f"{by.name} ({by.role})" if by.role else by.name

    async def too_late(self, context: Context, version: int | None = None) -> Stale:
        """The refusal for whoever saw `version`; it names the figures that moved since then."""
        since = [a for a in self.actions if version is not None and a.bill_version > version]
        moves = [action for action in since if "before" in action.snapshot]
        if moves and Verb(moves[-1].action) in NEW_FIGURES:
            first, last = moves[0].snapshot["before"], moves[-1].snapshot["after"]
            return Changed(_differences(first, last), self.bill.currency)
        return Stale(f"{await self.what_happened(context)} Nothing more was recorded.")


@dataclass(frozen=True)
class LoadedBill(PastOfBill):
    """A bill whose row is locked until the transaction ends, and all that is decided by."""

    customer: Customer
    approvers: Approvers
    state: BillState

    @property
    def generated_by(self) -> int:
        return self.actions[0].stakeholder_id

    @property
    def made_by(self) -> set[int]:
        """Whoever had a hand in the figures: none of them decides on the bill."""
        return {self.generated_by} | {
            action.stakeholder_id for action in self.actions if action.action == Verb.REVISE
        }

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
        moved = self._move(move, context.now) if move else {}
        await self.session.flush()
        action = BillAction(
            bill_id=self.bill.id,
            bill_version=self.bill.version,
            stakeholder_id=context.user.id,
            action=verb,
            comment=comment,
            source=context.source,
            acted_for_id=acted_for,
            reverses_id=reverses,
            snapshot=moved | (snapshot or {}),
            created_at=context.now,
            updated_at=context.now,
        )
        self.session.add(action)
        await self.session.flush()
        await defer_card_update(self.session, self.bill.id)
        if self.bill.adjusts_id or self.bill.replaces_id:
            await redraw_cards_of_relatives(self.session, [self.bill.id])
        return action

    def _move(self, move: Change, now: datetime) -> dict[str, Any]:
        before = bill_snapshot(self.bill)
        for name, value in move.columns.items():
            setattr(self.bill, name, value)
        self.bill.status = move.to
        self.bill.hold_reason = move.hold_reason
        self.bill.version += 1
        self.bill.updated_at = now
        return {"before": before, "after": bill_snapshot(self.bill)}


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
    if rule.permission is not None:
        context.user.require(rule.permission)
    bill = await get_bill(session, bill_id, lock)
    past = PastOfBill(session, bill, list(await actions_of(session, bill_id)))
    if version is not None and version != bill.version:
        raise await past.too_late(context, version)
    if State(bill.status) not in rule.start:
        raise WrongState(f"{await past.what_happened(context)} {_instead(bill, verb)}".strip())
    loaded = await _loaded(past)
    if verb in ON_FIGURES:
        await _check_figures(loaded)
    return loaded


_INSTEAD = {
    (Verb.SEND, State.PENDING): "It has to be approved before it is sent.",
    (Verb.SEND, State.HELD): "It has to be released and approved before it is sent.",
    (Verb.SEND, State.REJECTED): "Revise it first, with `/bill revise #{}`.",
    (Verb.REVISE, State.APPROVED): "To revise it, undo that first, with `/bill undo #{}`.",
    (Verb.REVISE, State.SENDING): "As long as it has no number, `/bill undo #{}` calls it back.",
    (Verb.REVISE, State.SENT): "Record the right usage, or make it void with `/bill void #{}`.",
    (Verb.REVISE, State.VOID): "Bill the month again, with `/bill reissue #{}`.",
}


def _instead(bill: Bill, verb: Verb) -> str:
    """What is to be done first, or instead, where the state does not allow the verb."""
    told = _INSTEAD.get((verb, State(bill.status)), "").format(bill.id)
    return f"Nothing more was recorded. {told}"


async def _loaded(past: PastOfBill) -> LoadedBill:
    session, bill = past.session, past.bill
    customer = await session.get_one(Customer, bill.customer_id)
    approvers = (await approvers_of(session, [bill.id]))[bill.id]
    return LoadedBill(session, bill, past.actions, customer, approvers, replay(past.actions))


async def _check_figures(loaded: LoadedBill) -> None:
    now = await newer_figures(loaded.session, loaded.bill)
    if now is not None:
        before = bill_snapshot(loaded.bill)
        raise Changed(_differences(before, before | now.as_snapshot()), loaded.bill.currency)


def ago(then: datetime, now: datetime) -> str:
    """How long before `now`, in the largest unit that fits."""
    seconds = max(0, int((now - then).total_seconds()))
    for unit, length_s in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length_s:
            count = seconds // length_s
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "a moment ago"
