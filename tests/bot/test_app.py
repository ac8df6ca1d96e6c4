"""The program starts, says how it is, and stops without losing anything."""

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import psycopg.sql
import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.app import App, BootError
from bot.settings import Settings
from bot.slack import socket_mode
from bot.slack.client import SlackClient
from bot.slack.socket_mode import CountingHandler, Socket
from bot.timings import Timings
from models.db.database import Database
from models.people.permissions import Role
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import all_posted, grant, rows, said_to
from tests.harness.cast import People
from tests.harness.database import TestPostgres
from tests.harness.programs import Program
from tests.harness.timings import INTERRUPTED, LONG_ACK_S, QUICK
from tests.harness.waiting import PATIENCE_S, until
from tests.harness.zygote import Order


@asynccontextmanager
async def running(
    settings: Settings, role: Any = "all", timings: Timings = QUICK
) -> AsyncIterator[App]:
    app = App(settings, role, timings=timings)
    await app.start()
    try:
        yield app
    finally:
        await app.drain_and_stop()


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[App]:
    async with running(settings) as started:
        yield started


async def get(app: App, path: str) -> tuple[int, dict[str, Any]]:
    address = f"http://127.0.0.1:{app.port}{path}"
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        return answer.status, await answer.json()


async def is_ready(app: App) -> bool:
    return (await get(app, "/ready"))[0] == 200


async def test_a_running_program_is_ready_hears_commands_and_posts(
    app: App, db: Database, people: People, slack: Sandbox
) -> None:
    await until(lambda: is_ready(app))
    assert await get(app, "/health") == (200, {"status": "alive"})
    answer = await slack.command("UANA", "CAPPROVALS", "/bill", "help")
    assert answer["ok"], answer
    assert [one["ephemeral_user"] for one in slack.messages("CAPPROVALS")] == ["UANA"]
    await grant(db, people.max)
    await until(lambda: all_posted(db))


async def test_without_a_socket_it_is_alive_and_not_ready(
    slack: Sandbox, settings: Settings
) -> None:
    await slack.fault(socket="refuse", times=1000)
    async with running(settings) as app:
        await until(lambda: _lacks(app, "There is no socket to Slack."))
        assert (await get(app, "/health"))[0] == 200


async def _lacks(app: App, *reasons: str) -> bool:
    return await get(app, "/ready") == (503, {"ready": False, "reasons": list(reasons)})


async def test_a_socket_that_stays_away_makes_the_case_hopeless(
    slack: Sandbox, settings: Settings
) -> None:
    await slack.fault(socket="refuse", times=1000)
    app = App(settings, timings=replace(QUICK, hopeless=0.5))
    await app.start()
    await asyncio.wait_for(app.wait_until_hopeless(), PATIENCE_S)
    await app.drain_and_stop()


async def test_without_a_database_it_is_alive_and_not_ready(
    app: App, database_url: str, postgres: TestPostgres
) -> None:
    await until(lambda: is_ready(app))
    with closed(postgres, database_url):
        status, body = await get(app, "/ready")
        assert status == 503
        assert "The database cannot be reached" in body["reasons"][0]
        assert (await get(app, "/health"))[0] == 200
    await until(lambda: is_ready(app))


async def test_it_stops_in_time_though_the_database_is_away(
    database_url: str, postgres: TestPostgres, settings: Settings
) -> None:
    app = App(settings, timings=QUICK)
    await app.start()
    await until(lambda: is_ready(app))
    with closed(postgres, database_url):
        await until(lambda: _is_not_ready(app))
        await asyncio.wait_for(app.drain_and_stop(1), PATIENCE_S)


@contextmanager
def closed(postgres: TestPostgres, database_url: str) -> Iterator[None]:
    """Nobody can connect to the database, and whoever was connected is cut off."""
    name = str(conninfo_to_dict(database_url)["dbname"])
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as admin:
        admin.execute(_allow(name, "false"))
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
        )
        yield
        admin.execute(_allow(name, "true"))


def _allow(name: str, whether: str) -> psycopg.sql.Composed:
    statement = psycopg.sql.SQL("alter database {} allow_connections " + whether)
    return statement.format(psycopg.sql.Identifier(name))


async def test_the_socket_comes_back_after_it_was_refused_for_a_while(
    app: App, slack: Sandbox
) -> None:
    await until(lambda: is_ready(app))
    await slack.fault(socket="refuse", times=2)
    await slack.fault(socket="drop")
    await until(lambda: _is_not_ready(app))
    await until(lambda: is_ready(app))
    assert (await slack.command("UANA", "CAPPROVALS", "/bill", "help"))["ok"]


async def _is_not_ready(app: App) -> bool:
    return not await is_ready(app)


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "link_disabled"])
async def test_the_socket_is_renewed_once_when_slack_asks_and_nothing_sent_meanwhile_is_lost(
    reason: str, app: App, slack: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands come one upon the other, from before the goodbye until long after it. One that is
    ended at once leaves a moment in which Slack has no socket to send by, and says so.
    """
    monkeypatch.setattr(slack.sockets, "_ack_s", LONG_ACK_S)
    await until(lambda: is_ready(app))
    greeted: list[dict[str, Any]] = []
    greet = slack.sockets._hello
    monkeypatch.setattr(slack.sockets, "_hello", lambda: greeted.append(greet()) or greeted[-1])
    goodbye = asyncio.create_task(slack.fault(socket=reason))
    answered = [await slack.command("UANA", "CAPPROVALS", "/bill", "help") for _ in range(60)]
    await goodbye
    lost = {one["error"] for one in answered if not one["ok"]}
    assert lost <= (set() if reason == "warning" else {"no_connection"})
    await until(lambda: _helped(slack))
    assert len(greeted) == 1


async def _helped(slack: Sandbox) -> bool:
    return bool((await slack.command("UANA", "CAPPROVALS", "/bill", "help"))["ok"])


async def test_finance_is_welcomed_by_slack_id_and_keeps_the_name(
    db: Database, people: People, slack: Sandbox, settings: Settings
) -> None:
    slack.add_user(id="UZOE", name="zoe", real_name="Zoe Zest", email="zoe@example.com")
    slack.add_user(id="UANA2", name="ana", real_name="Ana")
    named = settings.model_copy(update={"finance_slack_ids": ("UZOE", "UANA2", "UANA")})
    for _ in range(2):
        async with running(named, "worker"):
            pass
    finance = await rows(db, "select name, slack_user_id from users where role = 'Finance'")
    assert sorted(map(tuple, finance)) == [
        ("Ana", "UANA"),
        ("Ana (UANA2)", "UANA2"),
        ("Zoe Zest", "UZOE"),
    ]


async def test_finance_is_not_given_back_to_who_has_another_role(
    db: Database, people: People, settings: Settings
) -> None:
    named = settings.model_copy(update={"finance_slack_ids": ("UMAX",)})
    await rows(db, "update users set role = 'Sales' where name = 'Max' returning id")
    async with running(named, "worker"):
        pass
    (max_,) = await rows(db, "select role from users where name = 'Max'")
    assert max_.role == "Sales"


@pytest.mark.parametrize(
    "flag", ["deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger"]
)
async def test_finance_is_no_guest_no_bot_and_nobody_who_left(
    flag: str, db: Database, slack: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def described(_: SlackClient, slack_id: str) -> dict[str, Any]:
        return {"id": slack_id, "name": "zoe", flag: True}

    monkeypatch.setattr(SlackClient, "user_info", described)
    named = settings.model_copy(update={"finance_slack_ids": ("UZOE",)})
    with pytest.raises(BootError, match="FINANCE_SLACK_IDS: UZOE: ") as refused:
        await App(named, "worker", timings=QUICK).start()
    assert refused.value.status == 2
    assert not await rows(db, "select from users where slack_user_id = 'UZOE'")


async def test_a_watchdog_that_falls_over_makes_the_case_hopeless(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    await until(lambda: is_ready(app))

    async def broken(_: Socket) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(Socket, "is_connected", broken)
    await asyncio.wait_for(app.wait_until_hopeless(), PATIENCE_S)


async def test_what_arrives_while_it_drains_is_left_to_slack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[str] = []
    at_work, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_: AsyncApp, body: Any, headers: Any) -> BoltResponse:
        heard.append(body["name"])
        at_work.set()
        await go_on.wait()
        return BoltResponse(status=404)  # which no socket is needed for

    monkeypatch.setattr(socket_mode, "hear", slowly)
    bolt = AsyncApp(token="xoxb-1", signing_secret="s", request_verification_enabled=False)
    handler = CountingHandler(bolt, "xapp-1", QUICK.ping)
    begun = asyncio.create_task(handler.handle(handler.client, _envelope("first")))
    await asyncio.wait_for(at_work.wait(), PATIENCE_S)
    handler.draining = True
    await handler.handle(handler.client, _envelope("second"))
    assert not handler.idle.is_set()
    go_on.set()
    await begun
    assert handler.idle.is_set()
    assert heard == ["first"]
    await handler.client.close()  # type: ignore[no-untyped-call]


def _envelope(name: str) -> SocketModeRequest:
    return SocketModeRequest(type="slash_commands", envelope_id=name, payload={"name": name})


async def test_a_worker_posts_and_hears_nothing(
    db: Database, people: People, slack: Sandbox, settings: Settings
) -> None:
    async with running(settings, "worker") as app:
        assert app.port is None
        assert not slack.delivery.connected
        await grant(db, people.max)
        await until(lambda: all_posted(db))


async def test_a_web_part_hears_and_posts_nothing(
    db: Database, people: People, slack: Sandbox, settings: Settings
) -> None:
    async with running(settings, "web") as app:
        await until(lambda: is_ready(app))
        assert (await slack.command("UANA", "CAPPROVALS", "/bill", "help"))["ok"]
        await grant(db, people.max)
        assert not said_to(slack, "UMAX")
    async with running(settings, "worker"):
        await until(lambda: all_posted(db))


REFUSED = [
    ({"slack_bot_token": SecretStr("xoxb-wrong")}, "SLACK_BOT_TOKEN", 2),
    ({"slack_app_token": SecretStr("xapp-wrong")}, "SLACK_APP_TOKEN", 2),
    ({"slack_api_url": "http://127.0.0.1:9/api/"}, "SLACK_API_URL", 1),
    ({"slack_api_url": "{base}/elsewhere/"}, "SLACK_API_URL: what is there", 2),
    ({"slack_api_url": "{base}/api/auth.test/"}, "SLACK_API_URL: what is there", 2),
    ({"slack_api_url": "{base}/api/api/"}, "SLACK_API_URL: what is there", 2),
    ({"slack_api_url": "{base}/"}, "SLACK_API_URL: what is there", 2),
    ({"finance_slack_ids": ("UNOBODY",)}, "FINANCE_SLACK_IDS", 2),
    ({"database_url": SecretStr("postgresql://x:secret@127.0.0.1:9/x")}, "DATABASE_URL", 2),
    ({"host": "192.0.2.1"}, "PORT", 2),
]


async def test_what_it_cannot_start_with_is_named_in_one_line(
    slack: Sandbox, settings: Settings, subtests: pytest.Subtests
) -> None:
    for changes, named, status in REFUSED:
        with subtests.test(str(changes)):
            update = dict(changes)
            if "slack_api_url" in changes:
                update = {"slack_api_url": changes["slack_api_url"].format(base=slack.base_url)}
            app = App(settings.model_copy(update=update), timings=QUICK)
            with pytest.raises(BootError) as refused:
                await app.start()
            assert refused.value.status == status
            assert named in str(refused.value)
            assert "\n" not in str(refused.value)
            assert "secret" not in str(refused.value)


async def test_a_template_that_draws_no_document_is_named_before_anything_is_issued(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "invoice.typ").write_text("#page-of.nothing", encoding="utf-8")
    own = settings.model_copy(update={"invoice_templates": tmp_path})
    with pytest.raises(BootError, match=r"INVOICE_TEMPLATES: .*unknown variable: page-of"):
        await App(own, "worker", timings=QUICK).start()


async def test_a_company_whose_name_no_font_has_is_named_too(settings: Settings) -> None:
    odd = settings.model_copy(update={"company_address": "1 \U00010900 Road"})
    with pytest.raises(BootError, match=r"U\+10900\), which stands in COMPANY_ADDRESS"):
        await App(odd, "worker", timings=QUICK).start()


async def test_checks_of_e_invoices_that_do_not_run_here_are_named_before_a_bill_waits_for_them(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "saxonche.py").write_text("raise ImportError('No libsaxon.')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    wanted = settings.model_copy(update={"e_invoice": "factur-x"})
    with pytest.raises(BootError, match=r"E_INVOICE: .* No libsaxon\."):
        await App(wanted, "worker", timings=QUICK).start()


async def test_an_old_schema_is_named_with_its_cure(settings: Settings, db: Database) -> None:
    await rows(db, "update alembic_version set version_num = '0001' returning version_num")
    with pytest.raises(BootError, match="countersign migrate"):
        await App(settings, timings=QUICK).start()


def process(slack: Sandbox, database_url: str, folder: Path, **changes: str) -> Program:
    """`countersign serve`, with no setting but these."""
    environment = {
        **{name: value for name, value in os.environ.items() if "PROXY" not in name.upper()},
        "DATABASE_URL": database_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "PORT": str(_free_port()),
        **changes,
    }
    return Program(Order("bot", ("serve",), str(folder), environment))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
async def test_serve_with_a_bad_token_says_one_line_and_exits_2(
    name: str, slack: Sandbox, database_url: str, tmp_path: Path
) -> None:
    kind = {"SLACK_BOT_TOKEN": "xoxb-wrong", "SLACK_APP_TOKEN": "xapp-wrong"}[name]
    with process(slack, database_url, tmp_path, **{name: kind}) as serve:
        answer = await asyncio.to_thread(serve.answer)
    told = [line for line in answer.stderr.splitlines() if not line.startswith("{")]
    assert answer.status == 2
    assert len(told) == 1
    assert name in told[0]
    assert kind not in answer.stderr


async def test_sigterm_ends_serve_within_ten_seconds_and_loses_nothing(
    db: Database,
    people: People,
    slack: Sandbox,
    database_url: str,
    settings: Settings,
    tmp_path: Path,
) -> None:
    for role in Role:
        await grant(db, people.max, role)
    await slack.fault(method="chat.postMessage", kind="delay", seconds=1, times=0)
    with process(slack, database_url, tmp_path) as serve:
        await until(lambda: _said(slack, 1))
        serve.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        answer = await asyncio.to_thread(serve.answer)
    assert time.monotonic() - begun < 10
    assert answer.status == 0, answer.stderr
    assert all(json.loads(line) for line in answer.stderr.splitlines())
    for secret in (slack.bot_token, slack.app_token):
        assert secret not in answer.stderr
    await slack.fault(clear=True)
    async with running(settings, "worker"):
        await until(lambda: all_posted(db))
    assert len(said_to(slack, "UMAX")) == len(Role)


async def _said(slack: Sandbox, count: int) -> bool:
    return len(said_to(slack, "UMAX")) >= count


async def test_after_a_kill_the_next_program_keeps_every_promise(
    db: Database,
    people: People,
    slack: Sandbox,
    database_url: str,
    settings: Settings,
    tmp_path: Path,
) -> None:
    for role in Role:
        await grant(db, people.max, role)
    await slack.fault(method="chat.postMessage", kind="delay", seconds=1, times=0)
    with process(slack, database_url, tmp_path):
        await until(lambda: _said(slack, 1))
    await slack.fault(clear=True)
    async with running(settings, "worker", INTERRUPTED):
        await until(lambda: all_posted(db))
    assert len(said_to(slack, "UMAX")) == len(Role)
