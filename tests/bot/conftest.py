"""The program against the sandbox's Slack: one company, one database, clocks that run fast."""

from collections.abc import AsyncIterator, Iterator

import pytest

from bot.settings import Settings
from bot.slack.client import SlackClient
from bot.worker.worker import Worker
from models.db.database import Database
from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.cast import accounts
from tests.harness.running import plain_log, settings_for, slack_client, worker_only, workspace


@pytest.fixture(autouse=True)
def _plain_log() -> Iterator[None]:
    with plain_log():
        yield


@pytest.fixture
async def slack() -> AsyncIterator[Sandbox]:
    """A workspace in which everybody of the cast has an account, and `#approvals`."""
    channels = [{"id": "CAPPROVALS", "name": "approvals"}]
    async with workspace({"users": accounts(), "channels": channels}) as sandbox:
        yield sandbox


@pytest.fixture
def settings(slack: Sandbox, database_url: str) -> Settings:
    return settings_for(slack, database_url, approvals_channel="CAPPROVALS")


@pytest.fixture
async def gateway(slack: Sandbox) -> AsyncIterator[SlackClient]:
    async with slack_client(slack) as opened:
        await opened.auth_test()
        yield opened


@pytest.fixture
async def worker(db: Database, gateway: SlackClient) -> AsyncIterator[Worker]:
    """At work from the start of the test to its end."""
    async with worker_only(db, gateway) as made:
        yield made
