"""What a change of the books would do to bills, seen before anybody agrees to it.

The change is made, looked at, and taken back, all within a savepoint: no lock outlives the look.
Whoever agrees names the digest of what they saw. Where the same change does something else by
then, it is taken back again.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.keep_books import BookChange
from models.bills.moved import moved_bills
from models.customers.customers import Customer
from models.imports.foreseen import SHOWN_BILLS, Foreseen

Change = Callable[[], Awaitable[BookChange]]


async def do_if_agreed(
    session: AsyncSession, change: Change, agreed: str | None, *, ask: bool = False
) -> tuple[Foreseen, bool]:
    """Make the change, and keep it where `agreed` is the digest of what it does; whether it was.

    What moves no bill is kept anyhow, unless that is to be asked first.
    """
    known = set(session.sync_session)
    savepoint = await session.begin_nested()
    foreseen = await _foreseen(session, await change())
    if foreseen.digest == agreed or not (ask or foreseen.total_bills):
        await savepoint.commit()
        return foreseen, True
    await savepoint.rollback()
    for one in list(session.sync_session):
        if one not in known:
            session.expunge(one)
        elif isinstance(one, Customer):
            session.expire(one)
    return foreseen, False


async def _foreseen(session: AsyncSession, change: BookChange) -> Foreseen:
    done = change.imported
    held = {*change.recalculated.held, *change.stranded}
    outcomes = {
        kind: bills for kind, bills in change.recalculated.outcomes.items() if kind != "held"
    }
    outcomes |= {"held": tuple(held)}
    bills = await moved_bills(session, outcomes)
    rows = (done.added, done.changed, done.unchanged, done.differences.digest)
    told = "\n".join(map(str, [*rows, *map(asdict, bills)]))
    return Foreseen(
        added=done.added,
        changed=done.changed,
        unchanged=done.unchanged,
        differences=done.differences.first,
        total_differences=done.differences.total,
        bills=tuple(bills[:SHOWN_BILLS]),
        total_bills=len(bills),
        unwritten=done.unwritten.names if done.unwritten else (),
        digest=hashlib.sha256(told.encode()).hexdigest(),
    )
