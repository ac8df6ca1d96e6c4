"""One bill gets its number and its document, as the worker has it of all that are due at once."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.issue import issue_bills
from models.actions.send import Delivered, mark_each_delivered
from models.bills.deliveries import Missing
from models.bills.documents import Draw
from models.bills.history import BillAction
from models.context import Context


async def issue_bill(session: AsyncSession, bill_id: int, context: Context, draw: Draw) -> bool:
    """Whether it can be mailed."""
    return bill_id in await issue_bills(session, [bill_id], context, draw)


async def mark_delivered(
    session: AsyncSession,
    bill_id: int,
    context: Context,
    answer: str,
    to: str | None = None,
    missing: Sequence[Missing] = (),
) -> BillAction | None:
    """The mail server took one letter; None where that is recorded already."""
    told = Delivered(bill_id, answer, to, tuple(missing))
    return (await mark_each_delivered(session, context, [told])).get(bill_id)
