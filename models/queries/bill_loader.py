"""Loads bills whole: a few set-based queries, however many bills."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.approvers import Approvers, Slot, approvers_of, role_of_slot
from models.bills.bill import Bill
from models.bills.history import BillAction, comment_text
from models.bills.replay import BillState, replay
from models.bills.states import NEW_FIGURES, OPEN, BillKind, HoldReason, State, Verb
from models.customers.customers import Customer
from models.people.users import PersonRef
from models.period import FIRST_YEAR, Period
from models.queries.bill_details import (
    BillDetails,
    Comment,
    MissingApproval,
    MonthOverage,
    Outdated,
    RelatedBill,
)
from models.queries.history import HistoryEntry, Record, history_entries, people_in

TREND_MONTHS = 6


async def load_bill_details(session: AsyncSession, bill_ids: Sequence[int]) -> list[BillDetails]:
    """Everything about these bills, in the order asked for; unknown ids are left out."""
    rows = await _rows(session, bill_ids)
    records = await _records(session, bill_ids)
    everybody = await people_in(session, records.values())
    around = await _around(session, rows)
    return [
        _details(rows[bill_id], records[bill_id], everybody, around)
        for bill_id in bill_ids
        if bill_id in rows
    ]


class _Row(NamedTuple):
    bill: Bill
    customer: Customer
    approvers: Approvers


class _Around(NamedTuple):
    """What stands beside the bills, by their ids."""

    trends: Mapping[int, tuple[MonthOverage, ...]]
    outdated: Mapping[int, Outdated]
    related: Mapping[int, Sequence[Bill]]


async def _rows(session: AsyncSession, bill_ids: Sequence[int]) -> dict[int, _Row]:
    query = (
        sa.select(Bill, Customer)
        .join(Customer, Customer.id == Bill.customer_id)
        .where(Bill.id.in_(bill_ids))
        .execution_options(populate_existing=True)
    )
    rows = (await session.execute(query)).all()
    approvers_by_bill = await approvers_of(session, bill_ids)
    return {bill.id: _Row(bill, customer, approvers_by_bill[bill.id]) for bill, customer in rows}


async def _records(session: AsyncSession, bill_ids: Sequence[int]) -> dict[int, list[BillAction]]:
    query = sa.select(BillAction).where(BillAction.bill_id.in_(bill_ids)).order_by(BillAction.id)
    records: dict[int, list[BillAction]] = defaultdict(list)
    for action in await session.scalars(query):
        records[action.bill_id].append(action)
    return records


_TREND = sa.text("select * from trends(:bill_ids, :months, :first_year)")

_OUTDATED = sa.text("""
select b.id, t.api_usage, t.monthly_api_limit, t.overage_unit_cost, t.overage_amount
from outdated_bills o join bills b on b.id = o.id cross join lateral figures_now(b) t
where o.id = any(:bill_ids) and o.status = 'rejected'
""")

_RELATED = sa.text("""
select b.id, r.id from bills b join bills r
  on r.id in (b.adjusts_id, b.replaces_id) or r.adjusts_id = b.id or r.replaces_id = b.id
where b.id = any(:bill_ids) order by b.id, r.id
""")


async def _around(session: AsyncSession, rows: Mapping[int, _Row]) -> _Around:
    ids = {"bill_ids": list(rows)}
    trends: dict[int, tuple[MonthOverage, ...]] = defaultdict(tuple)
    values = ids | {"months": TREND_MONTHS, "first_year": FIRST_YEAR}
    for bill_id, month, calls, amount in await session.execute(_TREND, values):
        trends[bill_id] += (MonthOverage(Period.of(month), calls, amount),)
    outdated = await _outdated(session, rows)
    pairs = (await session.execute(_RELATED, ids)).all()
    by_id = await _bills(session, {two for _, two in pairs})
    related: dict[int, list[Bill]] = defaultdict(list)
    for one, two in pairs:
        related[one].append(by_id[two])
    return _Around(trends, outdated, related)


async def _bills(session: AsyncSession, ids: Collection[int]) -> dict[int, Bill]:
    if not ids:
        return {}
    found = await session.scalars(sa.select(Bill).where(Bill.id.in_(ids)))
    return {bill.id: bill for bill in found}


async def _outdated(session: AsyncSession, rows: Mapping[int, _Row]) -> dict[int, Outdated]:
    """What rejected bills would be now; the others are settled as soon as their figures change."""
    rejected = [bill_id for bill_id, one in rows.items() if one.bill.status == State.REJECTED]
    if not rejected:
        return {}
    found = await session.execute(_OUTDATED, {"bill_ids": rejected})
    return {bill_id: Outdated(*figures) for bill_id, *figures in found}


def _details(
    row: _Row,
    record: Record,
    everybody: Mapping[int, PersonRef],
    around: _Around,
) -> BillDetails:
    bill, customer = row.bill, row.customer
    entries = history_entries(record, everybody)
    state = replay(record)
    decisions = [entries[decision.action_id] for decision in state.decisions]
    facts = BillDetails(
        id=bill.id,
        version=bill.version,
        actions=len(record),
        customer_id=customer.id,
        customer=customer.name,
        period=bill.period,
        kind=bill.kind,
        status=State(bill.status),
        hold_reason=HoldReason(bill.hold_reason) if bill.hold_reason else None,
        api_usage=bill.api_usage,
        limit_calls=bill.monthly_api_limit,
        overage_units=bill.overage_units,
        unit_cost=bill.overage_unit_cost,
        amount=bill.overage_amount,
        currency=bill.currency,
        created_at=bill.created_at,
        generated_by=entries[record[0].id].by,
        trend=around.trends.get(bill.id, ()),
        approvals=tuple(entries[approval.action_id] for approval in state.approvals),
        needed=_needed(state, row),
        decisions=tuple(decisions),
        last_decision=decisions[-1] if decisions else None,
        comments=_comments(record, entries),
        number=bill.number,
        outdated=around.outdated.get(bill.id),
        both_above=_both_above(row),
        sent_to=customer.billing_email,
        billed=bill.billed_so_far,
    )
    done = list(entries.values())
    past = _approved_by_rule(facts, done) | _brought(facts, done) | _sending(bill, done)
    past |= _changed(facts, record, done)
    return replace(facts, **past, **_relatives(bill, around.related))


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
    """When the bill goes out, while it can be called back; why it did not, if it could not."""
    if bill.status == State.SENDING and bill.number is None:
        return {"send_due": next(entry.due for entry in reversed(entries) if entry.due)}
    if bill.status == State.APPROVED and bill.number is not None:
        return {
            "failure": next((entry.failure for entry in reversed(entries) if entry.failure), None)
        }
    return {}


def _last(verb: Verb, entries: Sequence[HistoryEntry]) -> HistoryEntry | None:
    return next((entry for entry in reversed(entries) if entry.verb is verb), None)


def _relatives(bill: Bill, related: Mapping[int, Sequence[Bill]]) -> dict[str, Any]:
    """The bills that this one corrects or replaces, and those that do so with this one."""
    others = related.get(bill.id, ())
    by_id = {other.id: _related(other) for other in others}
    return {
        "adjusts": by_id.get(bill.adjusts_id or 0),
        "replaces": by_id.get(bill.replaces_id or 0),
        "replaced_by": next((by_id[o.id] for o in others if o.replaces_id == bill.id), None),
        "corrections": tuple(by_id[o.id] for o in others if o.adjusts_id == bill.id),
    }


def _related(bill: Bill) -> RelatedBill:
    kind, status = BillKind(bill.kind), State(bill.status)
    return RelatedBill(bill.id, kind, status, bill.number, bill.overage_amount)


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


def _both_above(row: _Row) -> Decimal | None:
    above, amount = row.customer.second_approval_above, row.bill.overage_amount
    if above is None or amount is None or abs(amount) <= above:
        return None
    asked = row.customer.require_csm_approval and row.customer.require_sales_approval
    return None if asked else above


def _needed(state: BillState, row: _Row) -> tuple[MissingApproval, ...]:
    if state.status is not State.PENDING:
        return ()
    given = {approval.slot for approval in state.approvals}
    gave = {approval.user_id for approval in state.approvals}
    return tuple(_need(slot, gave) for slot in row.approvers.slots if slot.slot not in given)


def _need(slot: Slot, gave: set[int]) -> MissingApproval:
    """Whoever `gave` their own word already has none for somebody who is away."""
    return MissingApproval(
        slot.slot,
        role_of_slot(slot.slot),
        (slot.named,) if slot.named else (),
        away=slot.away,
        delegate=None if slot.delegate and slot.delegate.id in gave else slot.delegate,
    )


def _comments(record: Record, entries: Mapping[int, HistoryEntry]) -> tuple[Comment, ...]:
    edited = {action.snapshot.get("comment_id") for action in record}
    texts = (
        (entries[action.id], comment_text(record, action.id))
        for action in record
        if action.action == Verb.COMMENT
    )
    return tuple(
        Comment(entry.id, entry.by, entry.at, text, entry.id in edited)
        for entry, text in texts
        if text is not None
    )
