"""`countersign people`, and what became of people in words."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from bot.cli.output import Exit, opened, run, say
from bot.settings import BooksSettings, read
from models.actions.reroute import reroute_open_bills
from models.context import Source, system_context
from models.errors import NotFound
from models.people.permissions import Role
from models.people.sign_in_links import make_sign_in_link
from models.people.users import PersonChange, find_by_name, rename_person, set_person

NAMED_PEOPLE = 50
"""So many people are told one by one; of others it is said that there are more."""

KEPT = "Run the same command again: whoever is added already is not added twice."


def add_person(
    name: str, role: Role, slack_id: str | None, email: str | None, replace: bool
) -> None:
    run(_add_person(name, role, slack_id, email, replace), KEPT)


def rename(name: str, new_name: str) -> None:
    run(_rename(name, new_name))


def link(name: str) -> None:
    run(_link(name))


async def _add_person(
    name: str, role: Role, slack_id: str | None, email: str | None, replace: bool
) -> Exit:
    settings = read(BooksSettings)
    async with opened(settings.address()) as db, db.long_transaction() as session:
        person, change = await set_person(session, name, role, slack_id, email, replace=replace)
        now = datetime.now(settings.timezone)
        await reroute_open_bills(
            session, await system_context(session, now, Source.CLI, settings.billing())
        )
    say("\n".join((f"{person.name} has the role {person.role}.", *people_lines([change]))))
    return Exit.DONE


async def _rename(name: str, new_name: str) -> Exit:
    async with opened(read(BooksSettings).address()) as db, db.transaction() as session:
        change = await rename_person(session, name, new_name)
    say("\n".join(people_lines([change])) or f"{new_name} is called that already.")
    return Exit.DONE


async def _link(name: str) -> Exit:
    settings = read(BooksSettings)
    async with opened(settings.address()) as db, db.transaction() as session:
        user = await find_by_name(session, name)
        if user is None:
            raise NotFound(f"Nobody here is called “{name}”.")
        token = await make_sign_in_link(session, user, datetime.now(settings.timezone))
    say(f"Behind the address of the web pages, within ten minutes, this signs {user.name} in once:")
    say(f"/sign-in/{token}")
    return Exit.DONE


def people_lines(changes: Iterable[PersonChange]) -> Iterator[str]:
    """What is to be looked at twice: other names, roles and Slack accounts of known people."""
    told = [f"  {line}" for change in changes for line in _told(change)]
    yield from told[:NAMED_PEOPLE]
    if len(told) > NAMED_PEOPLE:
        yield f"  … and {len(told) - NAMED_PEOPLE:,} more"


def _told(change: PersonChange) -> Iterator[str]:
    before, after = change.before, change.after
    if before is None:
        return
    if before.name != after.name:
        yield f"{before.name} is called {after.name} now"
    if before.role != after.role and before.role is not None:
        yield f"{after.name} is {after.role or 'without a role'} now, and was {before.role}"
    if before.active != after.active:
        yield f"{after.name} {'is back' if after.active else 'is switched off'}"
    if before.slack_user_id not in (None, after.slack_user_id):
        now = after.slack_user_id or "none"
        yield f"{after.name} has the Slack account {now} now, and had {before.slack_user_id}"
