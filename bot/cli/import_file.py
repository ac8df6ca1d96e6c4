"""`countersign import`."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.cli.output import DONE, UNCHANGED, Exit, opened, progress_bar, run, say, say_json
from bot.cli.people import people_lines
from bot.cli.recalculation_report import named_bills, recalculation_lines
from bot.settings import BooksSettings, read
from handlers.wording.formatting import counted, listing
from models.actions.keep_books import BookChange, import_book
from models.context import Context, Source
from models.imports.books import Book
from models.outbox.notifications import Recalculation
from models.people.users import system_user

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
            change = await import_book(session, Book(table), source, context, progress)
            if dry_run:
                await session.rollback()
    if as_json:
        say_json(_facts(change) | ({"dry_run": True} if dry_run else {}))
    else:
        unwritten = ["Nothing was written. This is what would be:"] if dry_run else []
        say("\n".join([*unwritten, *_lines(file.name, change)]))
    return Exit.DONE


def _facts(change: BookChange) -> dict[str, Any]:
    done, recalculated, stranded = change.imported, change.recalculated, change.stranded
    counts = {"added": done.added, "changed": done.changed, "unchanged": done.unchanged}
    people = {"people": [asdict(change) for change in done.people]} if done.people else {}
    bills = recalculated.counts if recalculated != Recalculation() else {}
    held = {"held": len(stranded)} if stranded else {}
    emptied = {"emptied": [asdict(lost) for lost in done.emptied]} if done.emptied else {}
    unwritten = {"unwritten": asdict(done.unwritten)} if done.unwritten else {}
    return counts | people | emptied | unwritten | held | ({"bills": bills} if bills else {})


def _more(count: int) -> list[str]:
    return [f"{count:,} more"] if count else []


def _lines(name: str, change: BookChange) -> Iterator[str]:
    done = change.imported
    if not done.written:
        rows = (
            f"all {done.unchanged:,} rows are as they were" if done.unchanged else "it has no rows"
        )
        yield f"{name}: nothing to do, {rows}."
        return
    yield f"{name}: {done.added:,} added, {done.changed:,} changed, {done.unchanged:,} unchanged."
    yield from people_lines(done.people)
    for lost in done.emptied:
        names = listing([*lost.names, *_more(lost.customers - len(lost.names))])
        yield f"  {lost.column} is empty now, and was not: {names}"
    if done.unwritten is not None:
        few = done.unwritten
        names = listing([*few.names, *_more(few.customers - len(few.names))])
        yield f"  no document can be drawn, because no font has a sign of theirs: {names}"
    yield from recalculation_lines(change.recalculated)
    if stranded := change.stranded:
        which = "it" if len(stranded) == 1 else "them"
        held = f"{counted(len(stranded), 'bill')} held, because nobody can decide {which} now"
        yield f"  {held}{named_bills(stranded)}"
