"""The link by which a customer sees what is behind a document: looked at, made, revoked."""

from handlers.slack.answers import Answer, Dialog
from handlers.slack.blocks.usage_links import customers_link, link_made, links_revoked
from handlers.slack.context import RequestContext
from handlers.slack.references import bill_details
from models.actions.usage_links import make_link, refuse_without_document, revoke_links
from models.bills.usage_links import are_links_wanted, open_until
from models.people.permissions import Permission
from models.people.who_can import require


async def look(context: RequestContext) -> Answer:
    """Whether there is one, with buttons for what Finance can do about it."""
    bill_id = context.ids("bill")["bill"]
    await require(context.session, context.user, Permission.SEND)
    await refuse_without_document(context.session, bill_id)
    until = await open_until(context.session, bill_id, context.now)
    facts = await bill_details(context, bill_id)
    return Dialog(customers_link(facts, until, can_make=are_links_wanted(context.settings)))


async def make(context: RequestContext) -> Answer:
    """Where the clicker looks, and nowhere else."""
    bill_id = context.ids("bill")["bill"]
    link = await make_link(context.session, bill_id, context)
    return Dialog(link_made(await bill_details(context, bill_id), link))


async def revoke(context: RequestContext) -> Answer:
    bill_id = context.ids("bill")["bill"]
    count = await revoke_links(context.session, bill_id, context)
    return Dialog(links_revoked(await bill_details(context, bill_id), count))
