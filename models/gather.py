"""Reads bills whole, for whoever draws them: a few set-based queries, however many bills."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from models.approvals import DESKS, Desk, desks_of, named_for, required_parts
from models.bills import (
    Bill,
    BillAction,
    HoldReason,
    RejectReason,
    Source,
    Standing,
    State,
    Verb,
    actions_of,
    replay,
)
from models.comments import text_now
from models.customers import Customer
from models.dossier import BillFacts, Comment, Deed, MonthOverage, Needed, Person
from models.people import Role, User
from models.period import FIRST_YEAR, Period

TREND_MONTHS = 6
PART_ROLE = {"csm": Role.CSM, "sales": Role.SALES, "any": None}


async def bill_facts(session: AsyncSession, bill_ids: Sequence[int]) -> list[BillFacts]:
    """Everything about these bills, in the order asked for; unknown ids are left out."""
    cases = await _cases(session, bill_ids)
    records = await _records(session, bill_ids)
    people = await _people(session, records.values())
    trends = await _trends(session, bill_ids)
    return [
        _facts(cases[bill_id], records[bill_id], people, trends[bill_id])
        for bill_id in bill_ids
        if bill_id in cases
    ]


async def story(session: AsyncSession, bill_id: int) -> list[Deed]:
    """All that was done to a bill, oldest first."""
    actions = await actions_of(session, bill_id)
    people = await _people(session, [actions])
    return list(_deeds(actions, people).values())


_Record = Sequence[BillAction]


class _Case(NamedTuple):
    bill: Bill
    customer: Customer
    csm: User | None
    sales: User | None
    desk: Desk


async def _cases(session: AsyncSession, bill_ids: Sequence[int]) -> dict[int, _Case]:
    csm, sales = aliased(User), aliased(User)
    query = (
        sa.select(Bill, Customer, csm, sales)
        .join(Customer, Customer.id == Bill.customer_id)
        .join(DESKS, DESKS.c.customer_id == Customer.id)
        .outerjoin(csm, csm.id == DESKS.c.csm_id)
        .outerjoin(sales, sales.id == DESKS.c.sales_id)
        .where(Bill.id.in_(bill_ids))
        .execution_options(populate_existing=True)
    )
    rows = (await session.execute(query)).all()
    desks = await desks_of(session, {row[1].id for row in rows})
    return {row[0].id: _Case(*row, desks[row[1].id]) for row in rows}


async def _records(session: AsyncSession, bill_ids: Sequence[int]) -> dict[int, list[BillAction]]:
    query = sa.select(BillAction).where(BillAction.bill_id.in_(bill_ids)).order_by(BillAction.id)
    records: dict[int, list[BillAction]] = defaultdict(list)
    for action in await session.scalars(query):
        records[action.bill_id].append(action)
    return records


async def _people(session: AsyncSession, records: Iterable[_Record]) -> dict[int, Person]:
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


_TREND = sa.text("""
select b.id, m.month, o.api_usage, o.overage_amount
from bills b
cross join lateral (
    select make_date(b.year, b.month, 1) - make_interval(months => ago) as month
    from generate_series(:months - 1, 0, -1) ago) m
left join overages o on o.customer_id = b.customer_id
    and o.year = extract(year from m.month)::int and o.month = extract(month from m.month)::int
where b.id = any(:bill_ids) and m.month >= make_date(:first_year, 1, 1)
order by b.id, m.month
""")


async def _trends(
    session: AsyncSession, bill_ids: Sequence[int]
) -> dict[int, tuple[MonthOverage, ...]]:
    values = {"bill_ids": list(bill_ids), "months": TREND_MONTHS, "first_year": FIRST_YEAR}
    trends: dict[int, tuple[MonthOverage, ...]] = defaultdict(tuple)
    for bill_id, month, calls, amount in await session.execute(_TREND, values):
        trends[bill_id] += (MonthOverage(Period.of(month), calls, amount),)
    return trends


def _facts(
    case: _Case,
    record: _Record,
    people: dict[int, Person],
    trend: tuple[MonthOverage, ...],
) -> BillFacts:
    bill, customer = case.bill, case.customer
    deeds = _deeds(record, people)
    standing = replay(record)
    decisions = [deeds[decision.action_id] for decision in standing.decisions]
    return BillFacts(
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
        generated_by=deeds[record[0].id].by,
        trend=trend,
        approvals=tuple(deeds[approval.action_id] for approval in standing.approvals),
        needed=_needed(standing, case),
        standing=tuple(decisions),
        last_decision=decisions[-1] if decisions else None,
        comments=_comments(record, deeds),
    )


def _needed(standing: Standing, case: _Case) -> tuple[Needed, ...]:
    if standing.status is not State.PENDING:
        return ()
    given = {approval.part for approval in standing.approvals}
    named = {user.id: person(user) for user in (case.csm, case.sales) if user}
    missing = [part for part in required_parts(case.desk) if part not in given]
    return tuple(
        Needed(
            part,
            PART_ROLE[part],
            tuple(named[user] for user in [named_for(part, case.desk)] if user),
        )
        for part in missing
    )


def _comments(record: _Record, deeds: dict[int, Deed]) -> tuple[Comment, ...]:
    edited = {action.snapshot.get("comment_id") for action in record}
    texts = (
        (deeds[action.id], text_now(record, action.id))
        for action in record
        if action.action == Verb.COMMENT
    )
    return tuple(
        Comment(deed.id, deed.by, deed.at, text, deed.id in edited)
        for deed, text in texts
        if text is not None
    )


def _deeds(record: _Record, people: dict[int, Person]) -> dict[int, Deed]:
    deeds: dict[int, Deed] = {}
    for action in record:
        deeds[action.id] = _deed(action, people, deeds)
    return deeds


def _deed(action: BillAction, people: dict[int, Person], earlier: dict[int, Deed]) -> Deed:
    snapshot = action.snapshot
    after = snapshot.get("after") or {}
    code, cause = snapshot.get("reason_code"), after.get("hold_reason")
    amount = after.get("overage_amount")
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
        hold_reason=HoldReason(cause) if cause else None,
        reverses=earlier.get(action.reverses_id or 0),
        edits=snapshot.get("comment_id"),
        changes=_changes(snapshot.get("before"), after),
        amount=Decimal(amount) if amount is not None else None,
    )


def _changes(before: dict[str, Any] | None, after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Figures that an action moved; a new bill has none before."""
    if before is None:
        return {}
    return {
        name: (before.get(name), value)
        for name, value in after.items()
        if name not in ("status", "hold_reason") and before.get(name) != value
    }
