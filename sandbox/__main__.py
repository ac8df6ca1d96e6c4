"""`make demo`: a Slack of one's own, with the real bot in it, in one terminal."""

import argparse
import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
import time
import webbrowser
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp
import psycopg

from models.db.database import Database
from models.db.embedded import EmbeddedPostgres
from models.db.migrate import migrate
from sandbox import demo, metering
from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from sandbox.fake_slack.shapes import JsonObject
from sandbox.fake_slack.starting import (
    ended,
    inherited_settings,
    naming,
    read_manifest,
    read_workspace,
    running,
    say,
    slack_settings,
    start,
)

PACKAGE = Path(__file__).parent
# In the wheel it is among the package's files, in a checkout above them.
MANIFESTS = (PACKAGE / "manifest.yml", PACKAGE.parent / "manifest.yml")
DATABASE = "sandbox"
METERING = "metering"
START_S = 60


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A Slack of one's own on this machine, with Countersign in it.",
    )
    parser.add_argument("--port", type=int, default=3000, help="where the page is (3000)")
    parser.add_argument("--web-port", type=int, default=8000, help="where the bot's web is (8000)")
    parser.add_argument("--data", type=Path, help="keep PostgreSQL's files here, not in /tmp")
    parser.add_argument("--mode", choices=("socket", "http"), default="socket")
    parser.add_argument("--workspace", type=Path, help="people and channels of your own, as JSON")
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")
    return parser.parse_args(words)


def bot_manifest(prefix: str = "") -> JsonObject:
    """The bot's manifest, its commands prefixed as the bot will listen for them."""
    found: JsonObject = read_manifest(next(one for one in MANIFESTS if one.exists()))
    for entry in found["features"]["slash_commands"]:
        entry["command"] = prefixed(entry["command"], prefix)
    return found


def command_prefix() -> str:
    return os.environ.get("COMMAND_PREFIX", "")


def prefixed(command: str, prefix: str) -> str:
    """A command as it is typed where commands have this prefix: "/acme-bill generate"."""
    return "/" + prefix + command.removeprefix("/")


def web_address(port: int) -> str:
    """Where the bot's web is."""
    return f"http://127.0.0.1:{port}"


def make_sandbox(options: argparse.Namespace) -> Sandbox:
    """The sandbox, not served yet. Raises UselessFile."""
    web_url = web_address(options.web_port)
    with naming("--workspace", options.workspace):
        sandbox = Sandbox(
            workspace=read_workspace(options.workspace) if options.workspace else demo.workspace(),
            manifest=bot_manifest(command_prefix()),
            mode=options.mode,
            bot_http_url=f"{web_url}/slack/events",
        )
    sandbox.web_url = web_url
    sandbox.ready = lambda: is_ready(web_url)
    return sandbox


@contextlib.contextmanager
def own_folder(data: Path | None) -> Iterator[Path]:
    """Where the sandbox's files are: kept in `data`, or gone with it."""
    folder = data or Path(tempfile.mkdtemp(prefix="countersign-sandbox-"))
    try:
        yield folder
    finally:
        if data is None:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def fresh_database(folder: Path, *, lasting: bool) -> AsyncIterator[str]:
    """A migrated, empty database on a PostgreSQL of its own; yields its address."""
    server = await asyncio.to_thread(EmbeddedPostgres, folder)
    try:
        if await asyncio.to_thread(_make_database, server, lasting=lasting):
            say(f"What an earlier sandbox left in {folder} is gone: this one begins anew.")
        yield server.url(DATABASE)
    finally:
        await asyncio.to_thread(server.stop)


def _make_database(server: EmbeddedPostgres, *, lasting: bool) -> bool:
    """Whether there was one before. Files that nobody keeps need not reach the disk."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        if not lasting:
            connection.execute("alter system set fsync = off")
            connection.execute("select pg_reload_conf()")
        earlier = connection.execute("select from pg_database where datname = %s", [DATABASE])
        is_anew = earlier.rowcount > 0
        connection.execute(f"drop database if exists {DATABASE} with (force)")
        connection.execute(f"create database {DATABASE}")
    migrate(server.url(DATABASE))
    return is_anew


@contextlib.asynccontextmanager
async def running_bot(
    sandbox: Sandbox, database_url: str, web_port: int, meter: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The bot as a process of its own, told nothing but tokens and addresses."""
    settings = slack_settings(sandbox) | {
        "DATABASE_URL": database_url,
        "HOST": "127.0.0.1",
        "PORT": str(web_port),
        "PUBLIC_URL": web_address(web_port),
        "SMTP_URL": sandbox.smtp_url,
        "WAREHOUSE_FILES": ",".join(filter(None, (os.environ.get("WAREHOUSE_FILES"), str(meter)))),
    }
    kept = {"FINANCE_SLACK_IDS": os.environ.get("FINANCE_SLACK_IDS", "")}
    environment = demo.SETTINGS | inherited_settings() | kept | settings
    with tempfile.TemporaryDirectory() as empty:  # no .env there
        command = (sys.executable, "-m", "bot", "serve")
        async with running(command, environment, Path(empty)) as bot:
            yield bot


async def is_ready(web_url: str) -> bool:
    """Whether the bot says that its database is migrated and its line to Slack stands."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session,
            session.get(f"{web_url}/ready") as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


async def run(options: argparse.Namespace, sandbox: Sandbox, stopped: asyncio.Event) -> int:
    """The page first, so that scripts can ask for `/_control/state`; then the rest."""
    with own_folder(options.data) as folder:
        async with (
            serve(sandbox, port=options.port),
            fresh_database(folder, lasting=options.data is not None) as database_url,
        ):
            sandbox.database_url = database_url
            if not options.workspace:
                hint = await _load_demo(database_url, folder / METERING)
                sandbox.hint = prefixed(hint, command_prefix())
            if stopped.is_set():
                return 0
            web_port, meter = options.web_port, folder / METERING
            async with running_bot(sandbox, database_url, web_port, meter) as bot:
                return await _watch(bot, sandbox, options, stopped)


async def _load_demo(database_url: str, meter: Path) -> str:
    db = Database(database_url)
    now = datetime.now(UTC)
    try:
        hint = await demo.load(db, now)
        async with db.transaction() as session:
            await metering.connect(session, meter, now)
        return hint
    finally:
        await db.close()


async def _watch(
    bot: asyncio.subprocess.Process,
    sandbox: Sandbox,
    options: argparse.Namespace,
    stopped: asyncio.Event,
) -> int:
    """Waits until somebody stops the sandbox, or the bot ends, which ends the sandbox too."""
    opened = asyncio.create_task(_open(sandbox, options, bot))
    by_itself = await ended(bot, stopped)
    opened.cancel()
    if not by_itself:
        return 0
    say(f"The bot stopped by itself, exit status {bot.returncode}. Its log tells why.")
    return 1


async def _open(
    sandbox: Sandbox, options: argparse.Namespace, bot: asyncio.subprocess.Process
) -> None:
    """Say where the page is as soon as the bot is there."""
    deadline = time.monotonic() + START_S
    while not await sandbox.ready():
        if bot.returncode is not None or time.monotonic() > deadline:
            return
        await asyncio.sleep(0.1)
    address = f"http://localhost:{options.port}"
    say(f"Open {address} and pick a person. Ctrl-C stops everything.")
    if sandbox.hint:
        say(f"As Dana Ortiz of finance, type: {sandbox.hint}")
    web = prefixed("/bill web", command_prefix())
    say(f"The web pages are at {sandbox.web_url}; {web} signs in whoever types it.")
    if not options.no_browser and (sys.platform == "darwin" or os.environ.get("DISPLAY")):
        webbrowser.open(address)


def main(words: list[str] | None = None) -> int:
    """Exit status 0 when it was stopped, 1 when it could not go on, 2 for useless arguments."""
    options = arguments(words)
    ports = {"--port": options.port, "--web-port": options.web_port}
    first = "Starting PostgreSQL, a Slack and the bot…"
    return start(partial(make_sandbox, options), ports, partial(run, options), first)


if __name__ == "__main__":
    sys.exit(main())
