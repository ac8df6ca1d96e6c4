"""`countersign import`."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.cli.output import DONE, UNCHANGED, Exit, opened, progress_bar, run, say, say_json
from bot.cli.people import people_lines
from bot.cli.run_report import named_bills, recalculation_counts, recalculation_lines
from bot.settings import BooksSettings, read
from handlers.wording.formatting import counted, listing
from models.actions.recalculate import follow_customers, recalculate
from models.actions.reroute import reroute_open_bills
from models.context import Context, Source
from models.imports.files import Imported, import_customers, import_people, import_usage
from models.outbox.notifications import Recalculation
from models.people.users import system_user

IMPORTS = {"customers": import_customers, "usage": import_usage, "people": import_people}


KEPT = (
    "The file is in as a whole or not at all. Run the same command again: what is in already stays "
    "as it is."
)


def import_file(table: str, file: Path, dry_run: bool, as_json: bool) -> None:
    kept, done = (UNCHANGED, UNCHANGED) if dry_run else (KEPT, DONE)
    run(_import(table, file, dry_run, as_json), kept, as_json, done)


async def _import(table: str, file: Path, dry_run: bool, as_json: bool) -> Exit:
    settings = read(BooksSettings)
    now = datetime.now(settings.timezone)
    with file.open("rb") as source, progress_bar(f"Importing {file.name}") as progress:
        async with opened(settings.address()) as db, db.long_transaction() as session:
            user = await system_user(session)
            context = Context(user, now, Source.CLI, settings.billing())
            done = await IMPORTS[table](session, source, user, now, progress=progress)
            stranded: tuple[int, ...] = ()
            recalculated = Recalculation()
            if not done.written:
                pass
            elif table == "people":
                stranded = await reroute_open_bills(session, context)
            elif table == "usage":
                recalculated = await recalculate(session, context)
            else:
                stranded, recalculated = await follow_customers(session, context)
            if dry_run:
                await session.rollback()
    if as_json:
        say_json(_facts(done, stranded, recalculated) | ({"dry_run": True} if dry_run else {}))
    else:
        unwritten = ["Nothing was written. This is what would be:"] if dry_run else []
        say("\n".join([*unwritten, *_lines(file.name, done, stranded, recalculated)]))
    return Exit.DONE


def _facts(
    done: Imported, stranded: tuple[int, ...], recalculated: Recalculation
) -> dict[str, Any]:
    counts = {"added": done.added, "changed": done.changed, "unchanged": done.unchanged}
    people = {"people": [asdict(change) for change in done.people]} if done.people else {}
    bills = recalculation_counts(recalculated) if recalculated != Recalculation() else {}
    held = {"held": len(stranded)} if stranded else {}
    emptied = {"emptied": [asdict(lost) for lost in done.emptied]} if done.emptied else {}
    return counts | people | emptied | held | ({"bills": bills} if bills else {})


def _more(count: int) -> list[str]:
    return [f"{count:,} more"] if count else []


def _lines(
    name: str, done: Imported, stranded: tuple[int, ...], recalculated: Recalculation
) -> Iterator[str]:
    if not done.written:
        yield f"{name}: nothing to do, all {done.unchanged:,} rows are as they were."
        return
    yield f"{name}: {done.added:,} added, {done.changed:,} changed, {done.unchanged:,} unchanged."
    yield from people_lines(done.people)
    for lost in done.emptied:
        names = listing([*lost.names, *_more(lost.customers - len(lost.names))])
        yield f"  {lost.column} is empty now, and was not: {names}"
    yield from recalculation_lines(recalculated)
    if stranded:
        which = "it" if len(stranded) == 1 else "them"
        held = f"{counted(len(stranded), 'bill')} held, because nobody can decide {which} now"
        yield f"  {held}{named_bills(stranded)}"
