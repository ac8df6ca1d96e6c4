"""The bot as a process that is killed, asked to stop, and started again.

Each of its lives is a fork of a process that has imported all of it, which spares it the seconds
of processor time that a program takes to start.
"""

import asyncio
import json
import multiprocessing
import os
import signal
import socket
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from sandbox.fake_slack.sandbox import Sandbox
from tests.harness import interrupted_bot

EXIT_S = 10.0
"""Docker, for one, waits that long between SIGTERM and SIGKILL."""
START_S = 60.0
LOG = "bot.log"

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([interrupted_bot.__name__])


class BotDied(Exception):
    """The bot ended by itself."""


class Bot:
    """One bot, life after life; what each of them logs is kept."""

    def __init__(
        self, sandbox: Sandbox, database_url: str, folder: Path, settings: Mapping[str, str]
    ) -> None:
        """`folder` is empty, lest the bot find settings there; its log is written to it."""
        self._sandbox = sandbox
        self._folder = folder
        self._process: ForkServerProcess | None = None
        port = _free_port()
        self.base = f"http://127.0.0.1:{port}"
        inherited = {name: value for name, value in os.environ.items() if "SLACK_" not in name}
        self._settings = inherited | {
            "DATABASE_URL": database_url,
            "SLACK_API_URL": sandbox.api_url,
            "SLACK_BOT_TOKEN": sandbox.bot_token,
            "SLACK_APP_TOKEN": sandbox.app_token,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            **settings,
        }

    async def start(self) -> None:
        given = (self._settings, self._folder, self._folder / LOG)
        self._process = _FORKS.Process(target=interrupted_bot.live, args=given)
        await asyncio.to_thread(self._process.start)

    async def awake(self) -> None:
        """Wait for the first sign of life: a socket, or something said in Slack."""
        revision = self._sandbox.workspace.revision
        async with asyncio.timeout(START_S):
            while not (
                self._sandbox.delivery.connected or self._sandbox.workspace.revision > revision
            ):
                self.refuse_death()
                await asyncio.sleep(0.005)

    async def connected(self) -> None:
        async with asyncio.timeout(START_S):
            while not self._sandbox.delivery.connected:
                self.refuse_death()
                await asyncio.sleep(0.02)

    def refuse_death(self) -> None:
        """Raises BotDied, with the end of its log."""
        if self._process is not None and self._process.exitcode is not None:
            tail = (self._folder / LOG).read_text(encoding="utf-8")[-2000:]
            raise BotDied(f"exit status {self._process.exitcode}: {tail}")

    async def strike(self, number: signal.Signals) -> int:
        """Send it a signal, and wait for its end; returns the exit status."""
        process = self._send(number)
        await asyncio.to_thread(process.join, EXIT_S)
        if process.exitcode is None:
            raise TimeoutError(f"it goes on {EXIT_S} s after {number.name}")
        return process.exitcode

    async def kill_and_start(self) -> None:
        await self.strike(signal.SIGKILL)
        await self.start()

    async def freeze(self, pause_s: float) -> None:
        """It stands still for so long, and does not notice: a laptop that sleeps."""
        self._send(signal.SIGSTOP)
        await asyncio.sleep(pause_s)
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> ForkServerProcess:
        assert self._process is not None
        assert self._process.pid is not None
        os.kill(self._process.pid, number)
        return self._process

    async def clean_up(self) -> None:
        if self._process is not None and self._process.exitcode is None:
            await self.strike(signal.SIGKILL)

    def logged(self) -> Counter[str]:
        """How often each event was logged, over all its lives."""
        events: Counter[str] = Counter()
        for line in (self._folder / LOG).read_text(encoding="utf-8").splitlines():
            try:
                events[str(json.loads(line)["event"])] += 1
            except (ValueError, KeyError, TypeError):
                continue  # a line that was cut off by a kill
        return events


@asynccontextmanager
async def bot_process(sandbox: Sandbox, database_url: str, **settings: str) -> AsyncIterator[Bot]:
    """A bot with these settings besides that has been started, and is gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="countersign-bot-") as folder:
        bot = Bot(sandbox, database_url, Path(folder), settings)
        try:
            await bot.start()
            await bot.connected()
            yield bot
        finally:
            await bot.clean_up()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
