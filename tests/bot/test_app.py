"""The program starts, says how it is, and stops without losing anything."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.app import App
from bot.settings import Settings
from models.base import Database
from sandbox.server import Sandbox
from tests.bot.helpers import QUICK, all_posted, eventually, grant
from tests.conftest import People


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[App]:
    running = App(settings, timings=QUICK)
    await running.start()
    yield running
    await running.drain_and_stop()


async def get(app: App, path: str) -> tuple[int, dict[str, Any]]:
    address = f"http://127.0.0.1:{app.port}{path}"
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
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
    await grant(db, people.max)
    await eventually(lambda: all_posted(db))
