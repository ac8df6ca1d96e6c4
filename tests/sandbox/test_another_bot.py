"""The bot of the sandbox's README, which is not ours: tested and tried as it says there."""

import asyncio
import importlib
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser

from sandbox.fake_slack import __main__ as front
from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.waiting import until

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "sandbox" / "README.md").read_text(encoding="utf-8")
SHOWN = re.compile(r"As `(?P<name>[\w.]+)`[^`]*?```\w+\n(?P<text>.*?)```", re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds what the README shows, each file under the name that it gives."""
    shown = {one["name"]: one["text"] for one in SHOWN.finditer(README)}
    assert shown.keys() == {"lunch.py", "manifest.yml", "test_lunch.py"}
    for name, text in shown.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_it_has_thirty_lines(folder: Path) -> None:
    lines = (folder / "lunch.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= 30


async def test_its_own_test_passes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(folder))
    try:
        await importlib.import_module("test_lunch").test_kim_joins_anas_lunch()
    finally:
        for name in ("lunch", "test_lunch"):
            sys.modules.pop(name, None)


@pytest.mark.browser
async def test_it_is_tried_in_the_page_of_its_own_sandbox(folder: Path, browser: Browser) -> None:
    async with started(
        folder, "--manifest", "manifest.yml", "--", sys.executable, "lunch.py"
    ) as at:
        await until(lambda: _is_ready(at))
        page = await browser.new_page()
        await page.goto(at)
        await page.get_by_text("general", exact=True).first.click()
        await page.get_by_role("textbox").fill("/lunch noon")
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Join").click()
        await page.get_by_text("ana comes.").wait_for()
        assert "Lunch at noon?\nana comes." in await page.inner_text("body")
        assert await page.get_by_text("lunch Home").count() == 0, "its manifest has no Home"


async def test_what_never_comes_is_not_waited_for_for_ever() -> None:
    slack = Sandbox(workspace=front.WORKSPACE)
    with pytest.raises(TimeoutError):
        await slack.until(lambda: slack.messages("C0GENERAL"), within_s=0.01)
    assert not slack.workspace.listeners


async def test_an_app_that_ends_ends_its_sandbox_with_its_own_status(
    capfd: pytest.CaptureFixture[str],
) -> None:
    options = front.arguments(
        ["--port", "0", "--no-browser", "--", sys.executable, "-c", "exit(3)"]
    )
    status = await front.run(options, front.make_sandbox(options), asyncio.Event())
    assert status == 3
    assert "exit status 3" in capfd.readouterr().out


async def test_without_a_command_it_says_which_settings_an_app_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words, kind in (([], "APP_TOKEN"), (["--app-url", "http://127.0.0.1:1"], "SIGNING_SECRET")):
        options = front.arguments(["--port", "0", "--no-browser", *words])
        stopped = asyncio.Event()
        stopped.set()
        assert await front.run(options, front.make_sandbox(options), stopped) == 0
        told = capsys.readouterr().out
        assert "SLACK_API_URL=http://127.0.0.1:" in told
        assert f"SLACK_{kind}=" in told


@pytest.mark.parametrize(
    ("flag", "content", "reason"),
    [
        ("--manifest", None, "No such file or directory"),
        ("--manifest", "- a", "it holds no manifest"),
        ("--manifest", "a: [", "it is no YAML"),
        (
            "--manifest",
            "features: {slash_commands: [{}]}",
            "features.slash_commands[0] has no command",
        ),
        ("--workspace", "[]", "it holds no JSON object"),
    ],
)
def test_a_useless_file_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str, content: str | None, reason: str
) -> None:
    path = tmp_path / "given"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert front.main([flag, str(path)]) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{flag} {path} cannot be used: {reason}")


def test_a_command_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main(["--port", "0", "--no-browser", "--", "./no-such-bot"]) == 1
    assert "no-such-bot" in capsys.readouterr().out.splitlines()[-1]


@asynccontextmanager
async def started(folder: Path, *words: str) -> AsyncIterator[str]:
    """`python -m sandbox.fake_slack` in this folder; yields where its page is."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = front.arguments(["--port", str(port), "--no-browser", *words])
    options.manifest = folder / options.manifest
    options.command[-1] = str(folder / options.command[-1])
    stopped = asyncio.Event()
    running = asyncio.create_task(front.run(options, front.make_sandbox(options), stopped))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stopped.set()
        assert await running == 0


async def _is_ready(at: str) -> bool:
    try:
        async with aiohttp.ClientSession() as http, http.get(f"{at}/_control/state") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        return False
