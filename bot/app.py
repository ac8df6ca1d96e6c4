"""The composition root: everything that runs is put together, started and stopped here."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

import structlog
from fastapi import FastAPI
from pydantic import SecretStr

from bot.health.probes import look_at
from bot.health.program import PATIENCE_S, program_probes
from bot.health.told_settings import told_settings
from bot.logs import configure_logging
from bot.metrics_page import MetricsPage, add_metrics
from bot.missed_events import MissedEvents
from bot.settings import Settings
from bot.slack.bolt import make_bolt
from bot.slack.client import ErrorKind, Identity, SlackClient, SlackError
from bot.slack.responder import SlackResponder
from bot.slack.socket_mode import Socket
from bot.timings import Timings, utc_now
from bot.web_server import WebServer, hear_slack, make_web_app, serve_people
from bot.what_to_do import WHAT_TO_DO
from bot.worker.deliver_bills import mailer_of
from bot.worker.drawing import CannotDraw, tried_drawing
from bot.worker.processes import Processes
from bot.worker.read_mailbox import MailboxReader, mailbox_of
from bot.worker.worker import Worker
from handlers.http.services import Checks, HttpServices, SlackMember
from handlers.slack.app import register
from handlers.slack.context import Services
from handlers.slack.users import display_name, known_member
from handlers.wording.addresses import use_public_url
from handlers.wording.formatting import use_prefix
from handlers.wording.refusals import Medium, refusal_text
from models.actions.access import welcome
from models.bills.documents import Draw
from models.db.database import Database
from models.db.revision import is_migrated
from models.errors import Refusal
from models.people.permissions import Role
from models.people.users import add_user
from models.settings import CHUNK_CUSTOMERS

log = structlog.get_logger()

Part = Literal["all", "web", "worker"]
DRAIN_S = 7.0
"""Ten seconds are usual between SIGTERM and SIGKILL; the rest is for closing and exiting."""
READY_S = 2.0
CLOSING_S = 1.0
CONNECTIONS, WORKER_CONNECTIONS = 10, 5


class BootError(Exception):
    """One line for whoever starts the program: what is wrong, and what to do about it."""

    def __init__(self, sentence: str, status: int = 2) -> None:
        """`status`: 2 for what the settings can mend, 1 for the rest."""
        super().__init__(sentence)
        self.status = status


class App:
    """The running program, or the part of it that `role` names.

    `web` hears Slack and serves HTTP; `worker` is the worker alone; `all` is both.
    """

    def __init__(
        self,
        settings: Settings,
        role: Part = "all",
        *,
        now: Callable[[], datetime] = utc_now,
        timings: Timings | None = None,
        chunk_customers: int = CHUNK_CUSTOMERS,
    ) -> None:
        """`now` is the clock that decisions are dated by; tests let it travel, and trials change
        the tempo.
        """
        self._settings = settings
        self._role = role
        self._now = now
        self._timings = timings or Timings()
        if settings.send_per_minute:
            self._timings = replace(self._timings, mail_gap=60 / settings.send_per_minute)
        self._billing = settings.billing(chunk_customers)
        self._open = AsyncExitStack()
        self._worker: Worker | None = None
        self._reader: MailboxReader | None = None
        self._web: WebServer | None = None
        self._socket: Socket | None = None

    @property
    def port(self) -> int | None:
        """Where HTTP is served; None where it is not."""
        return self._web.port if self._web else None

    async def start(self) -> None:
        """Start everything, in the order in which the parts need each other.

        Refuses with a BootError; whatever had started is stopped then.
        """
        try:
            await self._start()
        except BaseException:
            await self.drain_and_stop(CLOSING_S)
            raise

    async def _start(self) -> None:
        use_public_url(self._public_url(self._settings.port))
        self._db = self._database(self._settings.address())
        self._open.push_async_callback(self._db.close)
        await self._check_database()
        token = _plain(self._settings.slack_bot_token) or ""
        gateway = await self._open.enter_async_context(
            SlackClient.open(token, self._settings.slack_api_url, self._timings.ask_again)
        )
        identity = await self._check_tokens(gateway)
        await self._welcome_finance(gateway, identity)
        if self._role != "web":
            # Connections of its own: whoever clicks does not wait behind a night's messages.
            db = self._database(self._db.url, WORKER_CONNECTIONS)
            self._open.push_async_callback(db.close)
            processes = Processes()
            self._open.push_async_callback(processes.stop)
            self._worker = Worker(
                db,
                gateway,
                now=self._now,
                billing=self._billing,
                timings=self._timings,
                mailer=mailer_of(self._settings),
                draw=await self._draw(processes),
            )
            await self._worker.start()
            await self._read_mailbox(db)
        if self._role != "worker":
            await self._listen(gateway, identity)
        elif self._settings.worker_port is not None:
            self._web = self._server(self._watched(), "WORKER_PORT")
            await self._web.start()
        log.info("started", role=self._role, port=self.port)

    async def drain_and_stop(self, deadline_s: float = DRAIN_S) -> None:
        """Take in nothing more, finish what was begun within `deadline_s`, and close."""
        log.info("stopping", deadline_s=deadline_s)
        parts = (self._socket and self._socket.drain, self._web and self._web.stop)
        stops = [stop(deadline_s) for stop in parts if stop]
        if self._worker:
            stops.append(self._worker.stop(deadline_s))
        if self._reader:
            stops.append(self._reader.stop(deadline_s))
        for outcome in await asyncio.gather(*stops, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.error("a part did not stop cleanly", exc_info=outcome)
        self._socket = self._web = self._worker = self._reader = None
        await self._open.aclose()
        log.info("stopped")

    async def wait_until_hopeless(self) -> None:
        """Returns when only a new start can help."""
        if self._socket is None:
            await asyncio.Event().wait()
        else:
            await self._socket.hopeless.wait()

    async def reasons_not_ready(self) -> list[str]:
        """What is missing before this process can do its work."""
        reasons = []
        try:
            async with asyncio.timeout(READY_S), self._db.transaction() as session:
                if not await is_migrated(session):
                    reasons.append("The database is not migrated.")
        except Exception as error:
            reasons.append(f"The database cannot be reached ({type(error).__name__}).")
        if self._socket is not None and not await self._socket.is_connected():
            reasons.append("There is no socket to Slack.")
        if self._worker is not None and not self._worker.is_working:
            reasons.append("The worker is not at work.")
        return reasons

    async def _read_mailbox(self, db: Database) -> None:
        mailbox = mailbox_of(self._settings)
        if mailbox is not None:
            self._reader = MailboxReader(db, mailbox, self._billing, self._now, self._timings)
            await self._reader.start()

    def _database(self, url: str, pool_size: int = CONNECTIONS) -> Database:
        return Database(
            url,
            pool_size,
            statement_s=self._timings.statement,
            lock_s=self._timings.lock,
            silent_s=self._timings.stalled,
        )

    async def _draw(self, processes: Processes) -> Draw:
        try:
            return await tried_drawing(self._settings, processes)
        except CannotDraw as refused:
            raise BootError(str(refused)) from None

    async def _check_database(self) -> None:
        try:
            async with self._db.transaction() as session:
                migrated = await is_migrated(session)
        except Exception as error:
            cause = str(error).strip().partition("\n")[0]
            raise BootError(f"DATABASE_URL: the database cannot be reached: {cause}") from error
        if not migrated:
            raise BootError("The database is not up to date. Run `countersign migrate` first.")

    async def _check_tokens(self, gateway: SlackClient) -> Identity:
        try:
            identity = await gateway.auth_test()
        except SlackError as trouble:
            raise _refused("SLACK_BOT_TOKEN", "xoxb-", trouble) from None
        app_token = _plain(self._settings.slack_app_token)
        if self._role != "worker" and app_token:
            try:
                await gateway.check_app_token(app_token)
            except SlackError as trouble:
                raise _refused("SLACK_APP_TOKEN", "xapp-", trouble) from None
        return identity

    async def _welcome_finance(self, gateway: SlackClient, identity: Identity) -> None:
        """Those named in FINANCE_SLACK_IDS belong to Finance, unless they have a role already."""
        for slack_id in self._settings.finance_slack_ids:
            try:
                account = await known_member(gateway.user_info, identity.team_id, slack_id)
                await self._to_finance(slack_id, identity.team_id, account)
            except SlackError as trouble:
                raise BootError(f"FINANCE_SLACK_IDS: {slack_id}: {trouble.code}.", 1) from None
            except Refusal as refusal:
                told = refusal_text(refusal, Medium.COMMAND_LINE)
                raise BootError(f"FINANCE_SLACK_IDS: {slack_id}: {told}") from None

    async def _to_finance(self, slack_id: str, team_id: str, account: dict[str, Any]) -> None:
        email = account.get("profile", {}).get("email")
        async with self._db.transaction() as session:
            user = await welcome(session, slack_id, team_id, display_name(account), email)
            if user.role is None:
                await add_user(session, user.name, Role.FINANCE, slack_id, email)

    async def _listen(self, gateway: SlackClient, identity: Identity) -> None:
        bolt = make_bolt(gateway, identity)
        services = Services(
            db=self._db,
            now=self._now,
            zone=self._settings.timezone,
            billing=self._billing,
            team_id=identity.team_id,
            bot_user_id=identity.bot_user_id,
            app_id=await gateway.app_id(identity.bot_id),
            slack=SlackResponder(gateway),
            work_s=self._timings.work,
        )
        self._open.push_async_callback(services.background.drain)
        use_prefix(self._settings.command_prefix)
        register(bolt, services)
        web = self._watched()
        app_token = _plain(self._settings.slack_app_token)
        if app_token:
            self._socket = Socket(bolt, app_token, self._timings)
        self._web = self._server(web, "PORT")
        use_public_url(self._public_url(self._web.port))
        mailer = mailer_of(self._settings)
        probes = program_probes(self._settings, self._db, gateway, mailer, socket=self._socket)
        checks = partial(look_at, probes, PATIENCE_S)
        ask = SlackResponder(gateway).user_info
        member = partial(known_member, ask, identity.team_id)
        serve_people(web, self._http_services(self._web.port, identity.url, checks, member))
        if self._socket is None:
            hear_slack(web, bolt, _plain(self._settings.slack_signing_secret) or "")
        await self._web.start()
        if self._socket is not None:
            await self._socket.start()
        missed = MissedEvents(services, gateway, self._timings, self._socket)
        self._open.push_async_callback(missed.stop)
        missed.start()

    def _public_url(self, port: int) -> str:
        """Where people reach the pages; where nobody says, on this machine."""
        return self._settings.public_url or f"http://{self._settings.host}:{port}"

    def _http_services(
        self, port: int, slack_url: str, checks: Checks, member: SlackMember
    ) -> HttpServices:
        return HttpServices(
            db=self._db,
            now=self._now,
            billing=self._billing,
            public_url=self._public_url(port),
            slack_url=slack_url,
            slack_member=member,
            settings=told_settings(self._settings),
            checks=checks,
            mailbox=self._settings.mailbox.name if self._settings.mailbox else None,
            finance_slack_ids=self._settings.finance_slack_ids,
        )

    def _watched(self) -> FastAPI:
        """What answers whoever watches over this process."""
        web = make_web_app(self.reasons_not_ready)
        token = _plain(self._settings.metrics_token)
        if token:
            add_metrics(web, MetricsPage(self._db, self._now), token)
        return web

    def _server(self, web: FastAPI, setting: Literal["PORT", "WORKER_PORT"]) -> WebServer:
        host, port = self._settings.host, getattr(self._settings, setting.lower())
        try:
            return WebServer(web, host, port, self._settings.trusted_proxies)
        except OSError as error:
            raise BootError(f"{setting}: {host}:{port} cannot be had: {error.strerror}.") from error


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _refused(setting: str, prefix: str, trouble: SlackError) -> BootError:
    if not trouble.answered:
        return BootError(f"Slack cannot be reached ({trouble.code}). Is SLACK_API_URL right?", 1)
    if trouble.is_not_slack:
        return BootError(
            f"SLACK_API_URL: what is there does not answer as Slack's Web API ({trouble.code}). "
            f"{WHAT_TO_DO['SLACK_API_URL']}"
        )
    if trouble.kind in (ErrorKind.UNKNOWN, ErrorKind.RATE_LIMITED):
        return BootError(f"Slack is in trouble ({trouble.code}). Try again later.", 1)
    return BootError(
        f"{setting}: Slack refuses this token ({trouble.code}). It begins with {prefix} and is "
        "found on the app's pages at api.slack.com."
    )


async def _unless(stopped: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do the work, and raise what it raises; False if it was called off because of `stopped`."""
    doing, waiting = asyncio.create_task(work), asyncio.create_task(stopped.wait())
    await asyncio.wait((doing, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if doing.done():
        doing.result()
        return True
    doing.cancel()
    with suppress(asyncio.CancelledError):
        await doing
    return False


def _keep_for_good() -> None:
    """What there is by now lives as long as the program: looked through for garbage again and
    again, it keeps everybody waiting for a tenth of a second.
    """
    gc.collect()
    gc.freeze()


async def serve(
    settings: Settings,
    role: Part = "all",
    *,
    now: Callable[[], datetime] = utc_now,
    timings: Timings | None = None,
    chunk_customers: int = CHUNK_CUSTOMERS,
) -> int:
    """Run until a signal asks to stop; returns the exit status.

    0: stopped when asked. 1: it cannot go on, and another start may help. 2: the settings.
    """
    configure_logging(settings.secrets(), settings.log_level)
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop.set)
    app = App(settings, role, now=now, timings=timings, chunk_customers=chunk_customers)
    try:
        if not await _unless(asked_to_stop, app.start()):
            return 0
    except BootError as error:
        sys.stderr.write(f"countersign: {error}\n")
        return error.status
    _keep_for_good()
    asked = not await _unless(asked_to_stop, app.wait_until_hopeless())
    try:
        await asyncio.wait_for(app.drain_and_stop(), DRAIN_S + CLOSING_S)
    except TimeoutError:
        log.error("not everything closed in time; what was left is taken up by the next start")
        return 1
    return 0 if asked else 1
