"""`python -m sandbox`: what it refuses before it starts anything, and what it answers first."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox import __main__ as front
from tests.harness.waiting import PATIENCE_S

NOTHING = ["--no-browser", "--port", "0", "--web-port", "0"]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program has."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: Any, **__: Any) -> None:
        raise AssertionError("it should not have come to this")

    monkeypatch.setattr(front, "EmbeddedPostgres", start)
    monkeypatch.setattr(front, "serve", start)


@pytest.mark.usefixtures("nothing_starts")
@pytest.mark.parametrize("flag", ["--port", "--web-port"])
def test_a_taken_port_is_named_with_its_flag(
    taken: int, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert front.main([*NOTHING, flag, str(taken)]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"Port {taken} cannot be used (Address already in use).")
    assert line.endswith(f" {flag}.")


@pytest.mark.usefixtures("nothing_starts")
def test_the_page_and_the_bot_cannot_share_a_port(
    taken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    assert front.main(["--no-browser", "--port", port, "--web-port", port]) == 1
    assert "--web-port" in capsys.readouterr().out


@pytest.mark.usefixtures("nothing_starts")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        ("{", "Expecting property name"),
        ("[]", "it holds no JSON object"),
        ('{"users": {}}', "users is no list"),
        ('{"users": [{"id": "U0ANA"}]}', "users[0] has no name"),
        ('{"channels": [{"name": "a"}, "b"]}', "channels[1] has no name"),
        ('{"users": [{"name": "ana", "shoe_size": 43}]}', "a user has no shoe_size"),
        ('{"channels": [{"name": "a", "members": ["U0ANA"]}]}', "no such users: U0ANA"),
    ],
)
def test_a_useless_workspace_file_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, reason: str
) -> None:
    path = tmp_path / "workspace.json"
    if content is not None:
        path.write_text(content)
    assert front.main([*NOTHING, "--workspace", str(path)]) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"--workspace {path} cannot be used: {reason}")


async def test_the_state_answers_503_while_the_database_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting, let_go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    class NoDatabase:
        def __init__(self, _data: Path) -> None:
            loop.call_soon_threadsafe(starting.set)
            let_go.wait(10)
            raise OSError("no room for a database")

    monkeypatch.setattr(front, "EmbeddedPostgres", NoDatabase)
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps({"users": [{"name": "ana"}]}))
    options = front.arguments([*NOTHING, "--workspace", str(path), "--data", str(tmp_path)])
    sandbox = front.make_sandbox(options)
    running = asyncio.create_task(front.run(options, sandbox, asyncio.Event()))
    try:
        async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as session:
            await starting.wait()
            async with session.get(f"{sandbox.base_url}/_control/state") as answer:
                assert (answer.status, (await answer.json())["error"]) == (503, "not_ready")
    finally:
        let_go.set()
    with pytest.raises(OSError, match="no room"):
        await running


def test_what_to_type_first_has_the_workspaces_prefix() -> None:
    assert front.prefixed("/bill generate 2026-10", "acme-") == "/acme-bill generate 2026-10"
    assert front.prefixed("/bill generate 2026-10", "") == "/bill generate 2026-10"
