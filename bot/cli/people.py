"""`countersign people`."""

from datetime import datetime

from bot.cli.output import Exit, opened, run, say
from bot.settings import BooksSettings, read
from models.actions.reroute import reroute_open_bills
from models.context import Source, system_context
from models.people.permissions import Role
from models.people.users import add_user


def add_person(name: str, role: Role, slack_id: str | None, email: str | None) -> None:
    run(_add_person(name, role, slack_id, email))


async def _add_person(name: str, role: Role, slack_id: str | None, email: str | None) -> Exit:
    settings = read(BooksSettings)
    async with opened(settings.address()) as db, db.long_transaction() as session:
        person = await add_user(session, name, role, slack_id, email)
        now = datetime.now(settings.timezone)
        await reroute_open_bills(
            session, await system_context(session, now, Source.CLI, settings.billing())
        )
    say(f"{person.name} has the role {person.role}.")
    return Exit.DONE
