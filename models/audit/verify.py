"""The proof: that the record is as it was written, and that every bill is what it tells."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import sqlalchemy as sa
from psycopg.rows import namedtuple_row
from sqlalchemy.ext.asyncio import AsyncSession

from models.audit.bill_check import BillCheck, Discrepancy
from models.audit.figures_check import wrong_figures
from models.audit.number_check import wrong_numbers
from models.audit.totals_check import wrong_totals
from models.db.database import driver_connection
from models.queries.scope import EVERYTHING, Scope

BATCH_BILLS = 1000
BATCH_ACTIONS = 1000


@dataclass
class VerifyProgress:
    """How far a proof is: what it has looked at, and how many actions it has to."""

    bills: int = 0
    actions: int = 0
    of_actions: int = 0


ShowProgress = Callable[[VerifyProgress], None]


async def verify(
    session: AsyncSession, scope: Scope = EVERYTHING, show: ShowProgress = lambda _: None
) -> AsyncIterator[Discrepancy]:
    """Find every discrepancy, bill by bill, in memory that does not grow with the record.

    Of each bill also whether its figure is one that somebody recorded. Of everything, and of a
    month, whether numbers have gaps; and whether the sums kept of months are those of their bills,
    where nothing is wrong with the bills themselves. Wants a transaction that sees the database as
    of one moment, see `Database.reading`: whoever works meanwhile is not taken for a forger.
    """
    progress = VerifyProgress(of_actions=await _count(session, scope))
    after, are_sound = 0, True
    while ids := await _next_bills(session, scope, after):
        async for discrepancy in _of_bills(session, ids, progress, show):
            are_sound = False
            yield discrepancy
        for discrepancy in await wrong_figures(session, ids):
            yield discrepancy
        after = ids[-1]
    show(progress)
    if scope.bill_id is None:
        for discrepancy in await wrong_numbers(session):
            yield discrepancy
        for discrepancy in await wrong_totals(session, scope) if are_sound else ():
            yield discrepancy


async def _of_bills(
    session: AsyncSession, ids: Sequence[int], progress: VerifyProgress, show: ShowProgress
) -> AsyncIterator[Discrepancy]:
    checks = deque(await _bill_checks(session, ids))
    connection = await driver_connection(session)
    async with connection.cursor("record", row_factory=namedtuple_row) as record:
        await record.execute(_ACTIONS, {"ids": list(ids)})
        while actions := await record.fetchmany(BATCH_ACTIONS):
            for action in actions:
                while checks[0].bill_id != action.bill_id:
                    for discrepancy in checks.popleft().finish():
                        yield discrepancy
                for discrepancy in checks[0].check_action(action):
                    yield discrepancy
            progress.actions += len(actions)
            show(progress)
    for check in checks:
        for discrepancy in check.finish():
            yield discrepancy
    progress.bills += len(ids)


async def _count(session: AsyncSession, scope: Scope) -> int:
    within = (
        "where bill_id = :bill_id"
        if scope.bill_id is not None
        else "where bill_id in (select id from bills where year = :year and month = :month)"
        if scope.period is not None
        else ""
    )
    query = sa.text(f"select count(*) from bill_actions {within}")
    return await session.scalar(query, scope.values) or 0


async def _next_bills(session: AsyncSession, scope: Scope, after: int) -> Sequence[int]:
    if scope.bill_id is not None:
        return [scope.bill_id] if scope.bill_id > after else []
    query = _ALL if scope.period is None else _OF_MONTH
    values = {"after": after, "limit": BATCH_BILLS, **scope.values}
    return (await session.scalars(query, values)).all()


# Bills, chains and actions each tell of bills, so that none can be removed unnoticed.
_ALL = sa.text("""
select id from (
    (select id from bills where id > :after order by id limit :limit)
    union (select bill_id from bill_chains where bill_id > :after order by bill_id limit :limit)
    union (select distinct bill_id from bill_actions where bill_id > :after
           order by bill_id limit :limit)
) as told order by id limit :limit
""")

_OF_MONTH = sa.text("""
select id from bills where year = :year and month = :month and id > :after
order by id limit :limit
""")

_ROWS = sa.text("""
select told.id as told_id, b.*,
       c.bill_version as chain_version, c.actions as chain_actions, c.last_hash as chain_hash,
       d.number as document_number, d.sha256 as document_sha256,
       d.sha256 = encode(sha256(d.content), 'hex') as document_fits,
       encode(sha256(convert_to(d.facts, 'UTF8')), 'hex') as facts_sha256
from unnest(cast(:ids as bigint[])) as told (id)
left join bills b on b.id = told.id
left join bill_chains c on c.bill_id = told.id
left join documents d on d.bill_id = told.id
order by told.id
""")

_APPROVALS = sa.text("""
select bill_id, slot, user_id, action_id
from approvals where bill_id = any(:ids) order by bill_id
""")

_ACTIONS = """
select id, bill_id, bill_version, stakeholder_id, action, acted_for_id, reverses_id, snapshot,
       prev_hash, hash, hash = bill_action_hash(prev_hash, a) as hash_fits
from bill_actions a
where bill_id = any(%(ids)s)
order by bill_id, id
"""


async def _bill_checks(session: AsyncSession, ids: Sequence[int]) -> list[BillCheck]:
    approvals = {
        bill_id: frozenset((a.slot, a.user_id, a.action_id) for a in given)
        for bill_id, given in groupby(
            await session.execute(_APPROVALS, {"ids": ids}), attrgetter("bill_id")
        )
    }
    rows = await session.execute(_ROWS, {"ids": ids})
    return [BillCheck(row.told_id, row, approvals.get(row.told_id, frozenset())) for row in rows]
