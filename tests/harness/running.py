"""The bot at work against a sandbox's Slack: its listeners, its worker, or the whole of it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import structlog
from pydantic import SecretStr
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

import bot.app
from bot.app import App
from bot.mail.smtp import Mailer
from bot.settings import Settings
from bot.slack.bolt import make_bolt
from bot.slack.client import SlackClient
from bot.slack.responder import SlackResponder
from bot.timings import Timings
from bot.worker.processes import Processes
from bot.worker.worker import Worker
from handlers.slack.app import register
from handlers.slack.context import Services
from models.bills.documents import Draw
from models.db.database import Database
from models.settings import BillingSettings
from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.drawing import draw_here
from tests.harness.job_pools import WorkerOnLentPools
from tests.harness.slack_people import NOW, Json, Team
from tests.harness.timings import BRIEF_S, LONG_ACK_S, QUICK
from tests.harness.waiting import until
from tests.harness.watched_slack import WatchedSandbox

STOP_S = 5.0


@dataclass
class Listeners:
    """What hears Slack, without the program around it."""

    services: Services
    app: AsyncApp
    slack: SlackClient

    async def hear(self, body: Json) -> BoltResponse:
        """Hand them a payload that Slack itself would not send here and now."""
        return await self.app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))


def settings_for(slack: Sandbox, database_url: str, **changes: Any) -> Settings:
    """Settings that lead to the sandbox; port 0 takes whichever is free."""
    given = {
        "database_url": SecretStr(database_url),
        "slack_bot_token": SecretStr(slack.bot_token),
        "slack_app_token": SecretStr(slack.app_token),
        "slack_api_url": slack.api_url,
        "port": 0,
    }
    return _settings_by_themselves().model_copy(update=given | changes)


@cache
def _settings_by_themselves() -> Settings:
    """To read them takes as long as to start the bot with them."""
    return Settings(_env_file=None)  # type: ignore[call-arg]


@asynccontextmanager
async def workspace(given: Json, **more: Any) -> AsyncIterator[WatchedSandbox]:
    """A Slack that limits no rates and waits long for the bot, which tells it nothing unknown, and
    nobody anything twice.
    """
    quick = {"rate_limits": False, "retry_delays_s": (0.0, 0.2, 1.0, 5.0), "ack_s": LONG_ACK_S}
    sandbox = WatchedSandbox(workspace=given, **(quick | more))
    async with serve(sandbox):
        yield sandbox
        assert sandbox.warnings == []
        assert sandbox.seen_twice() == []


def slack_client(sandbox: Sandbox) -> AbstractAsyncContextManager[SlackClient]:
    """The bot's way to that Slack."""
    return SlackClient.open(sandbox.bot_token, sandbox.api_url, QUICK.ask_again)


@asynccontextmanager
async def listeners_only(
    sandbox: Sandbox, db: Database, billing: BillingSettings | None = None
) -> AsyncIterator[Listeners]:
    """The listeners connected by Socket Mode."""
    async with slack_client(sandbox) as slack:
        services = Services(
            db=db,
            now=lambda: NOW,
            zone=ZoneInfo("UTC"),
            billing=billing or BillingSettings(),
            team_id=sandbox.team_id,
            bot_user_id=sandbox.bot_user_id,
            app_id=sandbox.installation.app_id,
            slack=SlackResponder(slack),
            work_s=BRIEF_S / 2,
        )
        app = make_bolt(slack, await slack.auth_test())
        register(app, services)
        handler = AsyncSocketModeHandler(app, sandbox.app_token, ping_interval=QUICK.ping)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await until(lambda: sandbox.delivery.connected)
        try:
            yield Listeners(services, app, slack)
        finally:
            await services.background.drain()
            await handler.close_async()  # type: ignore[no-untyped-call]
            await handler.client.aiohttp_client_session.close()


@asynccontextmanager
async def worker_only(
    db: Database,
    slack: SlackClient,
    billing: BillingSettings | None = None,
    *,
    now: Callable[[], datetime] = lambda: NOW,
    mailer: Mailer | None = None,
    timings: Timings = QUICK,
    **changed: float,
) -> AsyncIterator[Worker]:
    """What does the promised jobs, until the block ends."""
    made = WorkerOnLentPools(
        db,
        slack,
        now=now,
        billing=billing or BillingSettings("CAPPROVALS"),
        timings=replace(timings, **changed),  # type: ignore[arg-type]
        draw=draw_here,
        mailer=mailer,
    )
    await made.start()
    try:
        yield made
    finally:
        await made.stop(STOP_S)


class _Lent(Database):
    """Another's connections, which stay open: new ones would have to get to know all tables."""

    def __init__(self, db: Database) -> None:
        vars(self).update(vars(db))

    async def close(self) -> None:
        pass


class _AppOnLentDatabase(App):
    """The program, with connections of its own only where it is to wait less long than others."""

    def __init__(self, settings: Settings, db: Database, timings: Timings, **more: Any) -> None:
        super().__init__(settings, timings=timings, **more)
        self._lent = _Lent(db) if timings.statement == timings.lock == BRIEF_S else None

    async def _start(self) -> None:
        with patch.object(bot.app, "Worker", WorkerOnLentPools):
            await super()._start()

    def _database(self, *given: Any) -> Database:
        return self._lent or super()._database(*given)

    async def _draw(self, processes: Processes) -> Draw:
        """Here, where that needs nothing else to be tried first."""
        chosen = (self._settings.invoice_templates, self._settings.e_invoice)
        return await super()._draw(processes) if any(chosen) else draw_here


@asynccontextmanager
async def whole_bot(team: Team, timings: Timings = QUICK, **settings: Any) -> AsyncIterator[App]:
    """The program itself, connected to the team's Slack; its clock is the team's."""
    mailing = {
        "smtp_url": SecretStr(team.sandbox.smtp_url),
        "mail_from": "Billing <billing@example.com>",
        "send_delay_minutes": 0,
    }
    chosen = settings_for(team.sandbox, team.db.url, **(mailing | settings))
    app = _AppOnLentDatabase(chosen, team.db, timings, now=team.clock)
    await app.start()
    try:
        await until(lambda: team.sandbox.delivery.connected)
        yield app
    finally:
        await app.drain_and_stop()


@contextmanager
def plain_log() -> Iterator[None]:
    """Traces without colours and locals, which take seconds to draw and hold up the loop."""
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, plain])
    yield
    structlog.reset_defaults()
