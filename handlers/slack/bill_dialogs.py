"""Dialogs that change what stands: reject, undo, release, revise, void, reissue, it arrived; and
who is asked.

Each opens only where the verb would be allowed now, and is judged again when it is sent. What was
done is then said in its place.
"""

from handlers.asking import question_of
from handlers.slack.answers import Answer, Dialog, as_dialog
from handlers.slack.blocks import dialogs
from handlers.slack.blocks.action_ids import ActionId, is_id
from handlers.slack.blocks.outcomes import (
    bill_reassigned,
    bill_reissued,
    bill_voided,
    decided,
)
from handlers.slack.context import RequestContext
from handlers.slack.references import bill_details
from handlers.wording.refusals import Medium
from models.actions.approve import reject_bill
from models.actions.hold import release_bill
from models.actions.reassign import ASKED, reassign_bill
from models.actions.revise import revise_bill
from models.actions.send import confirm_arrival
from models.actions.undo import undo_decision
from models.actions.void import reissue_bill, void_bill
from models.bills.states import RejectReason, Verb
from models.errors import Invalid
from models.numerals import read_units

DONE = "Done"


async def _asked(
    context: RequestContext, click: ActionId, verb: Verb, bill_id: int, version: int | None
) -> Answer:
    facts, question = await question_of(
        context.session, context, bill_id, verb, version, Medium.SLACK
    )
    return Dialog(dialogs.asking(click, facts, question))


async def ask_why_rejected(context: RequestContext) -> Answer:
    ids = context.ids("bill", "version")
    return await _asked(context, ActionId.REJECT, Verb.REJECT, ids["bill"], ids["version"])


async def reject(context: RequestContext) -> Answer:
    """Rejects, and says so in the place of the dialog."""
    ids = context.ids("bill", "version")
    code = context.entered(dialogs.REASON_CODE)
    if code not in set(RejectReason):
        raise Invalid("Choose what is wrong.", dialogs.REASON_CODE)
    await reject_bill(
        context.session,
        ids["bill"],
        ids["version"],
        context,
        RejectReason(code),
        context.entered(dialogs.REASON),
    )
    return await _done(context, ids["bill"])


async def undo(context: RequestContext, bill_id: int, version: int | None) -> Answer:
    return await _asked(context, ActionId.UNDO, Verb.UNDO, bill_id, version)


async def submit_undo(context: RequestContext) -> Answer:
    ids = context.ids("bill", "version", "action")
    reason = context.entered(dialogs.REASON)
    await undo_decision(
        context.session, ids["bill"], ids["version"], context, reason, ids["action"]
    )
    return await _done(context, ids["bill"])


async def _done(context: RequestContext, bill_id: int) -> Answer:
    """In the place of the dialog: what was decided, and Undo."""
    facts = await bill_details(context, bill_id)
    return Dialog(as_dialog(decided(facts, context.user), DONE))


async def release(context: RequestContext, bill_id: int, version: int | None) -> Answer:
    return await _asked(context, ActionId.RELEASE, Verb.RELEASE, bill_id, version)


async def submit_release(context: RequestContext) -> Answer:
    ids = context.ids("bill", "version")
    reason = context.entered(dialogs.REASON)
    await release_bill(context.session, ids["bill"], ids["version"], context, reason)
    return await _done(context, ids["bill"])


async def revise(context: RequestContext, bill_id: int, version: int | None) -> Answer:
    return await _asked(context, ActionId.REVISE, Verb.REVISE, bill_id, version)


async def submit_revise(context: RequestContext) -> Answer:
    ids = context.ids("bill", "version")
    reason, units = (
        context.entered(dialogs.REASON),
        read_units(context.entered(dialogs.UNITS), dialogs.UNITS),
    )
    await revise_bill(context.session, ids["bill"], ids["version"], context, reason, units)
    return await _done(context, ids["bill"])


async def arrived(context: RequestContext, bill_id: int, version: int | None) -> Answer:
    return await _asked(context, ActionId.DELIVER, Verb.DELIVER, bill_id, version)


async def submit_arrived(context: RequestContext) -> Answer:
    ids = context.ids("bill", "version")
    reason = context.entered(dialogs.REASON)
    await confirm_arrival(context.session, ids["bill"], ids["version"], context, reason)
    return await _done(context, ids["bill"])


async def void(context: RequestContext, bill_id: int, version: int | None) -> Answer:
    return await _asked(context, ActionId.VOID, Verb.VOID, bill_id, version)


async def submit_void(context: RequestContext) -> Answer:
    """Whoever voids what has gone out is shown the credit, which they have to send."""
    ids = context.ids("bill", "version")
    reason = context.entered(dialogs.REASON)
    made = await void_bill(context.session, ids["bill"], ids["version"], context, reason)
    if made.credit_id is None:
        return await _done(context, ids["bill"])
    credit = await bill_details(context, made.credit_id)
    told = bill_voided(await bill_details(context, ids["bill"]), credit)
    return Dialog(as_dialog(told, DONE))


async def reissue(context: RequestContext, bill_id: int, version: int | None) -> Answer:
    return await _asked(context, ActionId.REISSUE, Verb.REISSUE, bill_id, version)


async def submit_reissue(context: RequestContext) -> Answer:
    ids = context.ids("bill", "version")
    reason = context.entered(dialogs.REASON)
    new = await reissue_bill(context.session, ids["bill"], ids["version"], context, reason)
    return Dialog(as_dialog(bill_reissued(await bill_details(context, new)), DONE))


async def reassign(context: RequestContext, bill_id: int, version: int | None) -> Answer:
    return await _asked(context, ActionId.REASSIGN, Verb.REASSIGN, bill_id, version)


async def submit_reassign(context: RequestContext) -> Answer:
    ids = context.ids("bill", "version")
    chosen, words = context.entered(ASKED), context.entered("comment")
    await reassign_bill(
        context.session,
        ids["bill"],
        ids["version"],
        context,
        int(chosen) if is_id(chosen) else None,
        words,
    )
    told = bill_reassigned(await bill_details(context, ids["bill"]))
    return Dialog(as_dialog(told, DONE))
