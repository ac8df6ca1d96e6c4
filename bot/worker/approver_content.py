"""What approvers are told beside cards, and Finance of them."""

from functools import partial

from bot.worker.content import Content
from handlers.slack.blocks.notifications import reassigned_notice
from handlers.slack.blocks.reminders import escalation, reminder
from models.db.columns import Session
from models.outbox.delivery import reader_of
from models.outbox.messages import Message
from models.queries.bill_list import bills_waiting_for
from models.queries.bill_loader import load_bill_details
from models.queries.waiting import still_waiting

REMINDED_NAMED = 10


async def reassigned_content(session: Session, message: Message) -> Content | None:
    """Nothing where somebody else is asked by now, or the bill is decided."""
    told = message.facts
    (facts,) = await load_bill_details(session, [told["bill_id"]])
    entry = next((one for one in facts.reassigned if one.id == told["action_id"]), None)
    return Content(partial(reassigned_notice, facts, entry)) if entry else None


async def reminder_content(session: Session, message: Message) -> Content | None:
    """All that waits for whoever is reminded, unless nothing of what they are reminded of does."""
    reader = await reader_of(session, message.recipient)
    due = await still_waiting(session, message.facts["waiting"], reader)
    if not due:
        return None
    shown, count = due[:REMINDED_NAMED], len(due)
    if reader is not None:
        page = await bills_waiting_for(session, reader, limit=REMINDED_NAMED)
        shown, count = [line.id for line in page.lines], page.count
    facts = await load_bill_details(session, shown)
    return Content(partial(reminder, facts, count, is_channel=reader is None))


async def escalation_content(session: Session, message: Message) -> Content | None:
    """Nothing of what was decided since."""
    left = await still_waiting(session, message.facts["waiting"], None)
    if not left:
        return None
    facts = await load_bill_details(session, left[:REMINDED_NAMED])
    return Content(partial(escalation, facts, len(left)))
