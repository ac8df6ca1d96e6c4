"""One bill under its lock: what stands, and the one place where an action is appended to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from models import announce, bills, cards, figures, snapshots
from models.approvals import Desk, desks_of
from models.bills import TRANSITIONS, Bill, BillAction, Source, Standing, State, Verb
from models.customers import Customer
from models.figures import Figures
from models.people import User, system_user
from models.refusals import Changed, Invalid, Stale, WrongState
from models.rules import Rules

REASON_CHARS = 3_000

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

NEW_FIGURES = frozenset({Verb.REVISE, Verb.INVALIDATE})
ON_FIGURES = frozenset({Verb.APPROVE, Verb.REJECT, Verb.RELEASE, Verb.SEND})
"""Verbs that say yes or no to figures, which therefore have to be those of today."""


@dataclass(frozen=True)
class Act:
    """Who does something, when, from where, and under which rules of the company."""

    user: User
    now: datetime
    source: Source
    rules: Rules = field(default_factory=Rules)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.rules.zone).date()

    @property
    def send_due(self) -> datetime:
        """When a bill that is sent now is issued; until then it can be called back."""
        return self.now + timedelta(minutes=self.rules.send_delay_minutes)


async def system_act(
    session: AsyncSession, now: datetime, source: Source, rules: Rules | None = None
) -> Act:
    return Act(await system_user(session), now, source, rules or Rules())


async def by_itself(session: AsyncSession, act: Act) -> Act:
    """The same act as Countersign's own: `system` did it, when and from where it was caused."""
    return replace(act, user=await system_user(session))


class Move(NamedTuple):
    """Where a bill goes, and with which new figures, if there are any."""

    to: State
    columns: Mapping[str, Any] = MappingProxyType({})
    hold_reason: str | None = None


@dataclass(frozen=True)
class Past:
    """A bill and its record so far: enough to say what has happened to it."""

    session: AsyncSession
    bill: Bill
    actions: list[BillAction]

    async def what_happened(self, act: Act) -> str:
        """Who moved the bill where it is, and when: the sentence for whoever comes too late."""
        last = next(action for action in reversed(self.actions) if Verb(action.action) in PAST)
        who = await self.who(last, act)
        return f"{who} {PAST[Verb(last.action)]} this bill {ago(last.created_at, act.now)}."

    async def who(self, action: BillAction, act: Act) -> str:
        """Whoever did that, as told to whoever is at it now."""
        by = await self.session.get_one(User, action.stakeholder_id)
        if by.id == act.user.id:
            return "You"
        if by.is_system:
            return "Countersign"
        return f"{by.name} ({by.role})" if by.role else by.name

    async def too_late(self, act: Act, version: int | None = None) -> Stale:
        """The refusal for whoever saw `version`; it names the figures that moved since then."""
        since = [a for a in self.actions if version is not None and a.bill_version > version]
        moves = [action for action in since if "before" in action.snapshot]
        if moves and Verb(moves[-1].action) in NEW_FIGURES:
            first, last = moves[0].snapshot["before"], moves[-1].snapshot["after"]
            return Changed(_differences(first, last), self.bill.currency)
        return Stale(f"{await self.what_happened(act)} Nothing more was recorded.")


@dataclass(frozen=True)
class Case(Past):
    """A bill whose row is locked until the transaction ends, and all that is decided by."""

    customer: Customer
    desk: Desk
    standing: Standing

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
        act: Act,
        move: Move | None = None,
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
        moved = self._move(move, act.now) if move else {}
        await self.session.flush()
        action = BillAction(
            bill_id=self.bill.id,
            bill_version=self.bill.version,
            stakeholder_id=act.user.id,
            action=verb,
            comment=comment,
            source=act.source,
            acted_for_id=acted_for,
            reverses_id=reverses,
            snapshot=moved | (snapshot or {}),
            created_at=act.now,
            updated_at=act.now,
        )
        self.session.add(action)
        await self.session.flush()
        await announce.bill_changed(self.session, self.bill.id)
        if self.bill.adjusts_id or self.bill.replaces_id:
            await cards.relatives_changed(self.session, [self.bill.id])
        return action

    def _move(self, move: Move, now: datetime) -> dict[str, Any]:
        before = snapshots.figures(self.bill)
        for name, value in move.columns.items():
            setattr(self.bill, name, value)
        self.bill.status = move.to
        self.bill.hold_reason = move.hold_reason
        self.bill.version += 1
        self.bill.updated_at = now
        return {"before": before, "after": snapshots.figures(self.bill)}


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (before.get(name), now) for name, now in after.items() if before.get(name) != now}


async def open_case(
    session: AsyncSession,
    bill_id: int,
    verb: Verb,
    act: Act,
    version: int | None = None,
    lock: bool = True,
) -> Case:
    """Lock the bill for a verb; without `lock` only look at it, before anything is decided.

    Refuses whoever has no right to it, an unknown bill, a version other than the one that the
    person saw, a state that the verb does not start from, and a decision on figures that usage or
    terms no longer give.
    """
    rule = TRANSITIONS[verb]
    if rule.right is not None:
        act.user.must(rule.right)
    bill = await bills.get(session, bill_id, lock)
    past = Past(session, bill, list(await bills.actions_of(session, bill_id)))
    if version is not None and version != bill.version:
        raise await past.too_late(act, version)
    if State(bill.status) not in rule.start:
        raise WrongState(f"{await past.what_happened(act)} {_instead(bill, verb)}".strip())
    case = await _case(past)
    if verb in ON_FIGURES:
        await _refuse_outdated(case)
    return case


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


async def _case(past: Past) -> Case:
    session, bill = past.session, past.bill
    customer = await session.get_one(Customer, bill.customer_id)
    desk = (await desks_of(session, [bill.id]))[bill.id]
    return Case(session, bill, past.actions, customer, desk, bills.replay(past.actions))


async def _refuse_outdated(case: Case) -> None:
    now = await newer_figures(case.session, case.bill)
    if now is not None:
        before = snapshots.figures(case.bill)
        raise Changed(_differences(before, before | now.as_snapshot()), case.bill.currency)


async def newer_figures(session: AsyncSession, bill: Bill) -> Figures | None:
    """The figures of now, where the bill does not rest on them; None where it does, or keeps its
    own: it is issued, or takes back a void bill.
    """
    if bill.number is not None or await balances(session, bill):
        return None
    now = await figures.taken_now(session, bill.id)
    return now if now is not None and not now.rest_on(bill) else None


async def corrects_void_bill(session: AsyncSession, bill: Bill) -> bool:
    if bill.adjusts_id is None:
        return False
    return (await bills.get(session, bill.adjusts_id)).status == State.VOID


async def balances(session: AsyncSession, bill: Bill) -> bool:
    """Whether this takes back what had gone out of a bill that is void.

    Corrections of a void bill that were not out are void themselves, so what is not is that.
    """
    return bill.number is None and await corrects_void_bill(session, bill)


def ago(then: datetime, now: datetime) -> str:
    """How long before `now`, in the largest unit that fits."""
    seconds = max(0, int((now - then).total_seconds()))
    for unit, length_s in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length_s:
            count = seconds // length_s
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "a moment ago"


def reason(text: str | None) -> str:
    """Why somebody does something, in their own words; refuses none at all."""
    return bounded(text, REASON_CHARS, "A reason", "reason")


def bounded(text: str | None, limit_chars: int, what: str, field: str) -> str:
    """A text from outside, trimmed; refuses an empty one and one over the limit.

    What PostgreSQL cannot keep is left out (NUL) or marked (half a surrogate pair).
    """
    kept = (text or "").replace("\x00", "").encode(errors="replace").decode()
    stripped = kept.strip()
    if not stripped:
        raise Invalid(f"{what} is needed.", field)
    if len(stripped) > limit_chars:
        size = f"{len(stripped):,}"
        raise Invalid(f"{what} has at most {limit_chars:,} characters; this has {size}.", field)
    return stripped
