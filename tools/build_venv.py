"""Builds `.venv` from `requirements.lock`, telling what it is at: what `make .venv` runs.

Nothing is installed yet when this runs, so it stands on the standard library alone. pip installs
uv, which is in the lock like all the rest, and uv the rest, in a fraction of pip's time. Where uv
cannot do it, as behind an index that only pip is told of, pip does.

`.venv/built` is written last, and every build begins with an empty folder: what an interrupted one
left is never taken for finished, and the next `make` heals it.
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
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path

Command = tuple[str, ...]

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BUILT = VENV / "built"
LOCK = ROOT / "requirements.lock"
MADE_FROM = (LOCK, ROOT / "pyproject.toml")
PYTHON = str(VENV / "bin" / "python")
PIP_INSTALLS_ELSEWHERE_SINCE = (22, 3)
UV: Command = (str(VENV / "bin" / "uv"), "pip", "install", "--python", PYTHON)
UV_LOCK = VENV / "uv.lock"
PROGRAMS = "bot.app, sandbox.__main__"
STEPS = 4
TOLD_S = 5
FAILURE_LINES = 20

_PINNED = re.compile(r"^[\w.-]+==", re.MULTILINE)
_UV = re.compile(r"^uv==(?:.*\\\n)*.*$", re.MULTILINE)
_FETCHING = re.compile(r"Downloading (\S+) \(([\d.]+)([KMG])iB\)")
_MIB = {"K": 1 / 1024, "M": 1, "G": 1024}


class StepFailed(Exception):
    """A command ended with an error; its last lines are the message."""


def lent_pip() -> Command | None:
    """The pip of the Python that runs this, if it has one that can install elsewhere."""
    try:
        version = tuple(int(part) for part in metadata.version("pip").split(".")[:2])
    except (metadata.PackageNotFoundError, ValueError):
        return None
    if version < PIP_INSTALLS_ELSEWHERE_SINCE:
        return None
    return (sys.executable, "-m", "pip", "--python", PYTHON)


def progress(lines: Sequence[str], packages: int) -> str:
    """How far pip or uv is by what it has printed, or nothing. uv tells of large files alone."""
    if any(line.startswith(("Installing collected", "Prepared ")) for line in lines):
        return "all fetched, unpacking"
    if fetched := sum(line.startswith(("Collecting ", "Processing ")) for line in lines):
        return f"{fetched} of {packages} fetched"
    if announced := dict(filter(None, map(_announced, lines))):
        there = {line.split()[-1] for line in lines if line.strip().startswith("Downloaded ")}
        fetched_mib = sum(mib for name, mib in announced.items() if name in there)
        return f"{fetched_mib:.0f} of {sum(announced.values()):.0f} MiB fetched"
    return ""


def _announced(line: str) -> tuple[str, float] | None:
    """A file that uv begins to fetch, and its size in MiB."""
    found = _FETCHING.match(line.strip())
    return (found[1], float(found[2]) * _MIB[found[3]]) if found else None


def cause(lines: Sequence[str]) -> str:
    """What a command that failed said of it: what comes before its errors is noise."""
    errors = [n for n, line in enumerate(lines) if line.lower().startswith("error")]
    return "".join(lines[errors[0] if errors else -FAILURE_LINES :]).strip()


class Step:
    """One step of the build: a line that moves on a terminal, elsewhere a new one now and then."""

    def __init__(self, number: int, what: str, packages: int = 0) -> None:
        """`packages`: how many there are to be fetched, where that is worth telling."""
        self._title = f"{number} of {STEPS}: {what}"
        self._packages = packages
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
            self._show(progress(lines, self._packages) if self._packages else "")
        if child.wait():
            raise StepFailed(cause(lines))

    def note(self, failure: StepFailed, instead: str) -> None:
        say(f"\n{failure}\n{instead}")

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
def step(number: int, what: str, packages: int = 0) -> Iterator[Step]:
    one = Step(number, what, packages)
    yield one
    one.end()


def build() -> None:
    """Build it whole, from an empty folder. Raises StepFailed."""
    BUILT.unlink(missing_ok=True)
    lent = lent_pip()
    pip = (*(lent or (PYTHON, "-m", "pip")), "install", "--disable-pip-version-check")
    with step(1, "an empty environment of Python") as one:
        # To give it a pip of its own takes longer than all the rest where the cache is warm.
        options = ["--without-pip"] if lent else []
        one.run(sys.executable, "-m", "venv", "--clear", *options, str(VENV))
    installers = [UV, pip]
    lock = LOCK.read_text(encoding="utf-8")
    with step(2, "uv, which installs the rest") as one:
        found = _UV.search(lock)
        UV_LOCK.write_text(found[0] if found else "uv", encoding="utf-8")
        try:
            one.run(*pip, "--only-binary", ":all:", "--require-hashes", "-r", str(UV_LOCK))
        except StepFailed as failure:
            one.note(failure, "pip does it instead, more slowly.")
            installers.remove(UV)
    packages = len(_PINNED.findall(lock))
    with step(3, f"the {packages} locked packages", packages) as one:
        _install(one, installers, "--require-hashes", "-r", str(LOCK))
    with step(4, "Countersign itself") as one:
        _install(one, installers, "--no-deps", "--no-build-isolation", "-e", str(ROOT))
        # uv leaves compiling to the first import, whose results are often not to be written down,
        # as in containers: then every start would take two seconds more. What cannot be imported
        # says so when it is started.
        with suppress(StepFailed):
            one.run("env", "PYTHONDONTWRITEBYTECODE=", PYTHON, "-c", f"import {PROGRAMS}")
    BUILT.touch()


def _install(one: Step, installers: list[Command], *what: str) -> None:
    """Install with the first of them that can; those that cannot are not asked again."""
    while True:
        try:
            return one.run(*installers[0], *what)
        except StepFailed as failure:
            if len(installers) == 1:
                raise
            one.note(failure, "pip does it instead, in a minute or two.")
            del installers[0]


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
            say("Building .venv, once: about 15 seconds, more where machine or network are busy.")
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
