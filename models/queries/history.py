"""The history of a bill: its actions with the people in them by name, and what each moved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.history import BillAction, actions_of
from models.bills.snapshots import SLOT
from models.bills.states import BillKind, Cause, HoldReason, RejectReason, Verb
from models.context import Source
from models.named_people import PersonRef
from models.people.users import User, person_ref


@dataclass(frozen=True)
class HistoryEntry:
    """One action, with the people in it by name.

    `reject_reason` only of a rejection; `changes` maps a figure to (before, after), where the
    action moved it, and `currency` is that of the figures after it; `reverses` is what an undo took
    back; `edits` the comment that an edit or a deletion is about. `cause`: why Countersign did it
    by itself; `corrected_by`: after whose correction; `about`: another bill that it was because of.
    `rule`: what approved the bill without anybody, `auto_approve_below` (with its amount in
    `rule_below`) or `void`. `due`: when a bill being sent is issued; `number`: the one taken by
    `issue`, and `no_e_invoice` why the document is none; `answer` and `failure`: what the mail
    server said. `adjusted_units`: calls that Finance
    set by hand in a revision; `dropped_units`: such calls, where usage and terms that were
    corrected later took their place. `to`: where the mail server took it for, or did not.
    `of_copy`: a report about somebody copied in, and not about the bill. `by_word`: a delivery that
    a person told of; `repeats`: a sending that mails the letter on its way once more.
    `mailed_by`: whom a mail names as its writer, which proves nothing; `link_of`: the customer by
    whose link it was asked. `asked`: who is to decide
    from then on, `instead_of` whom.
    """

    id: int
    verb: Verb
    by: PersonRef
    at: datetime
    source: Source
    version: int
    comment: str | None = None
    acted_for: PersonRef | None = None
    slot: str | None = None
    reject_reason: RejectReason | None = None
    hold_reason: HoldReason | None = None
    reverses: "HistoryEntry | None" = None
    edits: int | None = None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    amount: Decimal | None = None
    currency: str | None = None
    cause: Cause | None = None
    corrected_by: PersonRef | None = None
    rule: str | None = None
    rule_below: Decimal | None = None
    due: datetime | None = None
    number: str | None = None
    no_e_invoice: str | None = None
    answer: str | None = None
    to: str | None = None
    mailed_by: str | None = None
    link_of: str | None = None
    failure: str | None = None
    dry_run: bool = False
    of_copy: bool = False
    by_word: bool = False
    repeats: bool = False
    about: int | None = None
    adjusted_units: int | None = None
    dropped_units: int | None = None
    asked: PersonRef | None = None
    instead_of: PersonRef | None = None


Record = Sequence[BillAction]
STATE_FIGURES = frozenset({"status", "hold_reason", "number"})


async def load_history(session: AsyncSession, bill_id: int) -> list[HistoryEntry]:
    """All that was done to a bill, oldest first."""
    actions = await actions_of(session, bill_id)
    people = await people_in(session, [actions])
    return list(history_entries(actions, people).values())


async def people_in(session: AsyncSession, records: Iterable[Record]) -> dict[int, PersonRef]:
    """Everybody who did something in these records, for whom it was done, or whom it names."""
    ids = {
        user_id
        for record in records
        for action in record
        for user_id in (action.stakeholder_id, action.acted_for_id, *_named(action))
        if user_id is not None
    }
    users = await session.scalars(sa.select(User).where(User.id.in_(ids)))
    return {user.id: person_ref(user) for user in users}


_PEOPLE = ("corrected_by", "asked", "instead_of")
"""Under which names a snapshot keeps ids of people."""


def _named(action: BillAction) -> list[int | None]:
    return [action.snapshot.get(name) for name in _PEOPLE]


def history_entries(record: Record, people: Mapping[int, PersonRef]) -> dict[int, HistoryEntry]:
    """The entries of one bill by the ids of their actions, oldest first."""
    entries: dict[int, HistoryEntry] = {}
    for action in record:
        entries[action.id] = _entry(action, people, entries)
    return entries


_AS_RECORDED = (
    *("rule", "adjusted_units", "number", "no_e_invoice"),
    *("answer", "to", "mailed_by", "link_of", "failure"),
)
_WHETHER = ("dry_run", "of_copy", "by_word", "repeats")


def _as_recorded(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: snapshot.get(name) for name in _AS_RECORDED}
    return found | {name: snapshot.get(name, False) for name in _WHETHER}


def _entry(
    action: BillAction, people: Mapping[int, PersonRef], earlier: Mapping[int, HistoryEntry]
) -> HistoryEntry:
    snapshot = action.snapshot
    after = snapshot.get("after") or {}
    code, hold, cause = snapshot.get("reason_code"), after.get("hold_reason"), snapshot.get("cause")
    due = snapshot.get("due")
    return HistoryEntry(
        id=action.id,
        verb=Verb(action.action),
        by=people[action.stakeholder_id],
        at=action.created_at,
        source=Source(action.source),
        version=action.bill_version,
        comment=action.comment,
        acted_for=people[action.acted_for_id] if action.acted_for_id else None,
        slot=snapshot.get(SLOT),
        reject_reason=RejectReason(code) if code else None,
        hold_reason=HoldReason(hold) if hold else None,
        reverses=earlier.get(action.reverses_id or 0),
        edits=snapshot.get("comment_id"),
        changes=changes(snapshot.get("before"), after),
        amount=_money(after.get("overage_amount")),
        currency=after.get("currency"),
        cause=Cause(cause) if cause else None,
        corrected_by=people.get(snapshot.get("corrected_by") or 0),
        asked=people.get(snapshot.get("asked") or 0),
        instead_of=people.get(snapshot.get("instead_of") or 0),
        rule_below=_money(snapshot.get("below")),
        due=datetime.fromisoformat(due) if due else None,
        about=snapshot.get("bill"),
        **_as_recorded(snapshot),
        dropped_units=_dropped_units(Verb(action.action), snapshot.get("before"), after),
    )


def _dropped_units(
    verb: Verb, before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> int | None:
    """Units that were not those of usage and limit, where these took their place, as they did
    before what was agreed stayed agreed.
    """
    if verb is not Verb.INVALIDATE or before is None or before["kind"] != BillKind.OVERAGE:
        return None
    if "waived_units" in after:
        return None
    counted = max(0, before["api_usage"] - before["monthly_api_limit"])
    units: int = before["overage_units"]
    return units if units != counted else None


def _money(told: str | None) -> Decimal | None:
    return Decimal(told) if told is not None else None


def changes(
    before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """Figures that an action moved; a new bill has none before."""
    if before is None:
        return {}
    return {
        name: (before.get(name), value)
        for name, value in after.items()
        if name not in STATE_FIGURES and before.get(name) != value
    }
