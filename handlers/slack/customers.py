"""`/customer`: the list of customers; adding and changing one."""

from handlers.slack.answers import Answer, Reply
from handlers.slack.blocks.customer_list import customer_list
from handlers.slack.context import RequestContext
from models.people.permissions import Permission
from models.period import Period
from models.queries.customer_list import CustomerFilter, list_customers
from models.text import cleaned_name

PAGE = 20


async def list_all(context: RequestContext, typed: str) -> Answer:
    """`[part of a name]`: customers by name, those that have or had it in theirs."""
    return await _list(context, cleaned_name(typed))


async def next_page(context: RequestContext) -> Answer:
    ids = context.ids("text", "after")
    return await _list(context, ids["text"], ids["after"], replace=context.is_private)


async def _list(
    context: RequestContext, called: str, after: str | None = None, *, replace: bool = False
) -> Answer:
    context.user.require(Permission.SEE)
    period = Period.last_closed(context.now, context.services.zone)
    page = await list_customers(context.session, CustomerFilter(called), period, after, PAGE)
    return Reply(customer_list(page, called), replace)
