"""All there is to show for a bill or a month: figures, people, documents, the record, its proof."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.audit.bill_check import Discrepancy
from models.audit.verify import ShowProgress, VerifyProgress, verify
from models.bills.approvers import Slot, approvers_of, role_of_slot
from models.bills.bill import Bill
from models.bills.history import BillAction
from models.bills.states import BillKind, State
from models.customers.customers import Customer
from models.errors import NextStep, NotFound, Step
from models.named_people import PersonRef
from models.queries.bill_details import BillDetails, MissingApproval
from models.queries.bill_list import BillLine
from models.queries.bill_loader import load_bill_details
from models.queries.history import HistoryEntry, history_entries, people_in
from models.queries.scope import Scope

BATCH_BILLS = 50
MOST_MISFITS = 10
UNREADABLE = (ArithmeticError, LookupError, RuntimeError, StopIteration, TypeError, ValueError)
"""What a record raises that tells no possible story."""


@dataclass
class VerifySummary:
    """What `verify` says: how much it read, how many discrepancies, and the first ten of a bill."""

    bills: int = 0
    actions: int = 0
    discrepancies: int = 0
    first: dict[int | None, list[Discrepancy]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True)
class StateTotal:
    """The bills of a month in one state and of one kind, with the sum of each currency.

    None where no bill of a currency has an amount yet.
    """

    status: State
    kind: BillKind
    bills: int
    totals: tuple[tuple[str, Decimal | None], ...]


@dataclass(frozen=True)
class ChainedAction:
    """An action with its links, in hex; `entry` None where the record tells no possible story."""

    id: int
    version: int
    at: datetime
    prev_hash: str | None
    hash: str
    entry: HistoryEntry | None


@dataclass(frozen=True)
class StoredDocument:
    """The document that was issued."""

    number: str
    media_type: str
    size_bytes: int
    sha256: str
    created_at: datetime


@dataclass(frozen=True)
class BillEvidence:
    """One bill. `required`: each approval that its customer's policy asks for now, and what was
    given. `facts` None where the record tells no possible story; `line` is what its row says.
    """

    line: BillLine
    facts: BillDetails | None
    required: tuple[tuple[MissingApproval, HistoryEntry | None], ...]
    record: tuple[ChainedAction, ...]
    paper: StoredDocument | None
    discrepancies: tuple[Discrepancy, ...]


async def verify_scope(session: AsyncSession, scope: Scope, show: ShowProgress) -> VerifySummary:
    """Verify what the evidence is about."""
    verdict = VerifySummary()

    def look(progress: VerifyProgress) -> None:
        verdict.bills, verdict.actions = progress.bills, progress.actions
        show(progress)

    async for discrepancy in verify(session, scope, look):
        verdict.discrepancies += 1
        if len(verdict.first[discrepancy.bill_id]) < MOST_MISFITS:
            verdict.first[discrepancy.bill_id].append(discrepancy)
    return verdict


_STATES = sa.text("""
select status, kind, currency, count(*) as bills, sum(overage_amount) as amount
from bills where year = :year and month = :month
group by status, kind, currency order by status, kind, currency
""")


async def by_state(session: AsyncSession, scope: Scope) -> list[StateTotal]:
    """A month's bills by state and kind, in the order of a bill's life."""
    rows = (await session.execute(_STATES, scope.values)).all()
    states = [
        StateTotal(
            State(status),
            BillKind(kind),
            sum(row.bills for row in some),
            tuple((row.currency, row.amount) for row in some),
        )
        for (status, kind), group in groupby(rows, attrgetter("status", "kind"))
        for some in [list(group)]
    ]
    life, kinds = list(State), list(BillKind)
    return sorted(states, key=lambda one: (life.index(one.status), kinds.index(one.kind)))


async def evidence_lines(session: AsyncSession, scope: Scope) -> AsyncIterator[BillLine]:
    """Each bill as a line, by customer; read as it is asked for."""
    async for bill, customer in await session.stream(
        _within(scope).order_by(sa.func.lower(Customer.name), Bill.id)
    ):
        yield _line(bill, customer)


async def evidence_of_bills(
    session: AsyncSession, scope: Scope, verdict: VerifySummary
) -> AsyncIterator[BillEvidence]:
    """Each bill whole, in the order of their ids; a few at a time are in memory.

    Refuses a bill whose row is gone: there is nothing to hold its record to.
    """
    after, found = 0, False
    query = _within(scope).order_by(Bill.id).limit(BATCH_BILLS)
    while rows := (await session.execute(query.where(Bill.id > after))).all():
        for one in await _batch(session, [_line(*row) for row in rows], verdict):
            yield one
        after, found = rows[-1][0].id, True
    if scope.bill_id is not None and not found:
        raise NotFound(
            f"Bill #{scope.bill_id} has been removed.",
            [NextStep(Step.EXPORT_ACTIONS, scope.bill_id)],
        )


def _within(scope: Scope) -> sa.Select[Bill, Customer]:
    query = sa.select(Bill, Customer).join(Customer, Customer.id == Bill.customer_id)
    if scope.bill_id is not None:
        return query.where(Bill.id == scope.bill_id)
    if scope.period is not None:
        return query.where(Bill.year == scope.period.year, Bill.month == scope.period.month)
    return query


def _line(bill: Bill, customer: Customer) -> BillLine:
    return BillLine(
        id=bill.id,
        version=bill.version,
        customer=customer.name,
        period=bill.period,
        status=State(bill.status),
        hold_reason=None,
        amount=bill.overage_amount,
        currency=bill.currency,
        created_at=bill.created_at,
        kind=BillKind(bill.kind),
        number=bill.number,
    )


_DOCUMENTS = sa.text("""
select bill_id, number, media_type, length(content) as size_bytes, sha256, created_at
from documents where bill_id = any(:ids)
""")


async def _batch(
    session: AsyncSession, some: Sequence[BillLine], verdict: VerifySummary
) -> list[BillEvidence]:
    ids = [line.id for line in some]
    facts = await _facts(session, ids)
    records = await _records(session, ids)
    approvers_by_bill = await approvers_of(session, ids)
    papers = {
        bill_id: StoredDocument(*paper)
        for bill_id, *paper in await session.execute(_DOCUMENTS, {"ids": ids})
    }
    return [
        BillEvidence(
            line=line,
            facts=facts.get(line.id),
            required=_required(facts.get(line.id), approvers_by_bill[line.id].slots),
            record=records.get(line.id, ()),
            paper=papers.get(line.id),
            discrepancies=tuple(verdict.first.get(line.id, ())),
        )
        for line in some
    ]


async def _facts(session: AsyncSession, ids: Sequence[int]) -> dict[int, BillDetails]:
    """Of all at once; where one of them tells no possible story, of each that does."""
    try:
        return {facts.id: facts for facts in await load_bill_details(session, ids)}
    except UNREADABLE:
        if len(ids) == 1:
            return {}
    told: dict[int, BillDetails] = {}
    for bill_id in ids:
        told |= await _facts(session, [bill_id])
    return told


async def _records(
    session: AsyncSession, ids: Sequence[int]
) -> dict[int, tuple[ChainedAction, ...]]:
    query = sa.select(BillAction).where(BillAction.bill_id.in_(ids))
    actions = (await session.scalars(query.order_by(BillAction.bill_id, BillAction.id))).all()
    people = await people_in(session, [actions])
    return {
        bill_id: _chained(list(record), people)
        for bill_id, record in groupby(actions, attrgetter("bill_id"))
    }


def _chained(
    record: list[BillAction], people: Mapping[int, PersonRef]
) -> tuple[ChainedAction, ...]:
    entries: Mapping[int, HistoryEntry] = {}
    with suppress(*UNREADABLE):
        entries = history_entries(record, people)
    return tuple(
        ChainedAction(
            action.id,
            action.bill_version,
            action.created_at,
            action.prev_hash.hex() if action.prev_hash is not None else None,
            action.hash.hex(),
            entries.get(action.id),
        )
        for action in record
    )


def _required(
    facts: BillDetails | None, slots: Sequence[Slot]
) -> tuple[tuple[MissingApproval, HistoryEntry | None], ...]:
    """What policy asks for now, then approvals that were given for what it asked for before."""
    given = {entry.slot: entry for entry in facts.approvals} if facts else {}
    asked = {one.slot: _need(one.slot, one.named) for one in slots}
    before = {slot: _need(slot, None) for slot in given if slot and slot not in asked}
    return tuple((need, given.get(slot)) for slot, need in (asked | before).items())


def _need(slot: str, who: PersonRef | None) -> MissingApproval:
    return MissingApproval(slot, role_of_slot(slot), (who,) if who else ())
