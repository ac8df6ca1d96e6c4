"""`countersign export`: the books and the evidence as files."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

from bot.cli.output import Exit, opened, progress_bar, run, say
from bot.cli.output_files import print_pieces, what_is_kept, written
from bot.settings import BooksSettings, DatabaseSettings, read
from handlers.documents.evidence import evidence_page
from handlers.wording.formatting import counted
from models.audit.evidence import (
    BillEvidence,
    by_state,
    evidence_lines,
    evidence_of_bills,
    verify_scope,
)
from models.exports.books import export_book
from models.exports.formats import Format, Table
from models.queries.scope import EVERYTHING, find_scope

Progress = Callable[[int, int], None]
"""Called with how much is done, of how much."""


def export_table(table: Table, form: Format, what: str | None, output: Path | None) -> None:
    kept = what_is_kept(output)
    run(_export(table, form, what, output), kept, done=kept)


def export_evidence(what: str, output: Path) -> None:
    kept = what_is_kept(output)
    run(_evidence(what, output), kept, done=kept)


async def _export(table: Table, form: Format, what: str | None, output: Path | None) -> Exit:
    async with opened(read(DatabaseSettings).address()) as db, db.reading() as session:
        meant = await find_scope(session, what) if what else EVERYTHING
        return await _write(
            output,
            lambda progress: export_book(session, table, form, meant, progress),
            "row",
        )


async def _evidence(what: str, output: Path) -> Exit:
    settings = read(BooksSettings)
    now = datetime.now(settings.timezone)
    async with opened(settings.address()) as db, db.reading() as session:
        meant = await find_scope(session, what)
        with progress_bar("Verifying") as show:
            verdict = await verify_scope(
                session, meant, lambda seen: show(seen.actions, seen.of_actions)
            )

        async def page(progress: Progress) -> AsyncIterator[bytes]:
            states = await by_state(session, meant) if meant.period else None
            lines = evidence_lines(session, meant)
            bills = _told(evidence_of_bills(session, meant, verdict), verdict.bills, progress)
            async for piece in evidence_page(meant, verdict, states, lines, bills, now):
                yield piece.encode()

        return await _write(output, page, "bill")


async def _told(
    bills: AsyncIterator[BillEvidence], total: int, progress: Progress
) -> AsyncIterator[BillEvidence]:
    done = 0
    async for bill in bills:
        yield bill
        done += 1
        progress(done, total)


async def _write(
    output: Path | None, pieces: Callable[[Progress], AsyncIterator[bytes]], of: str
) -> Exit:
    """Write what comes; a file is there whole or not at all."""
    if output is None:
        return await print_pieces(pieces(lambda done, total: None))
    count = 0
    with written(output) as file, progress_bar(f"Writing {output.name}") as progress:

        def told(done: int, total: int) -> None:
            nonlocal count
            count = done
            progress(done, total)

        async for piece in pieces(told):
            file.write(piece)
    say(f"{output}: {counted(count, of)}.")
    return Exit.DONE
