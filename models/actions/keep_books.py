"""Customers, usage and people from files, with what follows for bills: all of it or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.recalculate import follow_customers, recalculate
from models.actions.reroute import reroute_open_bills
from models.context import Context
from models.customers.customers import lock_customer
from models.errors import WrongState
from models.imports.books import Book
from models.imports.differences import Difference, Differences
from models.imports.files import Imported, import_customers, import_people, import_usage
from models.imports.rows import Rows
from models.imports.staging import Progress
from models.outbox.notifications import Recalculation
from models.people.permissions import Permission
from models.people.who_can import require
from models.period import Period
from models.usage.alerts import raise_alerts
from models.usage.usage import record_usage, usage_months


@dataclass(frozen=True)
class BookChange:
    """What became of rows, and of bills by it: `stranded` are held for want of an approver."""

    imported: Imported
    stranded: tuple[int, ...] = ()
    recalculated: Recalculation = field(default_factory=Recalculation)


async def import_book(
    session: AsyncSession,
    book: Book,
    file: BinaryIO | Rows,
    context: Context,
    progress: Progress | None = None,
    *,
    details: bool = False,
) -> BookChange:
    """Take in all the rows of a CSV file, or of something else, as the imports have it, and tell
    what differs one by one where `details` are asked for.

    Bills follow in the same transaction. Raises BadRows, and then nothing was written.
    """
    done = await _imported(session, book, file, context, progress, details)
    return await _followed(session, book, done, context) if done.written else BookChange(done)


async def _imported(
    session: AsyncSession,
    book: Book,
    file: BinaryIO | Rows,
    context: Context,
    progress: Progress | None,
    details: bool,
) -> Imported:
    now = context.now.astimezone(context.settings.zone)
    if book is Book.USAGE:
        by = context.source
        return await import_usage(
            session, file, context.user, now, source=by, progress=progress, details=details
        )
    take = import_customers if book is Book.CUSTOMERS else import_people
    return await take(session, file, context.user, now, progress=progress, details=details)


async def _followed(
    session: AsyncSession, book: Book, done: Imported, context: Context
) -> BookChange:
    if book is Book.PEOPLE:
        return BookChange(done, await reroute_open_bills(session, context))
    if book is Book.CUSTOMERS:
        return BookChange(done, *await follow_customers(session, context))
    bill_ids = await bills_of_few(session, done.customer_ids)
    recalculated = await _recalculated(session, context, bill_ids)
    if done.customer_ids is not None:
        await raise_alerts(session, context, done.customer_ids)
    return BookChange(done, (), recalculated)


class UsageChanged(WrongState):
    """Somebody recorded something else for this month while you were looking. Nothing was done."""


async def record_month(
    session: AsyncSession,
    customer_id: int,
    period: Period,
    calls: int,
    context: Context,
    reason: str | None = None,
    seen: str | None = None,
) -> BookChange:
    """Record what a customer used in one month, with what follows for its bills.

    `seen`: the figure that was looked at, as text, "" for none; refuses where it is another one.
    """
    await require(session, context.user, Permission.KEEP_BOOKS)
    await lock_customer(session, customer_id)
    [month] = await usage_months(session, customer_id, period, period)
    if seen is not None and seen != ("" if month.calls is None else str(month.calls)):
        raise UsageChanged
    if not await record_usage(session, customer_id, period, calls, context, reason):
        return BookChange(Imported(0, 0, 1))
    added = month.calls is None
    bills = await bills_of_few(session, [customer_id])
    recalculated = await _recalculated(session, context, bills)
    await raise_alerts(session, context, [customer_id])
    was = None if month.calls is None else str(month.calls)
    told = Difference(1, str(period), "api_usage", was, str(calls), is_new=added)
    done = Imported(int(added), int(not added), 0, differences=Differences().preceded_by(told))
    return BookChange(done, (), recalculated)


async def _recalculated(
    session: AsyncSession, context: Context, bill_ids: Sequence[int] | None
) -> Recalculation:
    """After usage was corrected, by whoever the record of the bills names."""
    by = context.user
    return await recalculate(session, context, bill_ids, reports=True, corrected_by=by)


async def bills_of_few(
    session: AsyncSession, customer_ids: Sequence[int] | None
) -> list[int] | None:
    """The bills of these customers; None, for all there are, where nobody told which."""
    if customer_ids is None:
        return None
    return list(await session.scalars(_BILLS, {"customer_ids": list(customer_ids)}))


_BILLS = sa.text("select id from bills where customer_id = any(:customer_ids) order by id")
