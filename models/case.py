"""One bill under its lock: what stands, and the one place where an action is appended to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from models import announce, bills
from models.approvals import Desk, desks_of
from models.bills import TRANSITIONS, Bill, BillAction, Source, Standing, State, Verb
from models.customers import Customer
from models.people import User, system_user
from models.refusals import Invalid, Stale, WrongState

PAST = {
    Verb.GENERATE: "generated",
    Verb.HOLD: "held",
    Verb.RELEASE: "released",
    Verb.APPROVE: "approved",
    Verb.REJECT: "rejected",
    Verb.UNDO: "took back a decision on",
}


@dataclass(frozen=True)
class Act:
    """Who does something, when, and from where."""

    user: User
    now: datetime
    source: Source


async def system_act(session: AsyncSession, now: datetime, source: Source) -> Act:
    return Act(await system_user(session), now, source)


@dataclass(frozen=True)
class Case:
    """A bill whose row is locked until the transaction ends, and its record so far."""

    session: AsyncSession
    bill: Bill
    customer: Customer
    desk: Desk
    actions: list[BillAction]
    standing: Standing

    @property
    def generated_by(self) -> int:
        return self.actions[0].stakeholder_id

    async def record(
        self,
        verb: Verb,
        act: Act,
        *,
        to: State | None = None,
        hold_reason: str | None = None,
        comment: str | None = None,
        reverses: int | None = None,
        snapshot: dict[str, Any] | None = None,
    ) -> BillAction:
        """Append the action, and promise new drawings of the bill's cards.

        With `to` the bill moves there: its version goes up, and the snapshot keeps its figures
        before and after. Without, its row stays as it is.
        """
        figures = self._move(to, hold_reason, act.now) if to is not None else {}
        await self.session.flush()
        action = BillAction(
            bill_id=self.bill.id,
            bill_version=self.bill.version,
            stakeholder_id=act.user.id,
            action=verb,
            comment=comment,
            source=act.source,
            reverses_id=reverses,
            snapshot=figures | (snapshot or {}),
            created_at=act.now,
            updated_at=act.now,
        )
        self.session.add(action)
        await self.session.flush()
        await announce.bill_changed(self.session, self.bill.id)
        return action

    def _move(self, to: State, hold_reason: str | None, now: datetime) -> dict[str, Any]:
        before = bills.figures(self.bill)
        self.bill.status = to
        self.bill.hold_reason = hold_reason
        self.bill.version += 1
        self.bill.updated_at = now
        return {"before": before, "after": bills.figures(self.bill)}

    async def what_happened(self, act: Act) -> str:
        """Who moved the bill where it is, and when: the sentence for whoever comes too late."""
        last = next(action for action in reversed(self.actions) if Verb(action.action) in PAST)
        by = await self.session.get_one(User, last.stakeholder_id)
        name = f"{by.name} ({by.role})" if by.role else by.name
        who = "You" if by.id == act.user.id else name
        return f"{who} {PAST[Verb(last.action)]} this bill {ago(last.created_at, act.now)}."


async def open_case(
    session: AsyncSession,
    bill_id: int,
    verb: Verb,
    act: Act,
    version: int | None = None,
    lock: bool = True,
) -> Case:
    """Lock the bill for a verb; without `lock` only look at it, before anything is decided.

    Refuses an unknown bill, a version other than the one that the person saw, and a state that
    the verb does not start from.
    """
    bill = await bills.get(session, bill_id, lock)
    customer = await session.get_one(Customer, bill.customer_id)
    actions = list(await bills.actions_of(session, bill_id))
    desk = (await desks_of(session, [customer.id]))[customer.id]
    case = Case(session, bill, customer, desk, actions, bills.replay(actions))
    if version is not None and version != bill.version:
        raise Stale(f"{await case.what_happened(act)} Nothing more was recorded.")
    if State(bill.status) not in TRANSITIONS[verb].start:
        raise WrongState(f"{await case.what_happened(act)} Nothing more was recorded.")
    return case


def ago(then: datetime, now: datetime) -> str:
    """How long before `now`, in the largest unit that fits."""
    seconds = max(0, int((now - then).total_seconds()))
    for unit, length_s in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length_s:
            count = seconds // length_s
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "a moment ago"


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
