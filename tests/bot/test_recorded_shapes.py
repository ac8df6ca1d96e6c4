"""What Slack sends is answered; what it never writes is turned away and changes nothing."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from bot.app import App
from bot.settings import Settings
from models.db.database import Database
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import rows
from tests.bot.slack_payloads import FORM, JSON, Json, broken, payloads, recorded, sent
from tests.bot.test_web import signed
from tests.harness.books import make_bills
from tests.harness.cast import People
from tests.harness.running import settings_for
from tests.harness.timings import QUICK
from tests.harness.waiting import until
from tests.harness.watched_slack import WatchedSandbox

FACTS = ("bills", "bill_actions", "approvals", "users", "messages", "usages", "customers")


class Door:
    """Slack, at the bot's door."""

    def __init__(self, app: App, slack: WatchedSandbox, session: aiohttp.ClientSession) -> None:
        self._slack, self._session = slack, session
        self._address = f"http://127.0.0.1:{app.port}/slack/events"

    async def bring(self, body: bytes, kind: str | None) -> int:
        with self._slack.asking("UKIM"):
            async with self.asking(body, kind) as answer:
                await answer.read()
                return answer.status

    def asking(
        self, body: bytes, kind: str | None
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        headers = {**signed(self._slack, body), "Content-Type": kind or ""}
        return self._session.post(self._address, data=body, headers=headers)

    async def brings(self, bodies: Iterable[tuple[str, Json]]) -> dict[str, int]:
        return {told: await self.bring(*sent(body, self._slack)) for told, body in bodies}


@pytest.fixture
async def door(
    slack: WatchedSandbox, database_url: str, db: Database, people: People
) -> AsyncIterator[Door]:
    secret = {"slack_app_token": None, "slack_signing_secret": SecretStr(slack.signing_secret)}
    app = App(settings_for(slack, database_url, **secret), "web", timings=QUICK)
    await app.start()
    async with aiohttp.ClientSession() as session:
        yield Door(app, slack, session)
    await app.drain_and_stop()


async def facts(db: Database) -> list[str]:
    """All that is known."""
    told = " union all ".join(f"select '{one}', t::text from {one} t" for one in FACTS)
    return [str(row) for row in await rows(db, told)]


async def test_every_recorded_shape_is_received(
    door: Door, slack: Sandbox, db: Database, shared: Path
) -> None:
    assert await door.bring(*sent(payloads(slack, 1, 1)["command"], slack)) == 200
    before = await facts(db)
    answers = await door.brings(recorded(shared, slack))
    assert {told: status for told, status in answers.items() if status != 200} == {}
    assert await facts(db) == before


async def test_a_malformed_payload_is_turned_away_and_changes_nothing(
    door: Door,
    slack: Sandbox,
    db: Database,
    people: People,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """First with a version that has passed, so that what can be heard changes nothing either."""
    (bill_id,) = await make_bills(db, people.ana, 1)
    assert await door.bring(*sent(payloads(slack, 1, 1)["command"], slack)) == 200
    before = await facts(db)
    refused: dict[str, set[str]] = {}
    for kind, body in payloads(slack, bill_id, 9).items():
        assert await door.bring(*sent(body, slack)) == 200, kind
        answers = await door.brings(broken(body))
        assert 400 in answers.values(), kind
        assert {*answers.values()} <= {200, 400}, kind
        refused[kind] = {told for told, status in answers.items() if status == 400}
    for kind in ("click", "submission"):
        body = payloads(slack, bill_id, 1)[kind]
        again = ((told, one) for told, one in broken(body) if told in refused[kind])
        assert {*(await door.brings(again)).values()} == {400}
    assert await facts(db) == before
    assert "Traceback" not in "".join([*capfd.readouterr(), caplog.text])


MALFORMED: tuple[tuple[str, bytes, str | None], ...] = (
    ("no content type", b'{"type": "event_callback", "event": {"type": "x"}}', None),
    ("an unknown content type", b"<event/>", "application/xml"),
    ("a charset of another time", b"type=x", "text/plain; charset=utf-16"),
    ("JSON that is a text", b'"event"', JSON),
    ("nothing", b"", JSON),
    ("an empty form", b"", FORM),
    ("a payload that is empty", b"payload=", FORM),
    ("a payload that is null", b"payload=null", FORM),
    ("no event", b'{"type": "event_callback"}', JSON),
    ("no number", b'{"type": NaN}', JSON),
    ("a command and a click in one", b'{"type": "block_actions", "command": "/bill"}', JSON),
    ("an event beside a command", b'{"command": "/bill", "event": null}', JSON),
    ("a form of a click", b"type=block_actions&actions=1&user=UKIM", FORM),
    ("authorizations that are none", b'{"type": "view_closed", "authorizations": ["x"]}', JSON),
)


async def test_a_body_that_slack_never_sends_is_turned_away(
    door: Door, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    answers = {told: await door.bring(body, kind) for told, body, kind in MALFORMED}
    assert {told: status for told, status in answers.items() if status != 400} == {}
    assert "Traceback" not in "".join([*capfd.readouterr(), caplog.text])


async def test_a_command_that_speaks_of_a_payload_is_read(door: Door, slack: Sandbox) -> None:
    """Which Bolt takes for a form with a payload in it, and reads nothing of."""
    body = {**payloads(slack, 1, 1)["command"], "text": "show payload Inc"}
    async with door.asking(*sent(body, slack)) as answer:
        assert "payload Inc" in (await answer.json())["text"]


ASKING = ("command", "click", "menu", "submission", "message", "edit", "words", "mention")


async def test_who_is_no_member_any_more_is_refused_whatever_they_send(
    door: Door, slack: Sandbox, db: Database, people: People
) -> None:
    """Kim, whose word the bill needs, as a guest, deactivated, as a bot, and from elsewhere."""
    (bill_id,) = await make_bills(db, people.ana, 1)
    before = await facts(db)
    asked = {kind: body for kind, body in payloads(slack, bill_id, 1).items() if kind in ASKING}
    asked |= {f"{kind} elsewhere": _elsewhere(asked[kind]) for kind in ("click", "submission")}
    kim = slack.workspace.users["UKIM"]
    for flag, value in (
        ("is_restricted", True),
        ("is_ultra_restricted", True),
        ("deleted", True),
        ("is_bot", True),
        ("team_id", "TELSEWHERE"),
    ):
        usual = getattr(kim, flag)
        setattr(kim, flag, value)
        answers = await door.brings(asked.items())
        assert {*answers.values()} == {200}, flag
        assert await facts(db) == before, flag
        setattr(kim, flag, usual)
        await slack.change_user("UKIM")
    answers = await door.brings((k, b) for k, b in asked.items() if k.endswith("elsewhere"))
    assert {*answers.values()} == {200}
    assert await facts(db) == before


def _elsewhere(body: Json) -> Json:
    """The same, of somebody whom Slack says to be of another workspace."""
    return {**body, "user": {**body["user"], "team_id": "TELSEWHERE"}}


async def test_what_a_socket_brings_is_received_however_malformed(
    slack: Sandbox,
    settings: Settings,
    people: People,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Else Slack brings it again, and again it is no better."""
    app = App(settings, "web", timings=QUICK)
    await app.start()
    await until(lambda: slack.delivery.connected)
    try:
        for kind, payload in (
            ("events_api", {"type": "event_callback", "event": None}),
            ("interactive", {"type": "block_actions", "actions": []}),
            ("slash_commands", {"command": ["/bill"]}),
        ):
            assert (await slack.delivery.ask(kind, payload)).ok, kind
    finally:
        await app.drain_and_stop()
    assert "Traceback" not in "".join([*capfd.readouterr(), caplog.text])
