"""What approvers are told beside cards, and Finance of them."""

from functools import partial

from bot.worker.content import Content
from handlers.slack.blocks.notifications import reassigned_notice
from models.db.columns import Session
from models.outbox.messages import Message
from models.queries.bill_loader import load_bill_details


async def reassigned_content(session: Session, message: Message) -> Content | None:
    """Nothing where somebody else is asked by now, or the bill is decided."""
    told = message.facts
    (facts,) = await load_bill_details(session, [told["bill_id"]])
    entry = next((one for one in facts.reassigned if one.id == told["action_id"]), None)
    return Content(partial(reassigned_notice, facts, entry)) if entry else None
