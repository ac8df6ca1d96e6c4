"""The program against the sandbox's Slack: one company, one database, clocks that run fast."""

from collections.abc import AsyncIterator

import pytest
import structlog

from bot.settings import Settings
from bot.slack.client import SlackClient
from bot.worker.worker import Worker
from models.db.database import Database
from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from sandbox.story import LONG_ACK_S
from tests.bot.helpers import settings_for, workers

CAST = ("ana", "kim", "lee", "sam", "max")


@pytest.fixture(autouse=True)
def _plain_log() -> None:
    """Tracebacks drawn with every local variable in them hold up the loop for seconds."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()]
    )


@pytest.fixture
async def slack() -> AsyncIterator[Sandbox]:
    """A workspace in which everybody of the cast has an account, and `#approvals`."""
    users = [{"id": f"U{name.upper()}", "name": name} for name in CAST]
    channels = [{"id": "CAPPROVALS", "name": "approvals"}]
    workspace = {"users": users, "channels": channels}
    async with serve(Sandbox(workspace=workspace, rate_limits=False, ack_s=LONG_ACK_S)) as sandbox:
        yield sandbox


@pytest.fixture
def settings(slack: Sandbox, database_url: str) -> Settings:
    return settings_for(slack, database_url)


@pytest.fixture
async def gateway(slack: Sandbox) -> AsyncIterator[SlackClient]:
    async with SlackClient.open(slack.bot_token, slack.api_url) as opened:
        await opened.auth_test()
        yield opened


@pytest.fixture
async def worker(db: Database, gateway: SlackClient) -> AsyncIterator[Worker]:
    """At work from the start of the test to its end."""
    async with workers(db, gateway) as made:
        yield made
