"""One bill gets its number and its document, as the worker has it of all that are due at once."""

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.issue import issue_bills
from models.bills.documents import Draw
from models.context import Context


async def issue_bill(session: AsyncSession, bill_id: int, context: Context, draw: Draw) -> bool:
    """Whether it can be mailed."""
    return bill_id in await issue_bills(session, [bill_id], context, draw)
