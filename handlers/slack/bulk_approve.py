"""Many bills approved by one click: those that are ticked on Home, or the list of a digest."""

from handlers.slack.answers import Answer, Reply
from handlers.slack.blocks.bulk_approve import approved_many, approving_begun
from handlers.slack.context import RequestContext
from handlers.slack.selection import selected_bills, with_selected
from handlers.wording.approving_text import why_left_out
from models.batches.bulk_approve import approval_report, keep_selection, start_approving
from models.outbox.homes import look_at, place_of


async def approve_selected(context: RequestContext) -> Answer:
    """Each in the version that was shown, on whichever page; what became of each is told."""
    place = await place_of(context.session, context.user.id)
    selected = selected_bills(context, place)
    list_id = await keep_selection(context.session, list(selected.items()), context)
    await look_at(context.session, context.user.id, with_selected(place, {}))
    return await _approve(context, list_id)


async def approve_list(context: RequestContext) -> Answer:
    """The list that was shown: once, however often the click arrives."""
    return await _approve(context, context.ids("list")["list"])


async def _approve(context: RequestContext, list_id: int) -> Reply:
    await start_approving(context.session, list_id, context, why_left_out)
    report = await approval_report(context.session, list_id)
    return Reply(approved_many(report) if report.ended else approving_begun(report))
