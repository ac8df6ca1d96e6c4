"""`/usage sources`: where usage is asked for by SQL, and asking."""

from handlers.slack.answers import Answer, Dialog, Reply, as_dialog
from handlers.slack.blocks.sources import (
    ARGUMENTS,
    MONTH,
    NAME,
    PULL,
    QUERY,
    SOURCE,
    URL,
    WHAT,
    asking_form,
    source_added,
    source_asked,
    source_form,
    sources_list,
)
from handlers.slack.context import RequestContext
from models.errors import Faults, Invalid, NotFound
from models.people.permissions import Permission
from models.people.who_can import require
from models.period import Period
from models.queries.sources import list_sources
from models.usage.pull_requests import ask_source
from models.usage.source_address import typed_connect_args
from models.usage.sources import add_source, sources

MONTHS_TO_CHOOSE = 25


async def show(context: RequestContext, _: str) -> Answer:
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    return Reply(sources_list(await list_sources(context.session)))


async def ask_which(context: RequestContext) -> Answer:
    """Which of them, for which month."""
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    found = await sources(context.session)
    if not found:
        raise NotFound("No source is switched on.")
    months = _months(context)
    return Dialog(asking_form(found, months, months[1]))


def _months(context: RequestContext) -> list[Period]:
    """Those to choose from, the running one first."""
    running = Period.current(context.now, context.services.zone)
    return [running.plus(-back) for back in range(MONTHS_TO_CHOOSE)]


async def ask_chosen(context: RequestContext) -> Answer:
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    chosen, month = context.entered(SOURCE), context.entered(MONTH)
    if not chosen.isdecimal():
        raise Invalid("Choose a source.", SOURCE)
    if month not in map(str, _months(context)):
        raise Invalid("Choose a month.", MONTH)
    period, is_check = Period.parse(month), context.entered(WHAT) != PULL
    source = await ask_source(context.session, int(chosen), period, context, is_check=is_check)
    return Dialog(as_dialog(source_asked(source, period)))


async def pull_again(context: RequestContext) -> Answer:
    return await _pull(context)


async def apply(context: RequestContext) -> Answer:
    """Take in what an answer takes away, which was held."""
    return await _pull(context, anyway=True)


async def _pull(context: RequestContext, *, anyway: bool = False) -> Answer:
    ids = context.ids("source", "period")
    period = Period.parse(ids["period"])
    source = await ask_source(context.session, ids["source"], period, context, anyway=anyway)
    return Reply(source_asked(source, period))


async def new(context: RequestContext) -> Answer:
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    return Dialog(source_form())


async def add(context: RequestContext) -> Answer:
    faults, arguments = Faults(), None
    with faults.noted():
        arguments = typed_connect_args(context.entered(ARGUMENTS))
    with faults.noted():
        source = await add_source(
            context.session,
            name=context.entered(NAME),
            url=context.entered(URL),
            query=context.entered(QUERY),
            context=context,
            connect_args=arguments or {},
        )
    faults.refuse()
    return Dialog(as_dialog(source_added(source)))
