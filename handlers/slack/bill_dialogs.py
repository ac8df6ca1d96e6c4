"""Dialogs that change what stands: reject, undo, release, revise, void, reissue.

Each opens only where the verb would be allowed now, and is judged again when it is sent. What was
done is then said in its place.
"""

from handlers.slack.answers import Answer, Dialog, as_dialog
from handlers.slack.blocks import dialogs
from handlers.slack.blocks.outcomes import bill_reissued, bill_voided, decided
from handlers.slack.context import RequestContext
from handlers.slack.references import bill_details
from models.actions.approve import reject_bill
from models.actions.checks import check
from models.actions.hold import hold_reason_now, release_bill
from models.actions.revise import revise_bill
from models.actions.undo import GONE, undo_decision
from models.actions.void import hold_reason_again, reissue_bill, void_bill
from models.bills.figures import figures_again, figures_anew
from models.bills.replay import undoable, without
from models.bills.states import RejectReason, State, Verb
from models.errors import Invalid, NotFound
from models.numerals import read_units

DONE = "Done"


async def ask_why_rejected(context: RequestContext) -> Answer:
    ids = context.ids("bill", "version")
    await check(context.session, ids["bill"], Verb.REJECT, ids["version"], context)
    return Dialog(dialogs.reject(await bill_details(context, ids["bill"])))


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
    loaded = await check(context.session, bill_id, Verb.UNDO, version, context)
    decision = undoable(loaded.state, context.user)
    facts = await bill_details(context, bill_id)
    entry = next(
        (one for one in facts.decisions if decision and one.id == decision.action_id), None
    )
    if decision is None or entry is None:
        raise NotFound(GONE)
    back = without(loaded.state, decision.action_id)
    wait = context.settings.send_delay_minutes if back.status is State.SENDING else None
    return Dialog(dialogs.undo(facts, entry, wait))


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
    loaded = await check(context.session, bill_id, Verb.RELEASE, version, context)
    cause = await hold_reason_now(loaded, context)
    return Dialog(
        dialogs.release(await bill_details(context, bill_id), still_stands=cause is not None)
    )


async def submit_release(context: RequestContext) -> Answer:
    ids = context.ids("bill", "version")
    reason = context.entered(dialogs.REASON)
    await release_bill(context.session, ids["bill"], ids["version"], context, reason)
    return await _done(context, ids["bill"])


async def revise(context: RequestContext, bill_id: int, version: int | None) -> Answer:
    await check(context.session, bill_id, Verb.REVISE, version, context)
    facts = await bill_details(context, bill_id)
    anew = await figures_anew(context.session, bill_id)
    return Dialog(dialogs.revise(facts, facts.with_figures(anew)))


async def submit_revise(context: RequestContext) -> Answer:
    ids = context.ids("bill", "version")
    reason, units = (
        context.entered(dialogs.REASON),
        read_units(context.entered(dialogs.UNITS), dialogs.UNITS),
    )
    await revise_bill(context.session, ids["bill"], ids["version"], context, reason, units)
    return await _done(context, ids["bill"])


async def void(context: RequestContext, bill_id: int, version: int | None) -> Answer:
    await check(context.session, bill_id, Verb.VOID, version, context)
    return Dialog(dialogs.void(await bill_details(context, bill_id)))


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
    loaded = await check(context.session, bill_id, Verb.REISSUE, version, context)
    facts = await bill_details(context, bill_id)
    again = await figures_again(context.session, bill_id)
    cause = await hold_reason_again(loaded)
    return Dialog(dialogs.reissue(facts, facts.with_figures(again), cause))


async def submit_reissue(context: RequestContext) -> Answer:
    ids = context.ids("bill", "version")
    reason = context.entered(dialogs.REASON)
    new = await reissue_bill(context.session, ids["bill"], ids["version"], context, reason)
    return Dialog(as_dialog(bill_reissued(await bill_details(context, new)), DONE))
