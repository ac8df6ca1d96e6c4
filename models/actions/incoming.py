"""What customers answer to a document is put on the bill's record: by mail, or by its link.

Anybody can write such a mail, and whoever has a link can ask there. So it tells, and never decides:
neither state nor figures change.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.loaded_bill import LoadedBill, load_for
from models.bills.history import BillAction, last_taken
from models.bills.incoming import (
    DeliveryReport,
    Incoming,
    MailReply,
    bill_of_letter,
    is_received_anew,
)
from models.bills.states import Verb
from models.bills.usage_links import LinkedBill
from models.context import Context, as_system
from models.customers.mail_addresses import copies_alone
from models.errors import Invalid
from models.outbox.notifications import notify_bounced, notify_customer_reply
from models.text import bounded_text

MAILS_OF_A_BILL = 50
"""More are left where they are: nobody fills the record of a bill by writing mails."""
QUESTIONS_OF_A_BILL = 50
QUESTION_CHARS = 3_000
LINK_OF = "link_of"
"""Under which the snapshot of a question names the customer whose link it came by."""


async def record_mail(
    session: AsyncSession, mail: Incoming, name: str, context: Context
) -> BillAction | None:
    """Put it on the record of the bill it is about. None where it is about none, is there already,
    or is one too many.

    `name` tells it from every other mail.
    """
    bill_id = await bill_of_letter(session, mail.about)
    if bill_id is None:
        return None
    loaded = await load_for(session, bill_id, Verb.BOUNCE, context)
    if not await is_received_anew(session, name, bill_id, context.now, MAILS_OF_A_BILL):
        return None
    if isinstance(mail, DeliveryReport):
        return await _record_bounce(loaded, mail, context)
    return await _record_reply(loaded, mail, context)


async def _record_bounce(
    loaded: LoadedBill, report: DeliveryReport, context: Context
) -> BillAction:
    to = ", ".join(dict.fromkeys(one.address for one in report.failures if one.address))
    words = " ".join(dict.fromkeys(one.words for one in report.failures))
    told: dict[str, Any] = {"to": to[:500] or None, "failure": words[:1000]}
    if _is_of_copies(loaded, report):
        told["of_copy"] = True
    action = await loaded.record(Verb.BOUNCE, context, snapshot=told)
    await notify_bounced(loaded.session, loaded.bill.id, action.id)
    return action


async def record_question(
    session: AsyncSession, linked: LinkedBill, text: str, context: Context
) -> BillAction:
    """What somebody asks by a link becomes a comment, once in the same words; refuses none, one
    that is too long, and one too many.
    """
    question = bounded_text(text, QUESTION_CHARS, "A question", "question")
    automatic = await as_system(session, context)
    loaded = await load_for(session, linked.bill_id, Verb.BOUNCE, automatic)
    asked = [one for one in loaded.actions if LINK_OF in one.snapshot]
    if same := next((one for one in asked if one.comment == question), None):
        return same
    if len(asked) >= QUESTIONS_OF_A_BILL:
        raise Invalid("There are so many questions here by now that no more are taken.", "question")
    asker = {LINK_OF: linked.facts.customer}
    action = await loaded.record(Verb.COMMENT, automatic, comment=question, snapshot=asker)
    await notify_customer_reply(session, linked.bill_id, action.id)
    return action


def _is_of_copies(loaded: LoadedBill, report: DeliveryReport) -> bool:
    """Whether it names those alone who were copied in when the letter was taken; of a letter that
    went out before these were kept, those who are today.
    """
    taken = last_taken(loaded.actions)
    kept = taken.snapshot.get("copies") if taken else None
    copies = kept if kept is not None else copies_alone(loaded.customer)
    known = {one.casefold() for one in copies}
    lost = {(one.address or "").casefold() for one in report.failures}
    return bool(lost) and lost <= known


async def _record_reply(loaded: LoadedBill, reply: MailReply, context: Context) -> BillAction:
    """A comment of nobody's in particular: who wrote it is what the mail says of itself."""
    files = "".join(f"\n(file: {name})" for name in reply.attachments)
    action = await loaded.record(
        Verb.COMMENT,
        context,
        comment=f"{reply.text}{files}".strip(),
        snapshot={"mailed_by": reply.sender},
    )
    await notify_customer_reply(loaded.session, loaded.bill.id, action.id)
    return action
