"""Loads bills whole: one statement, however many bills."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.approvers import Approvers, read_approvers
from models.bills.bill import Bill
from models.bills.deliveries import Missing
from models.bills.history import comment_text, figures_made_by
from models.bills.reading import BILL_OF_F, read_actions, read_bill, read_people
from models.bills.replay import BillState, replay
from models.bills.states import NEW_FIGURES, OPEN, REMARKS, BillKind, HoldReason, State, Verb
from models.db.rows import rows
from models.period import FIRST_YEAR, Period
from models.queries.bill_details import (
    BillDetails,
    Comment,
    Letter,
    MonthOverage,
    Outdated,
    RelatedBill,
)
from models.queries.history import HistoryEntry, Record, history_entries
from models.queries.missing_approvals import Needed, missing_of

TREND_MONTHS = 6


_FACTS = f"""
select {BILL_OF_F}, f.customer_name, f.billing_email, f.both_above, f.rules_currency, f.slots,
       f.actions, f.trend, f.jumps, f.outdated, f.related, f.agreed_id, f.delivery, f.mail_waits,
       f.with_tax
from card_facts(%s::bigint[], %s, %s) f
"""


async def load_bill_details(session: AsyncSession, bill_ids: Sequence[int]) -> list[BillDetails]:
    """Everything about these bills, in the order asked for; unknown ids are left out."""
    found = await rows(session, _FACTS, (list(bill_ids), TREND_MONTHS, FIRST_YEAR))
    return [_details(row) for row in found]


Row = Mapping[str, Any]
"""A row of `card_facts`."""


def _details(row: Row) -> BillDetails:
    bill, record = read_bill(row), read_actions(row["actions"])
    entries = history_entries(record, read_people(row["actions"]))
    state, approvers = replay(record), read_approvers(row["slots"])
    decisions = [entries[decision.action_id] for decision in state.decisions]
    facts = BillDetails(
        **_as_billed(bill),
        with_tax=row["with_tax"],
        actions=len(record),
        customer=row["customer_name"],
        generated_by=entries[record[0].id].by,
        trend=tuple(_month(*month) for month in row["trend"] or ()),
        jumps=bool(row["jumps"]),
        approvals=tuple(entries[approval.action_id] for approval in state.approvals),
        needed=_needed(state, approvers),
        decisions=tuple(decisions),
        last_decision=decisions[-1] if decisions else None,
        comments=_comments(record, entries),
        outdated=_outdated(*row["outdated"]) if row["outdated"] else None,
        both_above=row["both_above"],
        rules_currency=row["rules_currency"],
        sent_to=row["billing_email"],
        goes_to=row["billing_email"],
        slots=approvers.slots,
        made_by=figures_made_by(record),
        state=state,
        letter=_letter(row["delivery"] or {}, row["mail_waits"]),
    )
    done = list(entries.values())
    past = _approved_by_rule(facts, done) | _brought(facts, done) | _sending(bill, done)
    past |= _changed(facts, record, done) | _issued(done) | _bounces(done)
    past |= _reassigned(facts, done)
    return replace(facts, **past, **_relatives(bill, row["related"] or (), row["agreed_id"]))


def _as_billed(bill: Bill) -> dict[str, Any]:
    """What the bill says by itself."""
    return {
        "id": bill.id,
        "version": bill.version,
        "customer_id": bill.customer_id,
        "period": bill.period,
        "kind": bill.kind,
        "status": State(bill.status),
        "hold_reason": HoldReason(bill.hold_reason) if bill.hold_reason else None,
        "api_usage": bill.api_usage,
        "limit_calls": bill.monthly_api_limit,
        "overage_units": bill.overage_units,
        "unit_cost": bill.overage_unit_cost,
        "amount": bill.overage_amount,
        "currency": bill.currency,
        "created_at": bill.created_at,
        "number": bill.number,
        "billed": bill.billed_so_far,
        "waived_units": bill.waived_units,
    }


def _letter(delivery: Mapping[str, Any], waits: str | None) -> Letter:
    next_at = delivery.get("next_at")
    return Letter(
        waits=waits,
        trouble=delivery.get("trouble"),
        unheard=delivery.get("unheard", 0),
        next_at=datetime.fromisoformat(next_at) if next_at else None,
        missing=tuple(Missing(**one) for one in delivery.get("missing", ())),
    )


def _month(
    first_day: str, calls: int | None, amount: str | None, currency: str | None
) -> MonthOverage:
    period = Period.of(date.fromisoformat(first_day))
    return MonthOverage(period, calls, _money(amount), currency)


def _outdated(
    calls: int, limit: int, unit_cost: str | None, amount: str | None, currency: str
) -> Outdated:
    """What a rejected bill would be now; others are recalculated as soon as figures change."""
    return Outdated(calls, limit, _money(unit_cost), _money(amount), currency)


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


_BRINGS = {State.SENDING: Verb.SEND, State.SENT: Verb.DELIVER, State.VOID: Verb.VOID}
_PASSED = frozenset({State.APPROVED, State.SENDING, State.SENT})


def _approved_by_rule(facts: BillDetails, entries: Sequence[HistoryEntry]) -> dict[str, Any]:
    if facts.approvals or facts.status not in _PASSED:
        return {}
    return {"by_rule": _last(Verb.AUTO_APPROVE, entries)}


def _brought(facts: BillDetails, entries: Sequence[HistoryEntry]) -> dict[str, Any]:
    """What led to where the bill stands; one that is sent went to the address of that day."""
    verb = _BRINGS.get(facts.status)
    if verb is None:
        return {}
    brought = _last(verb, entries)
    went = {"sent_to": brought.to} if brought and brought.to else {}
    return {"brought": brought, **went}


def _sending(bill: Bill, entries: Sequence[HistoryEntry]) -> dict[str, Any]:
    """When the bill goes out, where it has a delay to be called back in; why it did not, if it
    could not.
    """
    if bill.status == State.SENDING and bill.number is None:
        due, began = next((one.due, one.at) for one in reversed(entries) if one.due)
        return {"send_due": due} if due > began else {}
    if bill.status == State.APPROVED and (bill.number is not None or _just_failed(entries)):
        failed = next((entry for entry in reversed(entries) if entry.failure), None)
        if failed:
            return {"failure": failed.failure, "dry_run": failed.dry_run, "sent_to": failed.to}
    return {}


def _bounces(entries: Sequence[HistoryEntry]) -> dict[str, Any]:
    """Reports about the letter that went out last."""
    found: list[HistoryEntry] = []
    for entry in entries:
        if entry.verb is Verb.DELIVER:
            found.clear()
        elif entry.verb is Verb.BOUNCE:
            found.append(entry)
    return {
        "bounces": tuple(one for one in found if not one.of_copy),
        "lost_copies": tuple(one for one in found if one.of_copy),
    }


def _reassigned(facts: BillDetails, entries: Sequence[HistoryEntry]) -> dict[str, Any]:
    """Of each approval that is missing the last one, as long as whoever it named is asked."""
    if facts.status not in OPEN:
        return {}
    last = {entry.slot: entry for entry in entries if entry.verb is Verb.REASSIGN}
    asked = {one.slot: one.user for one in facts.slots if one.given_action_id is None}
    stand = (one for slot, one in last.items() if slot and one.asked == asked.get(slot))
    return {"reassigned": tuple(stand)}


def _issued(entries: Sequence[HistoryEntry]) -> dict[str, Any]:
    issued = _last(Verb.ISSUE, entries)
    return {"no_e_invoice": issued.no_e_invoice} if issued else {}


def _just_failed(entries: Sequence[HistoryEntry]) -> bool:
    """Whether nothing but remarks followed on a sending that failed."""
    return next(one.verb for one in reversed(entries) if one.verb not in REMARKS) is (
        Verb.SEND_FAILED
    )


def _last(verb: Verb, entries: Sequence[HistoryEntry]) -> HistoryEntry | None:
    return next((entry for entry in reversed(entries) if entry.verb is verb), None)


def _relatives(bill: Bill, related: Sequence[Row], agreed_id: int | None) -> dict[str, Any]:
    """The bills that this one corrects or replaces, those that do so with this one, and the one
    that was agreed on.
    """
    by_id = {other["id"]: _related(other) for other in related}
    return {
        "adjusts": by_id.get(bill.adjusts_id or 0),
        "corrected": tuple(by_id[o["id"]] for o in related if o["is_corrected"]),
        "agreed": by_id.get(agreed_id or 0),
        "replaces": by_id.get(bill.replaces_id or 0),
        "replaced_by": next((by_id[o["id"]] for o in related if o["replaces_id"] == bill.id), None),
        "corrections": tuple(by_id[o["id"]] for o in related if o["adjusts_id"] == bill.id),
    }


def _related(bill: Row) -> RelatedBill:
    return RelatedBill(
        bill["id"],
        BillKind(bill["kind"]),
        State(bill["status"]),
        bill["number"],
        _money(bill["amount"]),
        bill["currency"],
        bill["units"],
        bill["counted"],
        _money(bill["with_tax"]),
    )


def _changed(facts: BillDetails, record: Record, entries: Sequence[HistoryEntry]) -> dict[str, Any]:
    """What gave an undecided bill the figures that it has now, and whether approvals fell."""
    if facts.status not in OPEN:
        return {}
    news = (
        entry for entry in _not_taken_back(entries) if entry.verb in NEW_FIGURES and entry.changes
    )
    changed = next(news, None)
    if changed is None:
        return {}
    before = replay(action for action in record if action.id < changed.id)
    return {"changed": changed, "fell": bool(before.approvals) or before.status in _PASSED}


def _not_taken_back(entries: Sequence[HistoryEntry]) -> Iterator[HistoryEntry]:
    """Newest first; an undo that was itself undone takes nothing back."""
    taken_back = set()
    for entry in reversed(entries):
        if entry.id in taken_back:
            continue
        if entry.reverses:
            taken_back.add(entry.reverses.id)
        yield entry


def _needed(state: BillState, approvers: Approvers) -> Needed:
    if state.status is not State.PENDING:
        return ()
    return missing_of(approvers.slots, {approval.user_id for approval in state.approvals})


def _comments(record: Record, entries: Mapping[int, HistoryEntry]) -> tuple[Comment, ...]:
    edited = {action.snapshot.get("comment_id") for action in record}
    texts = (
        (entries[action.id], comment_text(record, action.id))
        for action in record
        if action.action == Verb.COMMENT
    )
    return tuple(
        Comment(
            entry.id,
            entry.by,
            entry.at,
            text,
            entry.id in edited,
            mailed_by=entry.mailed_by,
            link_of=entry.link_of,
        )
        for entry, text in texts
        if text is not None
    )
