"""The manifest asks Slack for what the code uses: no more, no less."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from jsonschema import Draft7Validator
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.access import SCOPES
from handlers.slack.app import COMMANDS, register
from handlers.slack.blocks.help import SUBCOMMANDS
from handlers.slack.context import Services

ROOT = Path(__file__).parent.parent.parent

# What Slack asks for: each method needs all of its scopes, each event one.
METHOD_SCOPES: dict[str, set[str]] = {
    "apps_connections_open": set(),
    "auth_test": set(),
    "bots_info": {"users:read"},
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history", "im:history"},
    "conversations_open": {"im:write"},
    "conversations_replies": {"channels:history", "groups:history", "im:history"},
    "files_completeUploadExternal": {"files:write"},
    "files_getUploadURLExternal": {"files:write"},
    "files_info": {"files:read"},
    "users_conversations": {"channels:read", "groups:read"},
    "users_info": {"users:read", "users:read.email"},
    "views_open": set(),
    "views_publish": set(),
    "views_update": set(),
}
EVENT_SCOPES: dict[str, set[str]] = {
    "app_home_opened": set(),
    "app_mention": {"app_mentions:read"},
    "app_uninstalled": set(),
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "message.im": {"im:history"},
    "tokens_revoked": set(),
    "user_change": {"users:read"},
}
WEB_API = {name for name in dir(AsyncWebClient) if "_" in name.strip("_")} - {"api_call"}

Manifest = dict[str, Any]


class Listening(AsyncApp):
    """Notes what it is asked to listen for."""

    def __init__(self) -> None:
        super().__init__(token="xoxb-none", signing_secret="none")
        self.heard: dict[str, list[Any]] = {"command": [], "event": []}

    def command(self, command: Any, *more: Any, **others: Any) -> Any:
        self.heard["command"].append(command)
        return super().command(command, *more, **others)

    def event(self, event: Any, *more: Any, **others: Any) -> Any:
        self.heard["event"].append(event)
        return super().event(event, *more, **others)

    def names(self, kind: str) -> set[str]:
        """Leaves out the patterns that only take receipt."""
        return {name for name in self.heard[kind] if isinstance(name, str)}


@pytest.fixture
def manifest() -> Manifest:
    read: Manifest = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    return read


@pytest.fixture
def app() -> Listening:
    listening = Listening()
    register(listening, Services(**cast(Any, dict.fromkeys(_NEEDED))))
    return listening


_NEEDED = ("db", "now", "zone", "billing", "team_id", "bot_user_id", "slack")


def test_it_is_valid_to_slack(manifest: Manifest, shared: Path) -> None:
    path = shared / "slack-data/manifest-schema/schemas/manifest.schema.1.0.0.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert [error.message for error in Draft7Validator(schema).iter_errors(manifest)] == []


def test_it_names_the_commands_that_are_heard(manifest: Manifest, app: Listening) -> None:
    listed = manifest["features"]["slash_commands"]
    assert {entry["command"] for entry in listed} == app.names("command")
    assert all(entry["should_escape"] for entry in listed)


def test_hints_and_help_name_the_subcommands_that_are_there(manifest: Manifest) -> None:
    for entry in manifest["features"]["slash_commands"]:
        name = entry["command"].removeprefix("/")
        helped = {one.name for one in SUBCOMMANDS[name] if one.name}
        assert helped == {*COMMANDS[name], "help"}
        assert all(word in entry["usage_hint"] for word in COMMANDS[name])


def test_it_subscribes_to_the_events_that_are_heard(manifest: Manifest, app: Listening) -> None:
    events = _events(manifest)
    assert {event.partition(".")[0] for event in events} == app.names("event")
    assert events <= set(EVENT_SCOPES)


def test_it_asks_for_the_scopes_that_are_used(manifest: Manifest) -> None:
    used = set(_methods())
    assert used <= set(METHOD_SCOPES), "give the new methods their scopes"
    needed = [METHOD_SCOPES[method] for method in used]
    needed += [EVENT_SCOPES[event] for event in _events(manifest)]
    asked_for = set(manifest["oauth_config"]["scopes"]["bot"])
    assert asked_for == {"commands"}.union(*needed)
    assert asked_for == SCOPES, "these are what the doctor looks for"


def test_the_scopes_are_those_of_slacks_own_reference(shared: Path) -> None:
    for method, scopes in METHOD_SCOPES.items():
        name = method.replace("_", ".")
        page = shared / f"slack-data/slack-api-ref/docs.slack.dev/methods/{name}.json"
        known = set(json.loads(page.read_text(encoding="utf-8"))["scope"].get("bot", []))
        assert scopes <= known | {"users:read.email"}, method


def _events(manifest: Manifest) -> set[str]:
    return set(manifest["settings"]["event_subscriptions"]["bot_events"])


def _methods() -> Iterator[str]:
    """The Web API methods that the running program calls."""
    for folder in ("bot", "handlers"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr in WEB_API:
                    yield node.attr
