"""Slack's signed requests: let in, turned away, and never stumbled over."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.signature import Clock
from slack_sdk.web.async_client import AsyncWebClient

from bot import web_server
from bot.app import App
from models.db.database import Database
from sandbox.fake_slack.delivery.webhooks import signature
from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.cast import People
from tests.harness.running import settings_for
from tests.harness.timings import QUICK

SLASH = b"command=%2Fbill&text=help&user_id=UANA&team_id=T&channel_id=C&trigger_id=1"
URLENCODED = "application/x-www-form-urlencoded"
JSON: dict[str, str | None] = {"Content-Type": "application/json"}


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


async def test_slack_only_posts(listening: tuple[App, Sandbox]) -> None:
    address = f"http://127.0.0.1:{listening[0].port}/slack/events"
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


OLD = str(int(time.time()) - 3600)
NESTED = b"[" * 400_000
FIELDS = b"&".join(b"f%d=1" % n for n in range(90_000))
TURNED_AWAY = [
    ("a timestamp in words", SLASH, {"X-Slack-Request-Timestamp": "noon"}, 401),
    ("a superscript for a timestamp", SLASH, {"X-Slack-Request-Timestamp": "²"}, 401),
    ("an endless timestamp", SLASH, {"X-Slack-Request-Timestamp": "9" * 5000}, 401),
    ("a negative timestamp", SLASH, {"X-Slack-Request-Timestamp": "-1"}, 401),
    ("no timestamp", SLASH, {"X-Slack-Request-Timestamp": None}, 401),
    ("an old timestamp", SLASH, {"X-Slack-Request-Timestamp": OLD}, 401),
    ("no signature", SLASH, {"X-Slack-Signature": None}, 401),
    ("a wrong signature", SLASH, {"X-Slack-Signature": "v0=" + "0" * 64}, 401),
    ("a signature that is not ASCII", SLASH, {"X-Slack-Signature": "v0=é"}, 401),
    ("unsigned endless nesting", NESTED, {"X-Slack-Signature": None, **JSON}, 401),
    ("90,000 unsigned fields", FIELDS, {"X-Slack-Signature": None}, 401),
    ("a body of more than a megabyte", b"a" * 1_000_001, {}, 413),
    ("a body that is not UTF-8", b"text=\xff\xfe", {}, 401),
    ("a signed payload that is not JSON", b"payload=%7Bnot", {}, 400),
    ("signed endless nesting", NESTED, JSON, 400),
    ("a signed list", b"[1]", JSON, 400),
    ("a signed number", b"1", JSON, 400),
    ("a signed payload that is a list", b"payload=[1]", {}, 400),
]


async def test_what_slack_never_sends_is_turned_away_without_a_stumble(
    listening: tuple[App, Sandbox],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, slack = listening
    for named, body, changes, status in TURNED_AWAY:
        given = {**signed(slack, body), **changes}
        headers = {name: value for name, value in given.items() if value is not None}
        assert await post(app, body, headers) == status, named
        assert "Traceback" not in "".join([*capfd.readouterr(), caplog.text]), named


async def test_unsigned_fields_are_not_even_counted(
    listening: tuple[App, Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []
    monkeypatch.setattr(web_server, "read_body", lambda _, body: parsed.append(body))
    app, _ = listening
    assert await post(app, FIELDS, {"Content-Type": URLENCODED}) == 401
    assert not parsed


class At(Clock):
    """A clock that stands still."""

    def __init__(self, moment_s: float) -> None:
        self.moment_s = moment_s

    def now(self) -> float:
        return self.moment_s


@pytest.mark.parametrize(
    "typed", ["1 + 1 = 2 & 100 %", "50%2B;#?a=b&payload={}", 'Müller 🧾\n"x"\\']
)
async def test_a_click_says_what_was_typed_however_a_form_escapes_it(
    slack: Sandbox, typed: str
) -> None:
    heard = []
    web, bolt = FastAPI(), bolt_of(slack)

    @bolt.action("any")
    async def click(body: dict[str, Any]) -> BoltResponse:
        heard.append(body["actions"][0]["value"])
        return BoltResponse(status=200)

    payload = {
        "type": "block_actions",
        "user": {"id": "UKIM"},
        "trigger_id": "1",
        "actions": [{"action_id": "any", "value": typed}],
    }
    web_server.hear_slack(web, bolt, slack.signing_secret)
    form = urlencode({"payload": json.dumps(payload)})
    for body in (form.encode(), form.replace("+", "%20").replace("%7B", "%7b").encode()):
        assert await answered(web, body, signed(slack, body)) == 200
    assert heard == [typed, typed]


@pytest.mark.parametrize(("age_s", "status"), [(300, 200), (-300, 200), (301, 401), (-301, 401)])
async def test_what_was_signed_within_five_minutes_is_heard(
    age_s: int, status: int, slack: Sandbox
) -> None:
    web, bolt = FastAPI(), bolt_of(slack)

    @bolt.command("/bill")
    async def heard() -> BoltResponse:
        return BoltResponse(status=200)

    web_server.hear_slack(web, bolt, slack.signing_secret, At(1_800_000_000 + age_s))
    assert await answered(web, SLASH, signed(slack, SLASH, "1800000000")) == status


def bolt_of(slack: Sandbox) -> AsyncApp:
    return AsyncApp(
        client=AsyncWebClient(slack.bot_token, slack.api_url),
        request_verification_enabled=False,
        process_before_response=True,
    )


async def answered(web: FastAPI, body: bytes, headers: dict[str, str]) -> int:
    server = web_server.WebServer(web, "127.0.0.1", 0)
    await server.start()
    address = f"http://127.0.0.1:{server.port}/slack/events"
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(address, data=body, headers=headers) as answer,
        ):
            return answer.status
    finally:
        await server.stop(1.0)
