"""How the command line speaks: results to stdout, everything else to stderr, one exit status."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import typer

from bot.cli.interruptions import stopped_if_asked, told_if_interrupted
from bot.settings import BadSettings
from bot.warehouse.errors import SettingMissing
from models.db.database import Database, check_ready
from models.db.locks import busy_after_waiting
from models.errors import Ambiguous, DatabaseNotReady, Refusal
from models.imports.rows import BadRows, Flaw
from models.late import Late

if TYPE_CHECKING:
    from bot.cli import progress
    from handlers.wording import formatting, refusals
else:
    progress = Late("bot.cli.progress")
    formatting = Late("handlers.wording.formatting")
    refusals = Late("handlers.wording.refusals")


class Exit(IntEnum):
    """`DONE` also where nothing was to do; `SETUP` also where the command was typed wrong."""

    DONE = 0
    REFUSED = 1
    SETUP = 2


def say(text: str) -> None:
    """A result, as it is."""
    sys.stdout.write(f"{text}\n")


def say_aside(text: str) -> None:
    """What is no result: a refusal, or what went wrong."""
    sys.stderr.write(f"{text}\n")


def say_json(facts: dict[str, Any]) -> None:
    say(json.dumps(facts, ensure_ascii=False, default=str))


ALL_OR_NOTHING = "Either all of it was done or nothing. See how things stand, then try again."
UNCHANGED = "Nothing was changed. Run the same command again."
DONE = "All of it was done."


def run(
    work: Coroutine[Any, Any, Exit],
    kept: str = ALL_OR_NOTHING,
    as_json: bool = False,
    done: str = DONE,
) -> None:
    """Do the work of a command, and leave with its exit status, or that of its refusal.

    `kept`: what stands if it is interrupted, and how to go on. `done`: what stands once it answers.
    """
    with leaving(kept, as_json, done):
        status = asyncio.run(stopped_if_asked(work))
    raise typer.Exit(status)


def _in_words(refusal: Refusal) -> str:
    return refusals.refusal_text(refusal, refusals.Medium.COMMAND_LINE)


@contextmanager
def leaving(kept: str = "", as_json: bool = False, done: str = DONE) -> Iterator[None]:
    """Turn what is refused or interrupted inside into sentences and an exit status."""
    try:
        with told_if_interrupted(kept, done), busy_after_waiting():
            yield
    except BadSettings as error:
        say_aside(str(error))
        raise typer.Exit(Exit.SETUP) from None
    except (DatabaseNotReady, SettingMissing) as refusal:
        say_aside(_in_words(refusal))
        raise typer.Exit(Exit.SETUP) from None
    except BadRows as bad:
        _say_flaws(bad, as_json)
        raise typer.Exit(Exit.REFUSED) from None
    except Refusal as refusal:
        choices = refusal.choices if isinstance(refusal, Ambiguous) else []
        say_aside("\n  ".join((_in_words(refusal), *choices)))
        raise typer.Exit(Exit.REFUSED) from None


def _say_flaws(bad: BadRows, as_json: bool) -> None:
    if as_json:
        say_json({"faults": bad.total, "rows": [vars(flaw) for flaw in bad.flaws]})
    else:
        say_flaws(bad.flaws)
        if bad.total > len(bad.flaws):
            say_aside(f"… and {bad.total - len(bad.flaws):,} more")
    say_aside(_in_words(bad))


def say_flaws(flaws: Iterable[Flaw]) -> None:
    """Each on a line of its own, whatever stood in the row."""
    for flaw in flaws:
        say_aside(" ".join(formatting.clean(str(flaw)).splitlines()))


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
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with progress.bar(what) as told:
        yield told
