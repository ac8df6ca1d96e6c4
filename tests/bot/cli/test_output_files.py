"""`export --output` writes what its name stands for, and leaves it what it was."""

import os
import stat
from pathlib import Path

import pytest

from tests.harness.database import TestDatabase
from tests.harness.files import HEADERS
from tests.harness.terminal import Terminal

KIM = "Kim,kim@example.com,Customer Success,UKIM"


@pytest.fixture
def terminal(database: TestDatabase, tmp_path: Path) -> Terminal:
    (tmp_path / "people.csv").write_text(f"{HEADERS['people']}\n{KIM}\n", encoding="utf-8")
    made = Terminal(tmp_path, {"DATABASE_URL": database.url})
    made.done("import", "people", "people.csv")
    return made


def export(terminal: Terminal, output: Path) -> None:
    assert terminal.done("export", "people", "--output", str(output)) == f"{output}: 1 row.\n"


def test_a_pipe_is_written_through_and_stays_a_pipe(terminal: Terminal) -> None:
    pipe = terminal.folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        export(terminal, pipe)
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        assert KIM.encode() in os.read(reader, 1 << 16)
    finally:
        os.close(reader)


def test_a_link_stays_and_what_it_leads_to_is_written(terminal: Terminal) -> None:
    shared = terminal.folder / "shared"
    shared.mkdir()
    target, link = shared / "people.csv", terminal.folder / "link.csv"
    target.write_text("of last month", encoding="utf-8")
    link.symlink_to(target)
    export(terminal, link)
    assert link.readlink() == target
    assert KIM in target.read_text(encoding="utf-8")
    assert list(shared.iterdir()) == [target]


def test_a_link_to_a_pipe_is_written_through(terminal: Terminal) -> None:
    pipe, link = terminal.folder / "pipe", terminal.folder / "link"
    os.mkfifo(pipe)
    link.symlink_to("pipe")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        export(terminal, link)
        assert link.is_symlink()
        assert KIM.encode() in os.read(reader, 1 << 16)
    finally:
        os.close(reader)


def test_a_link_to_what_is_not_there_yet_makes_it(terminal: Terminal) -> None:
    link = terminal.folder / "link.csv"
    link.symlink_to("new.csv")
    export(terminal, link)
    assert link.is_symlink()
    assert KIM in (terminal.folder / "new.csv").read_text(encoding="utf-8")


def test_a_file_that_others_may_not_read_stays_so(terminal: Terminal) -> None:
    private = terminal.folder / "private.csv"
    private.touch(0o600)
    export(terminal, private)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600


def test_what_the_shell_opened_is_written_through(terminal: Terminal) -> None:
    reader, writer = os.pipe()
    try:
        export(terminal, Path(f"/proc/self/fd/{writer}"))
        assert KIM.encode() in os.read(reader, 1 << 16)
    finally:
        os.close(reader)
        os.close(writer)
