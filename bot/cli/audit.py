"""The commands for whoever audits: prove the record, hand out the books and the evidence."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, TypeVar

import typer

from bot.cli.output import Exit, Json, opened, progress_bar, run, say, say_json
from bot.settings import BooksSettings, DatabaseSettings, read
from handlers.documents.evidence import evidence_page
from handlers.wording.formatting import counted
from handlers.wording.refusals import Medium, refusal_text
from models.audit.bill_check import Discrepancy
from models.audit.evidence import (
    BillEvidence,
    by_state,
    evidence_lines,
    evidence_of_bills,
    verify_scope,
)
from models.audit.verify import VerifyProgress, verify
from models.errors import Invalid, Refusal
from models.exports.books import Format, Table, export_book
from models.period import Period
from models.queries.scope import EVERYTHING, find_scope, readable_scope

SHOWN_MISFITS = 1000
T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Called with how much is done, of how much."""


def _typed(reading: Callable[[str], T]) -> Callable[[str], T]:
    """What was typed, read; what cannot be read was typed wrong."""

    def parse(text: str) -> T:
        try:
            return reading(text)
        except Refusal as refusal:
            raise typer.BadParameter(refusal_text(refusal, Medium.COMMAND_LINE)) from None

    return parse


WHAT = typer.Argument(
    parser=_typed(readable_scope),
    metavar="WHAT",
    help="A month as in 2026-10, or a bill: #12, 12, or its customer and month.",
)

_FITS = {0: "every record is as it was written", 1: "1 does not fit"}


def verify_command(what: Annotated[str | None, WHAT] = None, as_json: Json = False) -> None:
    """Prove that no record was changed behind its back, and each bill is what its record says."""
    run(_verify(what, as_json))


async def _verify(what: str | None, as_json: bool) -> Exit:
    shown: list[Discrepancy] = []
    discrepancies, seen = 0, VerifyProgress()
    async with opened(read(DatabaseSettings).address()) as db, db.reading() as session:
        meant = await find_scope(session, what) if what else EVERYTHING
        with progress_bar("Verifying") as show:

            def look(now: VerifyProgress) -> None:
                nonlocal seen
                seen = now
                show(now.actions, now.of_actions)

            async for discrepancy in verify(session, meant, look):
                discrepancies += 1
                if not as_json:
                    say(str(discrepancy))
                elif discrepancies <= SHOWN_MISFITS:
                    shown.append(discrepancy)
    if as_json:
        counts = {"bills": seen.bills, "actions": seen.actions, "misfits": discrepancies}
        say_json(counts | {"rows": [vars(discrepancy) for discrepancy in shown]})
    else:
        fits = _FITS.get(discrepancies, f"{discrepancies:,} do not fit")
        bills, actions = counted(seen.bills, "bill"), counted(seen.actions, "action")
        say(f"{bills} with {actions} verified: {fits}.")
    return Exit.REFUSED if discrepancies else Exit.DONE


export_app = typer.Typer(help="Hand out the books as files.", no_args_is_help=True)

Month = Annotated[
    Period | None,
    typer.Option(parser=_typed(Period.parse), metavar="YYYY-MM", help="Only this month."),
]

OfBill = Annotated[
    str | None,
    typer.Option("--bill", parser=_typed(readable_scope), metavar="REF", help="Only this bill."),
]

Output = Annotated[
    Path | None,
    typer.Option(dir_okay=False, metavar="FILE", help="Where to write; standard output if unset."),
]


def _export_command(table: Table) -> Callable[..., None]:
    def command(
        month: Month = None,
        bill: OfBill = None,
        output: Output = None,
        form: Annotated[Format, typer.Option("--format")] = Format.CSV,
    ) -> None:
        if month and bill:
            raise typer.BadParameter("Name a month or a bill, not both.")
        run(_export(table, form, str(month) if month else bill, output))

    return command


for _table in Table:
    export_app.command(_table.value, help=f"Write {_table.value} as CSV or JSON Lines.")(
        _export_command(_table)
    )


async def _export(table: Table, form: Format, what: str | None, output: Path | None) -> Exit:
    async with opened(read(DatabaseSettings).address()) as db, db.reading() as session:
        meant = await find_scope(session, what) if what else EVERYTHING
        return await _write(
            output,
            lambda progress: export_book(session, table, form, meant, progress),
            "row",
        )


@export_app.command("evidence")
def evidence_command(
    what: Annotated[str, WHAT],
    output: Annotated[
        Path, typer.Option(dir_okay=False, metavar="FILE", help="The page to write.")
    ],
) -> None:
    """Write all there is to know of a bill, or of the bills of a month, as one page of HTML."""
    run(_evidence(what, output))


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
    with _replacing(output) as file, progress_bar(f"Writing {output.name}") as progress:

        def told(done: int, total: int) -> None:
            nonlocal count
            count = done
            progress(done, total)

        async for piece in pieces(told):
            file.write(piece)
    say(f"{output}: {counted(count, of)}.")
    return Exit.DONE


@contextmanager
def _replacing(output: Path) -> Iterator[BinaryIO]:
    unfinished = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(output)
    except OSError as error:
        cause = (error.strerror or "it does not do").lower()
        raise Invalid(f"{output} cannot be written: {cause}.") from None
    finally:
        unfinished.unlink(missing_ok=True)


async def _print(pieces: AsyncIterator[bytes]) -> Exit:
    """To standard output, for as long as somebody reads it."""
    try:
        async for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.DONE
