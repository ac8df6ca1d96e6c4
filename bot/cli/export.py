"""`countersign export`: the books and the evidence as files."""

import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from bot.cli.interruptions import leave_output
from bot.cli.output import Exit, opened, progress_bar, run, say
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
from models.errors import Invalid
from models.exports.books import export_book
from models.exports.formats import Format, Table
from models.queries.scope import EVERYTHING, find_scope

WHOLE = "Nothing was changed, and no file is left half written. Run the same command again."
PARTLY = "Nothing was changed, and what was written is incomplete. Run the same command again."

Progress = Callable[[int, int], None]
"""Called with how much is done, of how much."""


def export_table(table: Table, form: Format, what: str | None, output: Path | None) -> None:
    kept = _kept(output)
    run(_export(table, form, what, output), kept, done=kept)


def export_evidence(what: str, output: Path) -> None:
    kept = _kept(output)
    run(_evidence(what, output), kept, done=kept)


def _kept(output: Path | None) -> str:
    return PARTLY if output is None or _is_stream(output) else WHOLE


def _is_stream(output: Path) -> bool:
    return output.exists() and not output.is_file()


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
        return await _print(pieces(lambda done, total: None))
    count = 0
    with _written(output) as file, progress_bar(f"Writing {output.name}") as progress:

        def told(done: int, total: int) -> None:
            nonlocal count
            count = done
            progress(done, total)

        async for piece in pieces(told):
            file.write(piece)
    say(f"{output}: {counted(count, of)}.")
    return Exit.DONE


def write_file(output: Path, content: bytes, what: str) -> Exit:
    """Write what is there already, whole or not at all."""
    with _written(output) as file:
        file.write(content)
    say(f"{output}: {what}.")
    return Exit.DONE


@contextmanager
def _written(output: Path) -> Iterator[BinaryIO]:
    """What a link leads to is written; what is no regular file, as a pipe, is written through."""
    target = Path(os.path.realpath(output))
    try:
        with output.open("wb") if _is_stream(output) else _replacing(target) as file:
            yield file
    except OSError as error:
        cause = (error.strerror or "it does not do").lower()
        raise Invalid(f"{output} cannot be written: {cause}.") from None


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """A file that takes the other one's place, and its permissions, once it is whole."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            if target.exists():
                shutil.copymode(target, unfinished)
            yield file
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


async def _print(pieces: AsyncIterator[bytes]) -> Exit:
    """To standard output, for as long as somebody reads it."""
    try:
        async for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.flush()
    except BrokenPipeError:
        leave_output()
    return Exit.DONE
