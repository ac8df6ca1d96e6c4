"""What is told of letters: what became of them, and that none goes out."""

from collections.abc import Sequence
from functools import partial

from bot.worker.content import Content
from handlers.slack.blocks.mail_notices import (
    MAILS_NOTICED,
    bounced_notice,
    customer_replies_notice,
    delivered_notice,
    is_in_doubt,
    mail_resumed_notice,
    mail_stopped_notice,
    mailbox_unread_notice,
    may_have_arrived_notice,
    not_sent_notice,
)
from handlers.slack.blocks.notifications import NOTICED_AT_MOST
from handlers.wording.bill_text import called
from models.batches.bulk_send_outcome import told_by_lists
from models.bills.history import bills_of_actions
from models.db.columns import Session
from models.outbox.mail_pause import count_waiting, find_pause
from models.outbox.mailbox import find_reading
from models.outbox.messages import Message, MessageState
from models.outbox.private_answers import untold_by_answers
from models.queries.bill_details import BillDetails
from models.queries.bill_loader import load_bill_details
from models.queries.history import HistoryEntry, load_history
from models.queries.noticed import most_pressing
from models.queries.totals import first_sent, totals_of_sent

Told = list[tuple[BillDetails, HistoryEntry]]
"""Actions that somebody is told of, each with its bill as it is now, by number."""


async def not_sent_content(session: Session, message: Message) -> Content | None:
    """Nothing where the summary of the list that the bills were sent by tells it."""
    actions = message.facts["actions"]
    known = await told_by_lists(session, message.recipient, actions)
    left = [one for one in actions if one not in known]
    if not left:
        return None
    return Content(partial(not_sent_notice, *await _most_pressing(session, left)))


async def may_have_arrived_content(session: Session, message: Message) -> Content | None:
    """Nothing of those whose fate is known before it is told."""
    found = await load_bill_details(session, message.facts["bills"])
    if message.state != MessageState.POSTED:
        found = [one for one in found if is_in_doubt(one)]
    return Content(partial(may_have_arrived_notice, found)) if found else None


async def delivered_content(session: Session, message: Message) -> Content | None:
    """What was made void since is told elsewhere, and so is what its reader is told of where they
    sent it: by the summary of their list, or by an answer that is corrected still.
    """
    actions = message.facts["actions"]
    known = await told_by_lists(session, message.recipient, actions)
    bills = await bills_of_actions(session, [one for one in actions if one not in known])
    bills = await untold_by_answers(session, message.recipient, bills)
    sums = await totals_of_sent(session, bills)
    if not sums:
        return None
    shown = await first_sent(session, bills, NOTICED_AT_MOST)
    sent = await load_bill_details(session, shown)
    return Content(partial(delivered_notice, sent, sums))


async def bounced_content(session: Session, message: Message) -> Content:
    return Content(
        partial(bounced_notice, *await _most_pressing(session, message.facts["actions"]))
    )


async def customer_replies_content(session: Session, message: Message) -> Content:
    actions = message.facts["actions"]
    told = await _told_of_several(session, actions[:MAILS_NOTICED])
    return Content(partial(customer_replies_notice, told, len(actions) - len(told)))


async def _most_pressing(session: Session, actions: Sequence[int]) -> tuple[Told, int]:
    """Those that there is room for, and how many there are more."""
    told = await _told_of_several(session, await most_pressing(session, actions, MAILS_NOTICED))
    return told, len(actions) - len(told)


async def _told_of_several(session: Session, actions: Sequence[int]) -> Told:
    told = []
    for facts in await load_bill_details(session, await bills_of_actions(session, actions)):
        history = await load_history(session, facts.id)
        told += [(facts, entry) for entry in history if entry.id in actions]
    return sorted(told, key=lambda one: called(one[0]))


async def mailbox_unread_content(session: Session, message: Message) -> Content | None:
    """Nothing once it is read again."""
    found = await find_reading(session, message.facts["mailbox"])
    if found is None or found.trouble is None:
        return None
    draw = partial(mailbox_unread_notice, found.trouble, needs_somebody=found.needs_somebody)
    return Content(draw)


async def mail_stopped_content(session: Session, message: Message) -> Content | None:
    """Nothing once mail goes out again."""
    del message
    pause = await find_pause(session)
    if pause is None:
        return None
    waiting = await count_waiting(session)
    draw = partial(mail_stopped_notice, pause.cause, waiting, needs_somebody=pause.needs_somebody)
    return Content(draw)


async def mail_resumed_content(session: Session, message: Message) -> Content | None:
    """Nothing where it has stopped anew."""
    del message
    if await find_pause(session) is not None:
        return None
    return Content(partial(mail_resumed_notice, await count_waiting(session)))
