"""Files that a command writes: each is there whole or not at all."""

import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bot.cli.interruptions import leave_output
from bot.cli.output import Exit, say
from models.errors import Invalid

WHOLE = "Nothing was changed, and no file is left half written. Run the same command again."
PARTLY = "Nothing was changed, and what was written is incomplete. Run the same command again."


def what_is_kept(output: Path | None) -> str:
    return PARTLY if output is None or _is_stream(output) else WHOLE


def _is_stream(output: Path) -> bool:
    return output.exists() and not output.is_file()


def write_file(output: Path, content: bytes, what: str) -> Exit:
    """Write what is there already, whole or not at all."""
    with written(output) as file:
        file.write(content)
    say(f"{output}: {what}.")
    return Exit.DONE


@contextmanager
def written(output: Path) -> Iterator[BinaryIO]:
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


async def print_pieces(pieces: AsyncIterator[bytes]) -> Exit:
    """To standard output, for as long as somebody reads it."""
    try:
        async for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.flush()
    except BrokenPipeError:
        leave_output()
    return Exit.DONE
