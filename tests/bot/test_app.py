"""The program starts, says how it is, and stops without losing anything."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.app import App, BootError
from bot.settings import Settings
from models.base import Database
from sandbox.server import Sandbox
from tests.bot.helpers import QUICK, announce_access, all_posted, eventually, settings_for
from tests.conftest import People


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[App]:
    running = App(settings, timings=QUICK)
    await running.start()
    yield running
    await running.drain_and_stop()


async def get(app: App, path: str) -> tuple[int, dict]:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{app.port}{path}") as answer:
            return answer.status, await answer.json()


async def test_a_running_program_is_ready_and_answers_commands(
    app: App, db: Database, people: People, slack: Sandbox
) -> None:
    async def connected() -> bool:
        return (await get(app, "/ready"))[0] == 200

    await eventually(connected)
    assert await get(app, "/health") == (200, {"status": "alive"})
    answer = await slack.command("UANA", "CAPPROVALS", "/bill", "help")
    assert answer["ok"], answer
    await announce_access(db, people.max)
    await eventually(lambda: all_posted(db))
