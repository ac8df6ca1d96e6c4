"""The page on installing, followed to the letter in an empty folder, against a Slack of its own."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from sandbox.fake_slack.sandbox import Sandbox
from tests.architecture.pages import page
from tests.harness.cast import ANA, accounts
from tests.harness.database import TestPostgres
from tests.harness.running import workspace
from tests.harness.waiting import until

pytestmark = pytest.mark.long

INSTALL = page("docs/how-to/install-in-slack.md")
DATA = page("docs/how-to/import-data.md")
PROGRAM = ".venv/bin/countersign "
KEPT = {"PATH", "HOME", "LANG", "TMPDIR"}
STOP_S = 20


def env_file() -> str:
    (found,) = [block for block in INSTALL.fenced("sh") if "SLACK_BOT_TOKEN=" in block]
    return found


def commands() -> Iterator[list[str]]:
    """What is typed of the program, in the page's order."""
    for block in INSTALL.fenced("sh"):
        for line in block.splitlines():
            if line.startswith(PROGRAM):
                yield line.removeprefix(PROGRAM).split()


def written_files(folder: Path) -> None:
    """The examples that the page on imports gives, with the member id of this workspace."""
    for name, block in zip(("people", "customers", "usage"), DATA.fenced("csv"), strict=True):
        text = block.replace("U012AB3CD", ANA).replace("U034EF5GH", "UKIM")
        (folder / f"{name}.csv").write_text(text)


def filled_in(sandbox: Sandbox, database_url: str) -> tuple[str, int]:
    """The page's `.env` with what a newcomer puts there, and the port of the bot's web."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    theirs = {
        "DATABASE_URL": database_url,
        "SLACK_BOT_TOKEN": sandbox.bot_token,
        "SLACK_APP_TOKEN": sandbox.app_token,
        "FINANCE_SLACK_IDS": ANA,
        "APPROVALS_CHANNEL": "CAPPROVALS",
        "SMTP_URL": sandbox.smtp_url,
    }
    lines = [line.partition("=") for line in env_file().splitlines()]
    assert theirs.keys() <= {name for name, _, _ in lines}
    told = "".join(f"{name}={theirs.get(name, example)}\n" for name, _, example in lines)
    return f"{told}SLACK_API_URL={sandbox.api_url}\nPORT={port}\n", port


@asynccontextmanager
async def program(folder: Path, words: list[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A command that runs in the folder, with no setting but what lies there."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *words,
        cwd=folder, env=kept, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield running
    finally:
        if running.returncode is None:
            running.terminate()
            await asyncio.wait_for(running.communicate(), STOP_S)


async def is_ready(port: int) -> bool:
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/ready") as answer,
        ):
            return answer.status == 200 and await answer.json() == {"ready": True, "reasons": []}
    except aiohttp.ClientError:
        return False


@pytest.fixture
def empty_database_url(postgres: TestPostgres) -> Iterator[str]:
    name = postgres.create("template1")
    yield postgres.url(name)
    postgres.drop(name)


async def test_whoever_follows_the_page_comes_to_a_bot_that_answers(
    empty_database_url: str, tmp_path: Path
) -> None:
    company = {
        "users": accounts(),
        "channels": [{"id": "CAPPROVALS", "name": "billing-approvals", "members": [ANA]}],
    }
    migrating, serving, *imports = commands()
    async with workspace(company) as sandbox:
        settings, port = filled_in(sandbox, empty_database_url)
        (tmp_path / ".env").write_text(settings)
        written_files(tmp_path)
        await done(tmp_path, migrating)
        async with program(tmp_path, serving):
            await until(lambda: is_ready(port))
            for importing in imports:
                assert "added" in await done(tmp_path, importing)
            dm = sandbox.dm(ANA)
            await sandbox.command(ANA, dm, "/bill", "generate 2026-10")
            await until(lambda: any("Acme Corp" in str(one) for one in sandbox.messages(dm)))


async def done(folder: Path, words: list[str]) -> str:
    async with program(folder, words) as running:
        said, _ = await running.communicate()
    assert running.returncode == 0, said.decode()
    return said.decode()
