"""The button that brings a bill's document, just as it went out."""

from handlers.slack.answers import Answer, Reply, Unanswered
from handlers.slack.background import log_failure
from handlers.slack.blocks.outcomes import invoice_coming, invoice_missed
from handlers.slack.context import RequestContext, Services
from handlers.slack.references import bill_details
from handlers.slack.request import Request
from handlers.wording.bill_text import amount_due, short_title
from handlers.wording.formatting import esc
from models.bills.documents import issued_pdf
from models.queries.bill_details import BillDetails


async def invoice(context: RequestContext) -> Answer:
    """It comes to the direct messages of whoever asks, where others do not see it. Slack is
    brought it after the receipt, which would be late with it.
    """
    bill_id = context.ids("bill")["bill"]
    facts = await bill_details(context, bill_id)
    document = await issued_pdf(context.session, bill_id)
    name, content = f"{document.number}.pdf", document.content
    bringing = _bring(context.services, context.request, facts, name, content)
    context.services.background.start(bringing)
    return Reply(invoice_coming(name))


async def _bring(
    services: Services, request: Request, facts: BillDetails, name: str, content: bytes
) -> None:
    """Whoever waits is told where it did not come, as far as that is known."""
    comment = esc(f"{short_title(facts)}, {amount_due(facts)}")
    try:
        try:
            await services.slack.send_file(request.user_id, name, content, comment)
        except Unanswered:
            log_failure("An invoice may not have arrived", request)
        except Exception:
            log_failure("An invoice was not brought", request)
            await request.respond(services.slack, [Reply(invoice_missed(facts.id, name))])
    except Exception:
        log_failure("Nor was it told", request)
