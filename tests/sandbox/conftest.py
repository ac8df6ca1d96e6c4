"""A sandbox, a client of its Web API, and an app connected to it."""

from collections.abc import AsyncIterator

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from tests.sandbox.slack_bot import WORKSPACE, Bot, Clock, connected


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox(clock: Clock) -> AsyncIterator[Sandbox]:
    """A sandbox whose time stands still, and nobody connected."""
    async with serve(
        Sandbox(workspace=WORKSPACE, clock=clock, rate_limits=False, retry_delays_s=(0.0, 0.02))
    ) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> AsyncWebClient:
    return AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url, retry_handlers=[])


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[Bot]:
    """An app connected by Socket Mode, which acknowledges whatever it gets."""
    bot = Bot()
    async with connected(sandbox, bot):
        yield bot
