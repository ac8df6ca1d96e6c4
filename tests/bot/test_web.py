"""Slack's signed requests: let in, turned away, and never stumbled over."""

import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from pydantic import SecretStr

from bot.app import App
from models.base import Database
from sandbox.server import Sandbox
from sandbox.webhooks import signature
from tests.bot.helpers import QUICK, settings_for
from tests.conftest import People

SLASH = b"command=%2Fbill&text=help&user_id=UANA&team_id=T&channel_id=C&trigger_id=1"
URLENCODED = "application/x-www-form-urlencoded"


@pytest.fixture
async def listening(
    slack: Sandbox, database_url: str, db: Database, people: People
) -> AsyncIterator[tuple[App, Sandbox]]:
    """The program in HTTP mode, and a Slack that knows where it listens."""
    secret = {"slack_app_token": None, "slack_signing_secret": SecretStr(slack.signing_secret)}
    app = App(settings_for(slack, database_url, **secret), "web", timings=QUICK)
    await app.start()
    yield app, slack
    await app.drain_and_stop()


def signed(slack: Sandbox, body: bytes, timestamp: str | None = None) -> dict[str, str]:
    stamp = timestamp if timestamp is not None else str(int(time.time()))
    return {
        "Content-Type": URLENCODED,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(slack.signing_secret, stamp, body),
    }


async def post(app: App, body: bytes, headers: dict[str, str]) -> int:
    address = f"http://127.0.0.1:{app.port}/slack/events"
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, data=body, headers=headers) as answer,
    ):
        await answer.read()
        return answer.status


async def test_a_signed_command_is_answered(listening: tuple[App, Sandbox]) -> None:
    app, slack = listening
    assert await post(app, SLASH, signed(slack, SLASH)) == 200


OLD = str(int(time.time()) - 3600)
ODD = [
    ("a timestamp in words", SLASH, {"X-Slack-Request-Timestamp": "noon"}, 400),
    ("a superscript for a timestamp", SLASH, {"X-Slack-Request-Timestamp": "²"}, 400),
    ("an endless timestamp", SLASH, {"X-Slack-Request-Timestamp": "9" * 5000}, 400),
    ("a negative timestamp", SLASH, {"X-Slack-Request-Timestamp": "-1"}, 400),
    ("no timestamp", SLASH, {"X-Slack-Request-Timestamp": None}, 400),
    ("an old timestamp", SLASH, {"X-Slack-Request-Timestamp": OLD}, 401),
    ("no signature", SLASH, {"X-Slack-Signature": None}, 401),
    ("a wrong signature", SLASH, {"X-Slack-Signature": "v0=" + "0" * 64}, 401),
    ("a body that is not UTF-8", b"text=\xff\xfe", {}, 400),
    ("a body of more than a megabyte", b"a" * 1_000_001, {}, 413),
]


@pytest.mark.parametrize(
    ("body", "changes", "status"), [row[1:] for row in ODD], ids=[r[0] for r in ODD]
)
async def test_what_slack_never_sends_is_turned_away(
    body: bytes, changes: dict[str, str | None], status: int, listening: tuple[App, Sandbox]
) -> None:
    app, slack = listening
    given = {**signed(slack, body), **changes}
    headers = {name: value for name, value in given.items() if value is not None}
    assert await post(app, body, headers) == status
