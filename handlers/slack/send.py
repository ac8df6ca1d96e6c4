"""`/bill send`: a preview first, then the list that was shown; and the button of one bill."""

from handlers.slack.answers import Answer, Reply
from handlers.slack.blocks.bulk_send import (
    send_cancelled,
    send_preview,
    send_preview_promised,
)
from handlers.slack.blocks.card import bill_card
from handlers.slack.blocks.sent import list_going, list_retried, list_sent, one_sent, shape
from handlers.slack.context import RequestContext
from handlers.slack.parsing import month_and_rest, refs
from handlers.slack.references import bill_details, named_bill
from handlers.slack.request import Click
from models.actions.send import send_bill
from models.batches.bulk_send import is_send_started, send_report, start_send
from models.batches.bulk_send_outcome import listed, outcome_of
from models.batches.send_again import retry_failed
from models.batches.send_preview import is_quick, preview_send, promise_send_preview
from models.errors import Invalid
from models.outbox.private_answers import Told, keep_answer
from models.outbox.threads import is_redrawn_at
from models.period import Period, is_month_name
from models.queries.references import is_customer

WHICH = "Which bills? Write their numbers, such as `#42 #43`, a customer and a month, or a month."


async def preview(context: RequestContext, typed: str) -> Answer:
    """What sending these bills, or every approved bill of a month, would do."""
    period = await _month_alone(context, typed)
    if period is not None:
        return await _preview_of_month(context, period)
    named = refs(typed)
    if not named:
        raise Invalid(WHICH)
    bills = dict.fromkeys([await named_bill(context, one) for one in named])
    return Reply(send_preview(await preview_send(context.session, context, list(bills))))


async def _month_alone(context: RequestContext, typed: str) -> Period | None:
    """The month that was typed and nothing else, unless a customer is called so."""
    month, rest = month_and_rest(typed)
    if month is None and is_month_name(typed) and not await is_customer(context.session, typed):
        month, rest = typed, ""
    return Period.parse(month, context.today) if month and not rest else None


async def _preview_of_month(context: RequestContext, period: Period) -> Reply:
    """Of many bills it is worked out by a job, and comes as a message."""
    session = context.session
    if not await is_quick(session, period, context.settings.most_at_once):
        await promise_send_preview(session, period, context)
        return Reply(send_preview_promised(period))
    return Reply(send_preview(await preview_send(session, context, period=period)))


async def send_list(context: RequestContext) -> Answer:
    """Send what was previewed: once, however often the click arrives."""
    list_id = context.ids("list")["list"]
    await start_send(context.session, list_id, context)
    return await _report(context, list_id)


async def cancel_list(context: RequestContext) -> Answer:
    list_id = context.ids("list")["list"]
    if await is_send_started(context.session, list_id):
        return await _report(context, list_id, too_late=True)
    return Reply(send_cancelled(), replace=True)


async def retry_list(context: RequestContext) -> Answer:
    """Send those of a list that failed once more: once, however often the click arrives."""
    again, begun = await retry_failed(context.session, context.ids("list")["list"], context)
    bills = (await listed(context.session, again)).bills
    return Reply(list_retried(bills, too_late=not begun))


async def _report(context: RequestContext, list_id: int, *, too_late: bool = False) -> Reply:
    """What became of the list so far; what is told is corrected when that changes."""
    session = context.session
    report = await send_report(session, list_id, context.settings.most_at_once)
    if not report.ended:
        return Reply(list_going(await listed(session, list_id), too_late=too_late), replace=True)
    facts = await outcome_of(session, list_id, report)
    await _keep(context, Told(shape(facts), list_id=list_id))
    return Reply(list_sent(facts, context.user, too_late=too_late), replace=True)


async def send_one(context: RequestContext) -> Answer | None:
    """Send the bill in the version that was shown. What is drawn anew by itself says so; elsewhere
    the answer takes the place of what was clicked.
    """
    ids = context.ids("bill", "version")
    await send_bill(context.session, ids["bill"], ids["version"], context)
    place = context.request.message if isinstance(context.request, Click) else None
    if place is not None and await is_redrawn_at(context.session, *place):
        return None
    if "list" in ids:
        return await _report(context, ids["list"])
    facts = await bill_details(context, ids["bill"])
    shows_card = context.is_private
    told = (
        bill_card(facts, context.user, has_thread=False)
        if shows_card
        else one_sent(facts, context.user)
    )
    await _keep(context, Told(told.text, bill_id=ids["bill"], has_card=shows_card))
    return Reply(told, replace=True)


async def _keep(context: RequestContext, told: Told) -> None:
    """Have the answer corrected when its bills move, as far as it has an address."""
    address = context.request.body.get("response_url")
    if address:
        await keep_answer(context.session, context.user, address, told, context.now)
