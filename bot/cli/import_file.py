"""`countersign import`."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bot.cli.output import Exit, opened, progress_bar, run, say, say_json
from bot.cli.run_report import recalculation_counts, recalculation_lines
from bot.settings import BooksSettings, read
from handlers.wording.formatting import counted
from models.actions.recalculate import follow_customers, recalculate
from models.actions.reroute import reroute_open_bills
from models.context import Context, Source
from models.imports.files import Imported, import_customers, import_people, import_usage
from models.outbox.notifications import Recalculation
from models.people.users import system_user

IMPORTS = {"customers": import_customers, "usage": import_usage, "people": import_people}


def import_file(table: str, file: Path, as_json: bool) -> None:
    run(_import(table, file, as_json), as_json)


async def _import(table: str, file: Path, as_json: bool) -> Exit:
    settings = read(BooksSettings)
    now = datetime.now(settings.timezone)
    with file.open("rb") as source, progress_bar(f"Importing {file.name}") as progress:
        async with opened(settings.address()) as db, db.long_transaction() as session:
            user = await system_user(session)
            context = Context(user, now, Source.CLI, settings.billing())
            done = await IMPORTS[table](session, source, user, now, progress=progress)
            settled, stranded = Recalculation(), 0
            if not done.written:
                pass
            elif table == "people":
                stranded = await reroute_open_bills(session, context)
            elif table == "usage":
                settled = await recalculate(session, context)
            else:
                stranded, settled = await follow_customers(session, context)
    if as_json:
        bills = {"bills": recalculation_counts(settled)} if settled != Recalculation() else {}
        held = {"held": stranded} if stranded else {}
        say_json(vars(done) | held | bills)
    else:
        say("\n".join(_imported_lines(file.name, done, stranded, settled)))
    return Exit.DONE


def _imported_lines(
    name: str, done: Imported, stranded: int, settled: Recalculation
) -> Iterator[str]:
    if not done.written:
        yield f"{name}: nothing to do, all {done.unchanged:,} rows are as they were."
        return
    yield f"{name}: {done.added:,} added, {done.changed:,} changed, {done.unchanged:,} unchanged."
    if stranded:
        which = "it" if stranded == 1 else "them"
        yield f"  {counted(stranded, 'bill')} held, because nobody can decide {which} now"
    yield from recalculation_lines(settled)
