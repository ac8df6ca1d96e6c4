"""Who may approve a bill: which approvals it needs, and whose word counts for each."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.bills.bill import Bill
from models.bills.history import BillAction
from models.bills.replay import Approval
from models.db.columns import Base
from models.named_people import PersonRef, WhoCan
from models.people.permissions import Role
from models.people.users import User
from models.people.who_can import who_of

ANY = "any"
SLOT_ROLES: dict[str, tuple[Role, ...]] = {
    "csm": (Role.CSM,),
    "sales": (Role.SALES,),
    ANY: (Role.CSM, Role.SALES),
}
"""Which roles can fill a slot of a bill."""
SLOT_TITLES = {"csm": "its CSM", "sales": "its salesperson", ANY: "an approver"}


def role_of_slot(slot: str) -> Role | None:
    """The one role that can fill it; None where several can."""
    roles = SLOT_ROLES[slot]
    return roles[0] if len(roles) == 1 else None


class GivenApproval(Base):
    """An approval that stands. The key lets each slot be filled once, whoever clicks when."""

    __tablename__ = "approvals"

    bill_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(Bill.id), primary_key=True)
    slot: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    action_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(BillAction.id))


@dataclass(frozen=True)
class Slot:
    """One approval that a bill needs, and who is asked for it.

    Asked are `user`, or anybody of `role` where that is None, and `delegate` while `user` is away.
    """

    slot: str
    role: Role
    user: PersonRef | None = None
    delegate: PersonRef | None = None
    away_until: date | None = None
    given_action_id: int | None = None

    @property
    def named(self) -> PersonRef | None:
        """The one person whose approval counts; None where anybody's of the roles does."""
        return None if self.slot == ANY else self.user

    @property
    def away(self) -> PersonRef | None:
        """Whoever is asked and is away."""
        return self.user if self.delegate or self.away_until else None

    def acted_for(self, user: User) -> int | None:
        """In whose place this person fills the slot; None where it is their own."""
        if self.user is None or self.delegate is None or self.delegate.id != user.id:
            return None
        return self.user.id

    def is_for(self, user: User, today: date | None) -> bool:
        """Whether this person's word counts for it: a delegate's does for as long as `user` is
        away, on any day (None) for as long as that is in the books.
        """
        if self.acted_for(user) is not None and self.slot != ANY:
            return today is None or (self.away_until is not None and today <= self.away_until)
        is_named = self.named is None or self.named.id == user.id
        return is_named and user.role in SLOT_ROLES[self.slot]


class Approvers(NamedTuple):
    """What a bill needs to be approved. `has_no_approver`: one of the slots can be filled by
    nobody, since whoever is named for it is gone, or the role has nobody.
    """

    slots: tuple[Slot, ...]
    has_no_approver: bool


def eligible(
    slots: Iterable[Slot], user: User, made_by: Collection[int], today: date | None
) -> tuple[Slot, ...]:
    """The slots that this person can fill today, their own before those of somebody who is away.

    None for whoever had a hand in the figures.
    """
    if user.id in made_by:
        return ()
    theirs = [slot for slot in slots if slot.is_for(user, today)]
    return tuple(sorted(theirs, key=lambda slot: slot.acted_for(user) is not None))


def approved_already(slots: Iterable[Slot], user: User, approvals: Iterable[Approval]) -> bool:
    """Whether this person's approval fills one of the slots: nobody fills two."""
    required = {slot.slot for slot in slots}
    return any(one.user_id == user.id and one.slot in required for one in approvals)


def slot_to_fill(
    slots: Sequence[Slot], theirs: Sequence[Slot], user: User, approvals: Iterable[Approval]
) -> Slot | None:
    """Which of `theirs` this person's approval would fill now: the first that is missing.

    Where none is missing any more, because fewer are asked for by now, their own once again.
    """
    missing = [slot for slot in theirs if slot.given_action_id is None]
    if missing and approved_already(slots, user, approvals):
        return None
    if missing or all(slot.given_action_id for slot in slots):
        return next(iter(missing or theirs), None)
    return None


async def who_decides(
    session: AsyncSession, bill_id: int, besides: Collection[int]
) -> WhoCan | None:
    """Whoever is asked for a word that the bill still needs, without `besides`; None where no word
    is needed, or nobody else can give it.
    """
    asked = sa.select(APPROVERS).where(
        APPROVERS.c.bill_id == bill_id, APPROVERS.c.given_action_id.is_(None)
    )
    one = asked.subquery()
    of_role = sa.or_(
        *(sa.and_(one.c.slot == slot, User.role.in_(roles)) for slot, roles in SLOT_ROLES.items())
    )
    is_asked = sa.or_(
        User.id.in_([one.c.user_id, one.c.delegate_id]),
        sa.and_(one.c.user_id.is_(None), of_role),
    )
    who = await who_of(
        session, sa.and_(User.id.not_in(besides), sa.exists().select_from(one).where(is_asked))
    )
    return who if who.people else None


APPROVERS = sa.table(
    "approvers",
    sa.column("bill_id", sa.BigInteger),
    sa.column("slot", sa.Text),
    sa.column("role", sa.Text),
    sa.column("user_id", sa.BigInteger),
    sa.column("delegate_id", sa.BigInteger),
    sa.column("given_action_id", sa.BigInteger),
)
"""The view that says it for every bill at once, a row a slot."""

REASSIGNMENTS = sa.table(
    "reassignments",
    sa.column("bill_id", sa.BigInteger),
    sa.column("slot", sa.Text),
    sa.column("user_id", sa.BigInteger),
)
"""Whom Finance asks for a slot of one bill, in the place of whoever its customer names."""

_SLOTS = sa.text("select bill, slots_of(bill) from unnest(cast(:bill_ids as bigint[])) bill")


async def approvers_of(session: AsyncSession, bill_ids: Iterable[int]) -> dict[int, Approvers]:
    """Of each of these bills, with the people in its slots, in one read."""
    found = await session.execute(_SLOTS, {"bill_ids": list(bill_ids)})
    return {bill_id: read_approvers(slots) for bill_id, slots in found}


def read_approvers(slots: Sequence[Mapping[str, Any]]) -> Approvers:
    """What `slots_of` answers."""
    return Approvers(tuple(map(_slot, slots)), slots[0]["has_no_approver"])


def _slot(one: Mapping[str, Any]) -> Slot:
    user, delegate, until = one["user"], one["delegate"], one["away_until"]
    return Slot(
        slot=one["slot"],
        role=Role(one["role"]),
        user=PersonRef(**user) if user else None,
        delegate=PersonRef(**delegate) if delegate else None,
        away_until=date.fromisoformat(until) if until else None,
        given_action_id=one["given_action_id"],
    )
