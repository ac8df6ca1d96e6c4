"""What keeps a bill's letter, or some copies of it, is written down and shown."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.bill import get_bill
from models.bills.deliveries import Missing, write_missing, write_trouble
from models.bills.history import actions_of
from models.bills.states import State, Verb
from models.outbox.cards import redraw_cards
from models.outbox.notifications import notify_may_have_arrived


async def note_trouble(
    session: AsyncSession,
    bill_id: int,
    trouble: str,
    unheard: int = 0,
    next_at: datetime | None = None,
) -> None:
    """The bill's cards say why it is not out yet; Finance hears where it may have arrived."""
    bill = await get_bill(session, bill_id, lock=True)
    if bill.status != State.SENDING or bill.number is None:
        return
    if await write_trouble(session, bill_id, trouble, unheard, next_at):
        await redraw_cards(session, [bill_id])
    if unheard:
        await notify_may_have_arrived(session, bill_id, bill.number)


async def note_missing(session: AsyncSession, bill_id: int, missing: Sequence[Missing]) -> None:
    """The cards of a bill that is out say whom it did not reach."""
    await get_bill(session, bill_id, lock=True)
    if await write_missing(session, bill_id, missing):
        await redraw_cards(session, [bill_id])


async def sent_at(session: AsyncSession, bill_id: int) -> datetime:
    """When the mail server took the bill."""
    actions = await actions_of(session, bill_id)
    return max(action.created_at for action in actions if action.action == Verb.DELIVER)
