"""`countersign export ledger`: entries for an accounting program."""

import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import typer

from bot.cli.output import Exit, opened, progress_bar, run, say, say_aside, say_json
from bot.cli.output_files import print_pieces, what_is_kept, written
from bot.settings import BooksSettings, DatabaseSettings, read
from handlers.ledgers.booking import TAXES
from handlers.ledgers.file import PROGRAMS, LedgerFile
from handlers.ledgers.programs import Batch, Program
from handlers.wording.formatting import counted, listing
from models.exports.formats import LedgerFormat
from models.exports.ledger import (
    EACH_ROWS,
    Ledger,
    LedgerScope,
    keep_export,
    kept_export,
    kept_file,
    last_export,
)
from models.exports.ledger_accounts import Accounts, default_accounts, read_accounts
from models.period import Period
from models.queries.scope import EVERYTHING, Scope

CLAIMED = (
    "Either the export is recorded or nothing is. `countersign export ledger-again` writes the last"
    " one that is."
)


@dataclass(frozen=True)
class Wanted:
    """Bills of a month, what is dated in a month, and of these perhaps only what is new."""

    month: Period | None
    dated: Period | None
    since_last: bool

    def scope(self, program: Program) -> LedgerScope:
        bills = Scope(period=self.month) if self.month else EVERYTHING
        return LedgerScope(bills, self.dated, program.currency)


def export_ledger(
    form: LedgerFormat, wanted: Wanted, accounts: Path | None, output: Path | None, as_json: bool
) -> None:
    program = PROGRAMS[form]
    if accounts is None and not program.has_defaults:
        raise typer.BadParameter(
            f"{form} has accounts of your own: list them in a file, and name it with --accounts."
        )
    kept = CLAIMED if wanted.since_last else what_is_kept(output)
    run(_export(program, wanted, accounts, output, as_json), kept, as_json, done=kept)


def export_again(number: int | None, output: Path | None, as_json: bool) -> None:
    kept = what_is_kept(output)
    run(_again(number, output, as_json), kept, as_json, done=kept)


async def _export(
    program: Program, wanted: Wanted, accounts: Path | None, output: Path | None, as_json: bool
) -> Exit:
    settings = read(BooksSettings)
    async with opened(settings.address()) as db:
        begun = db.long_transaction() if wanted.since_last else db.reading()
        async with begun as session:
            ledger = Ledger(session, wanted.scope(program), settings.timezone)
            listed = await _accounts(ledger, program, accounts)
            left = _LeftOut(await ledger.untold(), await ledger.in_other_currencies())
            meant = await ledger.claim(program.form) if wanted.since_last else ledger
            if meant is None:
                last = await last_export(session, program.form)
                return _nothing_new(program, left, last, output, as_json)
            with tempfile.TemporaryFile() as file:
                entries = await _entries(meant, program, listed, file)
                made = _Made(meant.scope.claimed_by, entries, entries.finish(), left)
                await _hand_out(meant, made, file, output)
    _report(made, output, as_json)
    return Exit.DONE


async def _accounts(ledger: Ledger, program: Program, path: Path | None) -> Accounts:
    if path is None:
        return default_accounts(program.parts)
    with path.open("rb") as file:
        return await read_accounts(ledger.session, file, program.parts, TAXES)


async def _entries(
    ledger: Ledger, program: Program, accounts: Accounts, file: BinaryIO
) -> LedgerFile:
    span = await ledger.span()
    made = LedgerFile(program, Batch(span, accounts), file)
    made.begin()
    with progress_bar("Writing entries") as progress:
        async for entry in ledger.entries():
            made.add(entry)
            if made.entries % EACH_ROWS == 0:
                progress(made.entries, span.entries)
    return made


@dataclass(frozen=True)
class _LeftOut:
    """Documents that can be in no file: by number, and how many by currency."""

    untold: list[str]
    other_currencies: dict[str, int]

    def told(self, program: Program) -> Iterator[str]:
        if self.other_currencies:
            counts = [f"{count:,} in {code}" for code, count in self.other_currencies.items()]
            only = f"{program.form} takes another currency only with a rate."
            yield f"Not in it: {listing(counts)}. {only}"
        if self.untold:
            numbers = listing(self.untold)
            yield f"Not in it, since what they say was not kept when they went out: {numbers}."


@dataclass(frozen=True)
class _Made:
    """A file as it was written, and what is not in it."""

    export_id: int | None
    written: LedgerFile
    sha256: str
    left: _LeftOut

    @property
    def facts(self) -> dict[str, Any]:
        span = self.written.batch.span
        return {
            "format": self.written.program.form,
            "export": self.export_id,
            "entries": self.written.entries,
            "first": span.first,
            "last": span.last,
            "sums": {
                currency: {name: f"{amount:f}" for name, amount in sums._asdict().items()}
                for currency, sums in self.written.sums.items()
            },
            "sha256": self.sha256,
            "look_at": self.written.told,
            **asdict(self.left),
        }


async def _hand_out(ledger: Ledger, made: _Made, file: BinaryIO, output: Path | None) -> None:
    """What was claimed counts as gone out once the file is written, and before it is there."""
    if made.export_id is not None:
        file.seek(0)
        entries = made.written.entries
        await keep_export(ledger.session, made.export_id, file, entries, made.sha256)
    file.seek(0)
    with written(output) if output else nullcontext(sys.stdout.buffer) as target:
        shutil.copyfileobj(file, target)
        target.flush()
        await ledger.session.commit()


def _nothing_new(
    program: Program, left: _LeftOut, last: int | None, output: Path | None, as_json: bool
) -> Exit:
    if as_json:
        nothing = {"format": program.form, "export": None, "entries": 0, "file": None}
        say_json(nothing | asdict(left))
        return Exit.DONE
    for aside in left.told(program):
        say_aside(aside)
    since = f" since export {last}" if last else ""
    kept = f" {output} was not written." if output else ""
    (say if output else say_aside)(f"Nothing new{since}.{kept}")
    return Exit.DONE


def _report(made: _Made, output: Path | None, as_json: bool) -> None:
    if as_json:
        say_json(made.facts | {"file": str(output)})
        return
    tell = say if output else say_aside
    for aside in (*made.written.told, *made.left.told(made.written.program)):
        say_aside(aside)
    entries = counted(made.written.entries, "entry", "entries")
    where = f"{output}: " if output else ""
    export = f", export {made.export_id}" if made.export_id else ""
    tell(f"{where}{entries}{export}.")
    for currency, sums in made.written.sums.items():
        tell(f"  {currency}: net {sums.net:f}, tax {sums.tax:f}, gross {sums.gross:f}")


async def _again(number: int | None, output: Path | None, as_json: bool) -> Exit:
    async with opened(read(DatabaseSettings).address()) as db, db.reading() as session:
        kept = await kept_export(session, number)
        pieces = kept_file(session, kept.id)
        if output is None:
            return await print_pieces(pieces)
        await _copy(pieces, output)
    if as_json:
        say_json(
            {"format": kept.format, "export": kept.id, "entries": kept.entries}
            | {"sha256": kept.sha256, "file": str(output)}
        )
    else:
        entries = counted(kept.entries, "entry", "entries")
        say(f"{output}: {entries}, export {kept.id} for {kept.format}.")
    return Exit.DONE


async def _copy(pieces: AsyncIterator[bytes], output: Path) -> None:
    with written(output) as file:
        async for piece in pieces:
            file.write(piece)
