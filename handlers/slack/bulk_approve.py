"""Many bills approved together: what is selected on Home, or a list of all under an amount."""

from handlers.slack.answers import Answer, Dialog, Reply
from handlers.slack.blocks.bulk_approve import (
    CURRENCY,
    approve_under_form,
    approved_many,
    approving_begun,
    selected_preview,
    under_preview,
)
from handlers.slack.context import RequestContext
from handlers.slack.selection import selected_bills, with_selected
from handlers.wording.approving_text import why_left_out
from models.batches.approve_selected import is_selection, list_selected
from models.batches.approve_under import UNDER, list_under, waiting_by_currency
from models.batches.bulk_approve import approval_report, start_approving
from models.errors import Invalid
from models.numerals import read_amount
from models.outbox.homes import look_at, place_of


async def ask_selected(context: RequestContext) -> Answer:
    """How many are ticked, on whichever page, and what they come to: kept, each in the version
    that was shown, and asked about before it is approved.
    """
    place = await place_of(context.session, context.user.id)
    seen = list(selected_bills(context, place).items())
    return Dialog(selected_preview(await list_selected(context.session, seen, context)))


async def approve_list(context: RequestContext) -> Answer:
    """The list that was shown: once, however often the click arrives. What was ticked for it is
    ticked no more.
    """
    list_id = context.ids("list")["list"]
    if await is_selection(context.session, list_id):
        place = await place_of(context.session, context.user.id)
        await look_at(context.session, context.user.id, with_selected(place, {}))
    return await _approve(context, list_id)


async def ask_under(context: RequestContext) -> Answer:
    """The dialog that asks for an amount."""
    waiting = await waiting_by_currency(context.session, context)
    if not waiting:
        raise Invalid("No bill waits for you now.")
    return Dialog(approve_under_form(waiting))


async def list_all_under(context: RequestContext) -> Answer:
    """What is under it, as it is now: kept, and shown before it is approved."""
    currency = context.entered(CURRENCY) or context.ids("currency")["currency"]
    under = read_amount(context.entered(UNDER), currency, UNDER)
    return Dialog(under_preview(*await list_under(context.session, currency, under, context)))


async def _approve(context: RequestContext, list_id: int) -> Reply:
    await start_approving(context.session, list_id, context, why_left_out)
    report = await approval_report(context.session, list_id)
    return Reply(approved_many(report) if report.ended else approving_begun(report))
