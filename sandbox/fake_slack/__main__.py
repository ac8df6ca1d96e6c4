"""`python -m sandbox.fake_slack -- COMMAND`: a Slack of one's own around any Slack app."""

import argparse
import asyncio
import contextlib
import os
import sys
import webbrowser
from functools import partial
from pathlib import Path

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

WORKSPACE: JsonObject = {
    "users": [
        {"id": "U0ANA", "name": "ana", "real_name": "Ana Ruiz", "email": "ana@example.com"},
        {"id": "U0KIM", "name": "kim", "real_name": "Kim Lee", "email": "kim@example.com"},
        {"id": "U0GUS", "name": "gus", "real_name": "Gus Guest", "is_restricted": True},
    ],
    "channels": [{"id": "C0GENERAL", "name": "general", "members": ["U0ANA", "U0KIM", "U0GUS"]}],
}


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.fake_slack",
        description="A Slack of one's own on this machine, around an app of yours.",
    )
    parser.add_argument("--port", type=int, default=3000, help="where the page is (3000)")
    parser.add_argument(
        "--manifest", type=Path, help="the app's manifest: scopes, events, commands"
    )
    parser.add_argument("--workspace", type=Path, help="people and channels of your own, as JSON")
    parser.add_argument("--app-url", help="post signed requests here, instead of Socket Mode")
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")
    parser.add_argument("command", nargs="*", help="starts the app, with its tokens in SLACK_…")
    return parser.parse_args(words)


def make_sandbox(options: argparse.Namespace) -> Sandbox:
    """The sandbox, not served yet. Raises UselessFile."""
    with naming("--manifest", options.manifest):
        manifest = read_manifest(options.manifest) if options.manifest else None
    with naming("--workspace", options.workspace):
        return Sandbox(
            workspace=read_workspace(options.workspace) if options.workspace else WORKSPACE,
            manifest=manifest,
            mode="http" if options.app_url else "socket",
            bot_http_url=options.app_url,
        )


async def run(options: argparse.Namespace, sandbox: Sandbox, stopped: asyncio.Event) -> int:
    """Until somebody stops it, or the app ends, whose exit status it then has."""
    async with serve(sandbox, port=options.port), contextlib.AsyncExitStack() as stack:
        say(f"Open {sandbox.base_url} and pick a person. Ctrl-C stops everything.")
        if not options.no_browser and (sys.platform == "darwin" or os.environ.get("DISPLAY")):
            webbrowser.open(sandbox.base_url)
        settings = slack_settings(sandbox)
        if not options.command:
            say("Start your app with these settings, of this sandbox alone:")
            say("\n".join(f"{name}={value}" for name, value in settings.items()))
            await stopped.wait()
            return 0
        app = await stack.enter_async_context(
            running(options.command, inherited_settings() | settings)
        )
        if not await ended(app, stopped):
            return 0
        say(f"The app stopped by itself, exit status {app.returncode}.")
        return app.returncode or 0


def main(words: list[str] | None = None) -> int:
    """Exit status 0 when it was stopped, the app's own when it ended, 1 when a port cannot be had
    or the app not be started, 2 for useless arguments."""
    options = arguments(words)
    return start(partial(make_sandbox, options), {"--port": options.port}, partial(run, options))


if __name__ == "__main__":
    sys.exit(main())
