"""All there is to show for a bill or a month: figures, people, documents, the record, its proof."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models import proof
from models.approvals import Desk, desks_of, named_for, required_parts
from models.bills import Bill, BillAction, BillKind, State
from models.customers import Customer
from models.deeds import deeds_of, people_in, person
from models.dossier import BillFacts, Deed, Line, Needed, Person
from models.gather import PART_ROLE, bill_facts
from models.people import User
from models.proof import Looked, Progress
from models.refusals import NotFound
from models.scope import Scope
from models.testimony import Misfit

BATCH_BILLS = 50
MOST_MISFITS = 10

UNTELLABLE = (ArithmeticError, LookupError, RuntimeError, StopIteration, TypeError, ValueError)
"""What a record raises that tells no possible story."""


@dataclass
class Verdict:
    """What `verify` says: how much it looked at, how many misfits, and the first ten of a bill."""

    bills: int = 0
    actions: int = 0
    misfits: int = 0
    first: dict[int | None, list[Misfit]] = field(default_factory=lambda: defaultdict(list))


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
class Sealed:
    """An action with its links, in hex; `deed` None where the record tells no possible story."""

    id: int
    version: int
    at: datetime
    prev_hash: str | None
    hash: str
    deed: Deed | None


@dataclass(frozen=True)
class Paper:
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

    line: Line
    facts: BillFacts | None
    required: tuple[tuple[Needed, Deed | None], ...]
    record: tuple[Sealed, ...]
    paper: Paper | None
    misfits: tuple[Misfit, ...]


async def prove(session: AsyncSession, scope: Scope, progress: Progress) -> Verdict:
    """Verify what the evidence is about."""
    verdict = Verdict()

    def look(looked: Looked) -> None:
        verdict.bills, verdict.actions = looked.bills, looked.actions
        progress(looked)

    async for misfit in proof.verify(session, scope, look):
        verdict.misfits += 1
        if len(verdict.first[misfit.bill_id]) < MOST_MISFITS:
            verdict.first[misfit.bill_id].append(misfit)
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


async def lines(session: AsyncSession, scope: Scope) -> AsyncIterator[Line]:
    """Each bill as a line, by customer; read as it is asked for."""
    async for bill, customer in await session.stream(
        _within(scope).order_by(sa.func.lower(Customer.name), Bill.id)
    ):
        yield _line(bill, customer)


async def bills(
    session: AsyncSession, scope: Scope, verdict: Verdict
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
            f"Bill #{scope.bill_id} has been removed. What is left of it is told by `countersign "
            f"export actions --bill {scope.bill_id}`."
        )


def _within(scope: Scope) -> sa.Select[Bill, Customer]:
    query = sa.select(Bill, Customer).join(Customer, Customer.id == Bill.customer_id)
    if scope.bill_id is not None:
        return query.where(Bill.id == scope.bill_id)
    if scope.period is not None:
        return query.where(Bill.year == scope.period.year, Bill.month == scope.period.month)
    return query


def _line(bill: Bill, customer: Customer) -> Line:
    return Line(
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


_PAPERS = sa.text("""
select bill_id, number, media_type, length(content) as size_bytes, sha256, created_at
from documents where bill_id = any(:ids)
""")


async def _batch(
    session: AsyncSession, some: Sequence[Line], verdict: Verdict
) -> list[BillEvidence]:
    ids = [line.id for line in some]
    facts = await _facts(session, ids)
    records = await _records(session, ids)
    desks = await desks_of(session, ids)
    named = await _named(session, desks.values())
    papers = {
        bill_id: Paper(*paper) for bill_id, *paper in await session.execute(_PAPERS, {"ids": ids})
    }
    return [
        BillEvidence(
            line=line,
            facts=facts.get(line.id),
            required=_required(facts.get(line.id), desks[line.id], named),
            record=records.get(line.id, ()),
            paper=papers.get(line.id),
            misfits=tuple(verdict.first.get(line.id, ())),
        )
        for line in some
    ]


async def _facts(session: AsyncSession, ids: Sequence[int]) -> dict[int, BillFacts]:
    """Of all at once; where one of them tells no possible story, of each that does."""
    try:
        return {facts.id: facts for facts in await bill_facts(session, ids)}
    except UNTELLABLE:
        if len(ids) == 1:
            return {}
    told: dict[int, BillFacts] = {}
    for bill_id in ids:
        told |= await _facts(session, [bill_id])
    return told


async def _records(session: AsyncSession, ids: Sequence[int]) -> dict[int, tuple[Sealed, ...]]:
    query = sa.select(BillAction).where(BillAction.bill_id.in_(ids))
    actions = (await session.scalars(query.order_by(BillAction.bill_id, BillAction.id))).all()
    people = await people_in(session, [actions])
    return {
        bill_id: _sealed(list(record), people)
        for bill_id, record in groupby(actions, attrgetter("bill_id"))
    }


def _sealed(record: list[BillAction], people: Mapping[int, Person]) -> tuple[Sealed, ...]:
    deeds: Mapping[int, Deed] = {}
    with suppress(*UNTELLABLE):
        deeds = deeds_of(record, people)
    return tuple(
        Sealed(
            action.id,
            action.bill_version,
            action.created_at,
            action.prev_hash.hex() if action.prev_hash is not None else None,
            action.hash.hex(),
            deeds.get(action.id),
        )
        for action in record
    )


async def _named(session: AsyncSession, desks: Iterable[Desk]) -> dict[int, Person]:
    ids = {who for desk in desks for who in (desk.csm_id, desk.sales_id) if who is not None}
    users = await session.scalars(sa.select(User).where(User.id.in_(ids)))
    return {user.id: person(user) for user in users}


def _required(
    facts: BillFacts | None, desk: Desk, named: Mapping[int, Person]
) -> tuple[tuple[Needed, Deed | None], ...]:
    """What policy asks for now, then approvals that were given for what it asked for before."""
    given = {deed.part: deed for deed in facts.approvals} if facts else {}
    parts = required_parts(desk)
    asked = [(part, named_for(part, desk)) for part in parts]
    return (
        *((_need(part, named.get(who or 0)), given.get(part)) for part, who in asked),
        *((_need(part, None), deed) for part, deed in given.items() if part and part not in parts),
    )


def _need(part: str, who: Person | None) -> Needed:
    return Needed(part, PART_ROLE[part], (who,) if who else ())
