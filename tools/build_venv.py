"""Builds `.venv` from `requirements.lock`, telling what it is at: what `make .venv` runs.

Nothing is installed yet when this runs, so it stands on the standard library alone. `.venv/built`
is written last, and every build begins with an empty folder: what an interrupted one left is never
taken for finished, and the next `make` heals it.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BUILT = VENV / "built"
LOCK = ROOT / "requirements.lock"
MADE_FROM = (LOCK, ROOT / "pyproject.toml")
PYTHON = str(VENV / "bin" / "python")
PIP = (PYTHON, "-m", "pip", "install", "--disable-pip-version-check")
STEPS = 3
TOLD_S = 5
FAILURE_LINES = 20

_PINNED = re.compile(r"^([\w.-]+)==", re.MULTILINE)


class StepFailed(Exception):
    """A command ended with an error; its last lines are the message."""


def locked() -> list[str]:
    """The names of all packages in the lock."""
    return _PINNED.findall(LOCK.read_text(encoding="utf-8"))


def progress(lines: Sequence[str]) -> str:
    """How far pip is by what it has printed, or nothing."""
    if any(line.startswith("Installing collected packages") for line in lines):
        return "all fetched, unpacking"
    if fetched := sum(line.startswith(("Collecting ", "Processing ")) for line in lines):
        return f"{fetched} of {len(locked())} fetched"
    return ""


def cause(lines: Sequence[str]) -> str:
    """What a command that failed said of it: what comes before its errors is noise."""
    errors = [n for n, line in enumerate(lines) if line.lower().startswith("error")]
    return "".join(lines[errors[0] if errors else -FAILURE_LINES :]).strip()


class Step:
    """One step of the build: a line that moves on a terminal, elsewhere a new one now and then."""

    def __init__(self, number: int, what: str) -> None:
        self._title = f"{number} of {STEPS}: {what}"
        self._began = self._told = time.monotonic()
        self._moves = sys.stdout.isatty()
        say(self._title, end="" if self._moves else "\n")

    def run(self, *words: str) -> None:
        """Run a command, and show how far it is until it ends. Raises StepFailed."""
        lines: list[str] = []
        # The child holds what this process holds, the lock too: even one that outlives this
        # process, killed in the middle, is waited for by the next build.
        child = subprocess.Popen(
            words,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            close_fds=False,
        )
        assert child.stdout is not None
        reader = threading.Thread(target=lines.extend, args=[child.stdout], daemon=True)
        reader.start()
        while reader.is_alive():
            reader.join(0.2)
            self._show(progress(lines))
        if child.wait():
            raise StepFailed(cause(lines))

    def end(self) -> None:
        if self._moves:
            say(f"\r\x1b[K{self._title}")

    def _show(self, state: str) -> None:
        now = time.monotonic()
        text = ", ".join(filter(None, (state, f"{now - self._began:.0f} s")))
        if self._moves:
            width = shutil.get_terminal_size().columns - 1
            say(f"\r\x1b[K{f'{self._title} ... {text}'[:width]}", end="")
        elif now - self._told >= TOLD_S:
            self._told = now
            say(f"        {text}")


@contextmanager
def step(number: int, what: str) -> Iterator[Step]:
    one = Step(number, what)
    yield one
    one.end()


def build() -> None:
    """Build it whole, from an empty folder. Raises StepFailed."""
    BUILT.unlink(missing_ok=True)
    with step(1, "an empty environment of Python") as one:
        one.run(sys.executable, "-m", "venv", "--clear", str(VENV))
    with step(2, f"the {len(locked())} locked packages") as one:
        one.run(*PIP, "--require-hashes", "-r", str(LOCK))
    with step(3, "Countersign itself") as one:
        one.run(*PIP, "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    BUILT.touch()


@contextmanager
def alone() -> Iterator[bool]:
    """One build at a time; yields whether another one was waited for."""
    with (ROOT / ".venv.lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another make builds .venv; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield True
        else:
            yield False


def is_built() -> bool:
    """Whether a build was finished after the last change of what it is made from."""
    made_s = max(path.stat().st_mtime for path in MADE_FROM)
    return BUILT.exists() and BUILT.stat().st_mtime >= made_s


def say(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


def main() -> int:
    """Exit status 0 when it is built, 1 when it cannot be, 130 when it was interrupted."""
    try:
        with alone() as waited:
            if waited and is_built():
                return 0
            began = time.monotonic()
            say("Building .venv, once: about a minute, longer where machine or network are busy.")
            build()
    except StepFailed as failure:
        say(f"\n{failure}\n.venv is not built, for the reason above. The next make begins anew.")
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted: .venv is not built. The next make begins anew.")
        return 130
    say(f"Built .venv in {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
