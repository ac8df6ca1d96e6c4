"""The bot as a process that is killed, asked to stop, and started again."""

import asyncio
import json
import os
import re
import signal
import socket
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from sandbox.fake_slack.sandbox import Sandbox
from tests.harness import interrupted_bot
from tests.harness.programs import Program
from tests.harness.zygote import Order

EXIT_S = 10.0
"""Docker, for one, waits that long between SIGTERM and SIGKILL."""
START_S = 60.0
LOG = "bot.log"


class BotDied(Exception):
    """The bot ended by itself."""


class Bot:
    """One bot, life after life; what each of them logs is kept."""

    def __init__(
        self,
        sandbox: Sandbox,
        database_url: str,
        folder: Path,
        settings: Mapping[str, str],
        role: str = "all",
    ) -> None:
        """`folder` is empty, lest the bot find settings there; its log is written to it."""
        self._sandbox = sandbox
        self._role = role
        self._folder = folder
        self._process: Program | None = None
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
        await self.close()
        order = Order(interrupted_bot.__name__, (self._role,), str(self._folder), self._settings)
        with (self._folder / LOG).open("ab") as log:
            file = log.fileno()
            self._process = await asyncio.to_thread(Program, order, output=file, errors=file)

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
        if self._process is not None and (status := self._process.wait(0)) is not None:
            tail = (self._folder / LOG).read_text(encoding="utf-8")[-2000:]
            raise BotDied(f"exit status {status}: {tail}")

    async def strike(self, number: signal.Signals) -> int:
        """Send it a signal, and wait for its end; returns the exit status."""
        status = await asyncio.to_thread(self._send(number).wait, EXIT_S)
        if status is None:
            raise TimeoutError(f"it goes on {EXIT_S} s after {number.name}")
        return status

    async def kill_and_start(self) -> None:
        await self.strike(signal.SIGKILL)
        await self.start()

    async def freeze(self, pause_s: float) -> None:
        """It stands still for so long, and does not notice: a laptop that sleeps."""
        self._send(signal.SIGSTOP)
        await asyncio.sleep(pause_s)
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> Program:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process

    def memory_mb(self) -> int:
        """What its process holds in memory now."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        (held_kb,) = re.findall(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        return int(held_kb) // 1024

    async def close(self) -> None:
        """Whatever life it has ends."""
        if self._process is not None:
            await asyncio.to_thread(self._process.close)
            self._process = None

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
            await bot.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
