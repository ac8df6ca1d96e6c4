"""What every start of a sandbox needs: its files, its ports, the app's process, its end."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import yaml

from sandbox.fake_slack.sandbox import Sandbox
from sandbox.fake_slack.shapes import JsonObject

STOP_S = 12


class UselessFile(Exception):
    """A file that was named on the command line; the words say which, and what is wrong with it."""


@contextlib.contextmanager
def naming(flag: str, path: Path | None) -> Iterator[None]:
    """What goes wrong in the block is the fault of this flag's file, if there is one."""
    try:
        yield
    except (OSError, ValueError, TypeError, AttributeError) as error:
        if path is None:
            raise
        raise UselessFile(f"{flag} {path} cannot be used: {reason(error)}.") from error


def read_manifest(path: Path) -> JsonObject:
    """An app's manifest, YAML or JSON. Raises OSError or ValueError, which says what is wrong."""
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML ({getattr(error, 'problem', None) or error})") from None
    if not isinstance(given, dict):
        raise ValueError("it holds no manifest")
    for number, entry in enumerate(given.get("features", {}).get("slash_commands", [])):
        if not isinstance(entry, dict) or not isinstance(entry.get("command"), str):
            raise ValueError(f"features.slash_commands[{number}] has no command")
    return given


def read_workspace(path: Path) -> JsonObject:
    """A `--workspace` file. Raises OSError or ValueError, which says what is wrong with it."""
    given = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(given, dict):
        raise ValueError("it holds no JSON object")
    for kind in ("users", "channels"):
        entries = given.get(kind, [])
        if not isinstance(entries, list):
            raise ValueError(f"{kind} is no list")
        for number, entry in enumerate(entries):
            if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
                raise ValueError(f"{kind}[{number}] has no name")
    return given


def port_problem(ports: Mapping[str, int]) -> str:
    """Why one of these ports, each with its flag, cannot be had, or nothing. Another sandbox's app
    on a port would otherwise be taken for the one of this sandbox."""
    with contextlib.ExitStack() as held:
        for flag, port in ports.items():
            probe = held.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                probe.listen()
            except (OSError, OverflowError) as error:
                because = reason(error)
                return f"Port {port} cannot be used ({because}). Name another one with {flag}."
    return ""


def slack_settings(sandbox: Sandbox) -> dict[str, str]:
    """The environment by which an app finds this Slack instead of the real one."""
    kind = "SLACK_SIGNING_SECRET" if sandbox.mode == "http" else "SLACK_APP_TOKEN"
    secret = sandbox.signing_secret if sandbox.mode == "http" else sandbox.app_token
    return {
        "SLACK_API_URL": sandbox.api_url,
        "SLACK_BOT_TOKEN": sandbox.bot_token,
        kind: secret,
    }


def inherited_settings() -> dict[str, str]:
    """The shell's environment, without what would lead to another Slack."""
    return {name: value for name, value in os.environ.items() if "SLACK_" not in name}


@contextlib.asynccontextmanager
async def running(
    command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The app as a process of its own, which is stopped with the block. Raises OSError for a
    command that cannot be started."""
    app = await asyncio.create_subprocess_exec(
        *command, env=environment, cwd=folder, start_new_session=True
    )
    try:
        yield app
    finally:
        if app.returncode is None:
            app.terminate()
            try:
                await asyncio.wait_for(app.wait(), STOP_S)
            except TimeoutError:
                app.kill()
                await app.wait()


def start(
    make: Callable[[], Sandbox],
    ports: Mapping[str, int],
    run: Callable[[Sandbox, asyncio.Event], Awaitable[int]],
    at_first: str = "",
) -> int:
    """The exit status of `run`, 1 where a port or another resource cannot be had, 2 for useless
    arguments; what is wrong is told in a line, as is what begins."""
    try:
        sandbox = make()
    except UselessFile as useless:
        say(str(useless))
        return 2
    if problem := port_problem(ports):
        say(problem)
        return 1
    if at_first:
        say(at_first)
    try:
        return asyncio.run(_until_stopped(partial(run, sandbox)))
    except OSError as error:
        say(f"{error}.")
        return 1


async def _until_stopped(run: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    """What `run` answers; the event that it is given is set by Ctrl-C and SIGTERM."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return await run(stopped)


async def ended(app: asyncio.subprocess.Process, stopped: asyncio.Event) -> bool:
    """Waits for the app to end by itself or for the sandbox to be stopped: whether the app did."""
    waits = [asyncio.create_task(app.wait()), asyncio.create_task(stopped.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    return not stopped.is_set()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
