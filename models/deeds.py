"""Actions as deeds: with the people in them by name, and what each of them moved."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills import (
    BillAction,
    BillKind,
    Cause,
    HoldReason,
    RejectReason,
    Source,
    Verb,
    actions_of,
)
from models.dossier import Deed, Person
from models.people import User

Record = Sequence[BillAction]

STATE_FIGURES = frozenset({"status", "hold_reason", "number"})


async def story(session: AsyncSession, bill_id: int) -> list[Deed]:
    """All that was done to a bill, oldest first."""
    actions = await actions_of(session, bill_id)
    people = await people_in(session, [actions])
    return list(deeds_of(actions, people).values())


async def people_in(session: AsyncSession, records: Iterable[Record]) -> dict[int, Person]:
    """Everybody who did something in these records, or for whom it was done."""
    ids = {
        user_id
        for record in records
        for action in record
        for user_id in (action.stakeholder_id, action.acted_for_id)
        if user_id is not None
    }
    users = await session.scalars(sa.select(User).where(User.id.in_(ids)))
    return {user.id: person(user) for user in users}


def person(user: User) -> Person:
    return Person(user.id, user.name, user.role, user.slack_user_id)


def deeds_of(record: Record, people: Mapping[int, Person]) -> dict[int, Deed]:
    """The deeds of one bill by the ids of their actions, oldest first."""
    deeds: dict[int, Deed] = {}
    for action in record:
        deeds[action.id] = _deed(action, people, deeds)
    return deeds


def _deed(action: BillAction, people: Mapping[int, Person], earlier: Mapping[int, Deed]) -> Deed:
    snapshot = action.snapshot
    after = snapshot.get("after") or {}
    code, hold, cause = snapshot.get("reason_code"), after.get("hold_reason"), snapshot.get("cause")
    due = snapshot.get("due")
    return Deed(
        id=action.id,
        verb=Verb(action.action),
        by=people[action.stakeholder_id],
        at=action.created_at,
        source=Source(action.source),
        version=action.bill_version,
        comment=action.comment,
        acted_for=people[action.acted_for_id] if action.acted_for_id else None,
        part=snapshot.get("part"),
        reject_reason=RejectReason(code) if code else None,
        hold_reason=HoldReason(hold) if hold else None,
        reverses=earlier.get(action.reverses_id or 0),
        edits=snapshot.get("comment_id"),
        changes=changes(snapshot.get("before"), after),
        amount=_money(after.get("overage_amount")),
        cause=Cause(cause) if cause else None,
        rule=snapshot.get("rule"),
        rule_below=_money(snapshot.get("below")),
        due=datetime.fromisoformat(due) if due else None,
        number=snapshot.get("number"),
        answer=snapshot.get("answer"),
        to=snapshot.get("to"),
        failure=snapshot.get("failure"),
        about=snapshot.get("bill"),
        adjusted_units=snapshot.get("adjusted_units"),
        dropped_units=_dropped_units(Verb(action.action), snapshot.get("before")),
    )


def _dropped_units(verb: Verb, before: Mapping[str, Any] | None) -> int | None:
    """Units that were not those of usage and limit, where these took their place."""
    if verb is not Verb.INVALIDATE or before is None or before["kind"] != BillKind.OVERAGE:
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
