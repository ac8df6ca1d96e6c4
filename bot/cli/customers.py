"""`countersign customers`."""

from collections.abc import Iterator
from datetime import datetime

from bot.cli.output import Exit, opened, run, say
from bot.cli.recalculation_report import recalculation_lines
from bot.settings import BooksSettings, read
from handlers.wording.formatting import listing
from models.actions.merge_customers import merge_customers
from models.actions.rename_customer import rename_customer
from models.context import Source, system_context
from models.customers.names import CustomerChange
from models.customers.search import find_customer, find_exactly, find_named
from models.db.columns import Session
from models.errors import NotFound
from models.outbox.notifications import Recalculation
from models.period import Period


def rename(name: str, new_name: str, reason: str | None) -> None:
    run(_rename(name, new_name, reason))


def merge(name: str, into: str, reason: str | None) -> None:
    run(_merge(name, into, reason))


async def _rename(name: str, new_name: str, reason: str | None) -> Exit:
    settings = read(BooksSettings)
    now = datetime.now(settings.timezone)
    async with opened(settings.address()) as db, db.long_transaction() as session:
        await _called(session, name)
        customer = await find_customer(session, name)
        context = await system_context(session, now, Source.CLI, settings.billing())
        change = await rename_customer(session, customer.id, new_name, context, reason)
    say(f"{change.old_name} is called {change.new_name} now. Both names find it.")
    return Exit.DONE


async def _merge(name: str, into: str, reason: str | None) -> Exit:
    settings = read(BooksSettings)
    now = datetime.now(settings.timezone)
    async with opened(settings.address()) as db, db.long_transaction() as session:
        await _called(session, name)
        await _called(session, into)
        ids = (await find_named(session, name)).id, (await find_customer(session, into)).id
        context = await system_context(session, now, Source.CLI, settings.billing())
        change, recalculated = await merge_customers(session, *ids, context, reason)
    say("\n".join(_merged_lines(change, recalculated)))
    return Exit.DONE


async def _called(session: Session, name: str) -> None:
    """What is changed for good is named in full: no beginning of a name is enough."""
    if await find_exactly(session, name) is None:
        meant = await find_named(session, name)
        raise NotFound(
            f"No customer is called “{name}”. Did you mean “{meant.name}”? Write it out."
        )


def _merged_lines(change: CustomerChange, recalculated: Recalculation) -> Iterator[str]:
    yield f"{change.old_name} is one with {change.new_name} now. Its names find {change.new_name}."
    if change.moved_usage:
        months = listing([str(Period.of(day)) for day in change.moved_usage])
        yield f"  Usage that nobody had billed went to {change.new_name}: {months}"
    yield from recalculation_lines(recalculated)
