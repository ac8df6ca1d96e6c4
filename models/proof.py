"""The proof: that the record is as it was written, and that every bill is what it tells."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills import BillAction, Standing, replay

BATCH_BILLS = 1000

Progress = Callable[[int, int], None]
"""Called with the bills looked at and the bills in all."""


@dataclass(frozen=True)
class Misfit:
    """Something that is not as it was written; `action_id` None where no one row is at fault."""

    bill_id: int
    action_id: int | None
    what: str

    def __str__(self) -> str:
        if self.action_id is None:
            return f"bill {self.bill_id}: {self.what}"
        return f"action {self.action_id} of bill {self.bill_id}: {self.what}"


@dataclass(frozen=True)
class _Bill:
    """All that is stored of one bill: its row, its chain's row, its approvals, its record."""

    id: int
    row: Any
    approvals: frozenset[tuple[str, int, int]]
    actions: Sequence[Any]


async def verify(session: AsyncSession, progress: Progress | None = None) -> AsyncIterator[Misfit]:
    """Find every misfit, bill by bill, in memory that does not grow with the record.

    Wants a transaction that has not been used: it is made to read the database as of one moment,
    so that whoever works meanwhile is not taken for a forger.
    """
    await session.execute(sa.text("set transaction isolation level repeatable read, read only"))
    total = await session.scalar(sa.text("select count(*) from bills")) if progress else 0
    after, seen = 0, 0
    while (upto := await session.scalar(_UPTO, {"after": after, "limit": BATCH_BILLS})) is not None:
        for bill in await _load(session, after, upto):
            seen += 1
            for misfit in _misfits(bill):
                yield misfit
        after = upto
        if progress:
            progress(min(seen, total or 0), total or 0)


# Bills, chains and actions each tell of bills, so that none can be removed unnoticed.
_UPTO = sa.text("""
select max(id) from (
    select id from (
        (select id from bills where id > :after order by id limit :limit)
        union (select bill_id from bill_chains where bill_id > :after order by bill_id limit :limit)
        union (select distinct bill_id from bill_actions where bill_id > :after
               order by bill_id limit :limit)
    ) as told order by id limit :limit) as batch
""")

_ROWS = sa.text("""
select coalesce(b.id, c.bill_id) as told_id, b.*,
       c.bill_version as chain_version, c.actions as chain_actions, c.last_hash as chain_hash
from (select * from bills where id > :after and id <= :upto) b
full join (select * from bill_chains where bill_id > :after and bill_id <= :upto) c
    on c.bill_id = b.id
""")

_ACTIONS = sa.text("""
select a.*, a.hash = bill_action_hash(a.prev_hash, a) as hash_fits
from bill_actions a
where a.bill_id > :after and a.bill_id <= :upto
order by a.bill_id, a.id
""")

_APPROVALS = sa.text("""
select bill_id, part, user_id, action_id from approvals
where bill_id > :after and bill_id <= :upto order by bill_id
""")


async def _load(session: AsyncSession, after: int, upto: int) -> Iterator[_Bill]:
    within = {"after": after, "upto": upto}
    rows = {row.told_id: row for row in await session.execute(_ROWS, within)}
    records = _by_bill((await session.execute(_ACTIONS, within)).all())
    approvals = _by_bill((await session.execute(_APPROVALS, within)).all())
    return (
        _Bill(
            bill_id,
            rows.get(bill_id),
            frozenset((a.part, a.user_id, a.action_id) for a in approvals.get(bill_id, ())),
            records.get(bill_id, ()),
        )
        for bill_id in sorted(rows.keys() | records.keys())
    )


def _by_bill(rows: Sequence[Any]) -> dict[int, list[Any]]:
    return {bill_id: list(group) for bill_id, group in groupby(rows, attrgetter("bill_id"))}


def _misfits(bill: _Bill) -> Iterator[Misfit]:
    """What is wrong with one bill; its row is judged only by a record that is sound."""
    broken = list(_broken_links(bill)) or list(_wrong_end(bill))
    yield from broken
    if not broken:
        yield from (Misfit(bill.id, None, what) for what in _contradictions(bill))


def _broken_links(bill: _Bill) -> Iterator[Misfit]:
    if not bill.actions:
        yield Misfit(bill.id, None, "it has no record")
    for before, action in pairwise((None, *bill.actions)):
        assert action is not None
        if not action.hash_fits:
            yield Misfit(bill.id, action.id, "it is not as it was written")
        elif action.prev_hash != (before.hash if before is not None else None):
            yield Misfit(bill.id, action.id, "it does not follow on the action before it")


def _wrong_end(bill: _Bill) -> Iterator[Misfit]:
    """Whether the record, sound in itself, ends where its chain does."""
    if bill.row is None or bill.row.chain_actions is None:
        yield Misfit(bill.id, None, "its chain has been removed")
        return
    counted, last = bill.row.chain_actions, bill.actions[-1]
    missing = counted - len(bill.actions)
    if missing > 0:
        yield Misfit(bill.id, None, f"the last {missing} of its {counted} actions were removed")
    elif missing < 0:
        yield Misfit(bill.id, bill.actions[counted].id, "it was added past the end of the record")
    elif last.hash != bill.row.chain_hash or last.bill_version != bill.row.chain_version:
        yield Misfit(bill.id, last.id, "it is not the action that the record ended with")


def _contradictions(bill: _Bill) -> Iterator[str]:
    if bill.row.id is None:
        yield "it has been removed"
        return
    try:
        standing = replay(cast("Sequence[BillAction]", bill.actions))
    except (ArithmeticError, LookupError, StopIteration, TypeError, ValueError):
        yield "its record tells no possible story"
        return
    yield from _differences(bill, standing)


def _differences(bill: _Bill, standing: Standing) -> Iterator[str]:
    moves = (a.snapshot["after"] for a in reversed(bill.actions) if "after" in a.snapshot)
    told: dict[str, Any] = next(moves, {}) | {
        "status": standing.status,
        "hold_reason": standing.hold_reason,
        "version": bill.actions[-1].bill_version,
    }
    for name, value in told.items():
        stored = getattr(bill.row, name, None)
        if not _same(stored, value):
            yield f"{name} is {_shown(stored)}, but its record says {_shown(value)}"
    approvals = {(a.part, a.user_id, a.action_id) for a in standing.approvals}
    if approvals != bill.approvals:
        yield "the approvals that stand are not those of its record"


def _same(stored: Any, told: Any) -> bool:
    """Money is told as text, and 0.10 is 0.1."""
    if isinstance(stored, Decimal) and told is not None:
        return stored == Decimal(told)
    return bool(stored == told)


def _shown(value: Any) -> str:
    return (
        "nothing" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
    )
