"""What follows where a decision was refused, because somebody saw a bill as it is not."""

from models.actions.recalculate import recalculate
from models.context import Context
from models.db.columns import Session
from models.errors import FiguresChanged, Refusal
from models.outbox.jobs import defer_redraw_cards


async def put_right(session: Session, bill_id: int, refused: Refusal, context: Context) -> None:
    """Work a bill out anew whose figures nobody has moved yet, and have its cards drawn again.

    In a transaction after the one that was refused; `context` is that of `system`.
    """
    if isinstance(refused, FiguresChanged):
        await recalculate(session, context, [bill_id])
    await defer_redraw_cards(session, bill_id)
