"""How the command line speaks: results to stdout, everything else to stderr, one exit status."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import IntEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from bot.settings import BadSettings
from handlers.wording.refusals import Medium, refusal_text
from models.db.database import Database, check_ready
from models.errors import Ambiguous, DatabaseNotReady, Refusal
from models.imports.csv_reader import BadRows

Json = Annotated[bool, typer.Option("--json", help="Answer as one JSON object.")]


class Exit(IntEnum):
    """`DONE` also where nothing was to do; `SETUP` also where the command was typed wrong."""

    DONE = 0
    REFUSED = 1
    SETUP = 2


_errors = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """A result, as it is: no markup, no folding."""
    sys.stdout.write(f"{text}\n")


def say_json(facts: dict[str, Any]) -> None:
    say(json.dumps(facts, ensure_ascii=False, default=str))


def run(work: Coroutine[Any, Any, Exit], as_json: bool = False) -> None:
    """Do the work of a command, and leave with its exit status, or that of its refusal."""
    with leaving(as_json):
        raise typer.Exit(asyncio.run(work))


@contextmanager
def leaving(as_json: bool = False) -> Iterator[None]:
    """Turn what is refused inside into sentences and an exit status."""
    try:
        yield
    except BadSettings as error:
        _errors.print(str(error))
        raise typer.Exit(Exit.SETUP) from None
    except DatabaseNotReady as refusal:
        _errors.print(refusal_text(refusal, Medium.COMMAND_LINE))
        raise typer.Exit(Exit.SETUP) from None
    except BadRows as bad:
        _say_flaws(bad, as_json)
        raise typer.Exit(Exit.REFUSED) from None
    except Refusal as refusal:
        choices = refusal.choices if isinstance(refusal, Ambiguous) else []
        _errors.print("\n  ".join((refusal_text(refusal, Medium.COMMAND_LINE), *choices)))
        raise typer.Exit(Exit.REFUSED) from None


def _say_flaws(bad: BadRows, as_json: bool) -> None:
    if as_json:
        say_json({"faults": bad.total, "rows": [vars(flaw) for flaw in bad.flaws]})
    else:
        _errors.print("\n".join(str(flaw) for flaw in bad.flaws))
        if bad.total > len(bad.flaws):
            _errors.print(f"… and {bad.total - len(bad.flaws):,} more")
    _errors.print(bad.sentence)


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[Database]:
    """The database, ready to be worked with, closed afterwards."""
    db = Database(address)
    try:
        await check_ready(db)
        yield db
    finally:
        await db.close()


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for long work, told how much of how much is done; only where somebody looks on."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    bar = Progress(
        *columns,
        TimeRemainingColumn(),
        console=_errors,
        transient=True,
        disable=not _errors.is_terminal,
    )
    with bar:
        task = bar.add_task(what, total=None)

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield told
