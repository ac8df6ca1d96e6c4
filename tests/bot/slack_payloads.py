"""What Slack sends: a small payload of each kind that is heard here, and each of them broken."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from handlers.slack.blocks.action_ids import ActionId, pack
from sandbox.fake_slack.sandbox import Sandbox

Json = dict[str, Any]
SAMPLES = Path("slack-data/java-slack-sdk/json-logs/samples")
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
DEEPEST = 5
WRONG: tuple[Any, ...] = (["x"], {"x": 1}, 7, "\x00")
"""What stands in a field's place: of other types, and text that no database takes."""


def payloads(slack: Sandbox, bill_id: int, version: int) -> dict[str, Json]:
    """By what they are; the click would approve that bill at that version, the dialog reject it."""
    carried = pack(bill=bill_id, version=version)
    by = {
        "user": {"id": "UKIM", "team_id": slack.team_id},
        "team": {"id": slack.team_id},
        "api_app_id": slack.installation.app_id,
        "trigger_id": "a trigger",
        "response_url": "an address",
    }
    return {
        "command": {
            "command": "/bill",
            "text": "help",
            "user_id": "UKIM",
            "team_id": slack.team_id,
            "channel_id": "CAPPROVALS",
            "api_app_id": slack.installation.app_id,
            "trigger_id": "a trigger",
            "response_url": "an address",
        },
        "click": {
            **by,
            "type": "block_actions",
            "container": {"type": "message", "channel_id": "CAPPROVALS", "message_ts": "1.0"},
            "actions": [{"type": "button", "action_id": ActionId.APPROVE, "value": carried}],
        },
        "menu": {
            **by,
            "type": "block_actions",
            "view": {"id": "V1", "type": "home", "private_metadata": ""},
            "actions": [
                {
                    "type": "overflow",
                    "action_id": ActionId.MORE,
                    "selected_option": {"value": pack(bill=bill_id, see="history")},
                }
            ],
        },
        "submission": {
            **by,
            "type": "view_submission",
            "view": {
                "id": "V1",
                "type": "modal",
                "callback_id": ActionId.REJECT,
                "private_metadata": carried,
                "blocks": [{"type": "input", "block_id": "reason_code"}],
                "state": {
                    "values": {
                        "reason_code": {"value": {"selected_option": {"value": "usage_wrong"}}},
                        "reason": {"value": {"type": "plain_text_input", "value": "too many"}},
                    }
                },
            },
        },
        "closed": {
            **by,
            "type": "view_closed",
            "view": {"type": "modal", "callback_id": ActionId.REJECT},
        },
        "suggestion": {
            **by,
            "type": "block_suggestion",
            "block_id": "customer",
            "action_id": "value",
            "value": "ac",
        },
        "shortcut": {**by, "type": "shortcut", "callback_id": "x"},
        "dialog": {**by, "type": "dialog_submission", "callback_id": "x"},
        "attachment": {
            **by,
            "type": "interactive_message",
            "callback_id": "x",
            "actions": [{"name": "x", "type": "button", "value": "y"}],
        },
        "message": _event(
            slack,
            type="message",
            channel="CAPPROVALS",
            user="UKIM",
            text="hello",
            ts="2.0",
            thread_ts="1.0",
            files=[{"name": "usage.csv"}],
        ),
        "edit": _event(
            slack,
            type="message",
            subtype="message_changed",
            channel="CAPPROVALS",
            message={
                "user": "UKIM",
                "text": "hello",
                "ts": "2.0",
                "thread_ts": "1.0",
                "edited": {"ts": "3.0"},
            },
        ),
        "words": _event(
            slack,
            type="message",
            channel_type="im",
            channel=slack.dm("UKIM"),
            user="UKIM",
            text="help",
            ts="2.0",
        ),
        "mention": _event(
            slack,
            type="app_mention",
            channel="CAPPROVALS",
            user="UKIM",
            text=f"<@{slack.bot_user_id}> help",
            ts="2.0",
        ),
        "home": _event(slack, type="app_home_opened", user="UKIM", tab="home", channel="D1"),
        "account": _event(slack, type="user_change", user={"id": "UNEW", "deleted": False}),
        "farewell": _event(slack, type="tokens_revoked", tokens={"bot": ["UBOT"]}),
        "address": {"type": "url_verification", "challenge": "say this"},
    }


def _event(slack: Sandbox, **event: Any) -> Json:
    return {
        "type": "event_callback",
        "team_id": slack.team_id,
        "api_app_id": slack.installation.app_id,
        "authorizations": [{"team_id": slack.team_id, "enterprise_id": None}],
        "event": event,
    }


def recorded(shared: Path, slack: Sandbox) -> Iterator[tuple[str, Json]]:
    """What was recorded of Slack, with its fields empty as they are there, and filled in."""
    for path in sorted((shared / SAMPLES).rglob("*.json")):
        body = json.loads(path.read_text(encoding="utf-8"))
        yield path.stem, body
        yield f"{path.stem}, filled in", filled(body, slack)


def filled(body: Json, slack: Sandbox) -> Json:
    """A recorded shape with values such as Slack gives its empty fields."""
    kind = {"type": "event_callback"} if "event" in body else {}
    return {**_filled(body, _values(slack)), **kind}


def _values(slack: Sandbox) -> Json:
    team = {"team_id": slack.team_id, "user_team": slack.team_id, "source_team": slack.team_id}
    people = {"user_id": "UKIM", "user": "UKIM", "user.id": "UKIM", "team.id": slack.team_id}
    moments = dict.fromkeys(("ts", "event_ts", "message_ts", "thread_ts", "action_ts"), "1.0")
    return {
        **{**team, **people, **moments},
        "api_app_id": slack.installation.app_id,
        "app_installed_team_id": slack.team_id,
        "channel": "CAPPROVALS",
        "channel_id": "CAPPROVALS",
        "command": "/bill",
        "text": "help",
        "tab": "home",
        "callback_id": "x",
        "trigger_id": "a trigger",
        "response_url": "an address",
        "action_id": ActionId.APPROVE,
        "value": pack(bill=1, version=1),
    }


def _filled(slot: Any, values: Json, name: str = "") -> Any:
    if isinstance(slot, dict):
        return {key: _filled(one, values, _path(name, key)) for key, one in slot.items()}
    if isinstance(slot, list):
        return [_filled(one, values, name) for one in slot]
    empty = slot == ""
    return values.get(name, values.get(name.rpartition(".")[2], "")) if empty else slot


def _path(parent: str, key: str) -> str:
    return f"{parent.rpartition('.')[2]}.{key}".lstrip(".")


def broken(body: Json, deepest: int = DEEPEST) -> Iterator[tuple[str, Json]]:
    """The payload with one field away, null, or of another type in turn; said which and what."""
    for number, path in enumerate(_paths(body, deepest)):
        for wrong in (_AWAY, None, WRONG[number % len(WRONG)]):
            changed = copy.deepcopy(body)
            place = changed
            for step in path[:-1]:
                place = place[step]
            if wrong is _AWAY:
                del place[path[-1]]
            else:
                place[path[-1]] = wrong
            told = "away" if wrong is _AWAY else repr(wrong)
            yield f"{'.'.join(map(str, path))} {told}", changed


_AWAY = object()


def _paths(slot: Any, deepest: int) -> Iterator[tuple[Any, ...]]:
    steps = slot.items() if isinstance(slot, dict) else enumerate(slot)
    for step, below in steps:
        yield (step,)
        if deepest > 1 and isinstance(below, dict | list):
            yield from ((step, *rest) for rest in _paths(below, deepest - 1))


def sent(body: Json, slack: Sandbox) -> tuple[bytes, str]:
    """The body and its content type, as Slack sends that kind; with a trigger and an address that
    work, where it has any.
    """
    key = slack.slack.response_urls.issue("CAPPROVALS", "UKIM", message_ts="1.0")
    given = {
        "a trigger": slack.slack.triggers.issue("UKIM"),
        "an address": f"{slack.base_url}/response/{key}",
    }
    body = {
        key: given.get(value, value) if isinstance(value, str) else value
        for key, value in body.items()
    }
    if "command" in body and all(isinstance(value, str) for value in body.values()):
        return urlencode(body, errors="replace").encode(), FORM
    if "event" in body or body.get("type") in ("url_verification", None):
        return json.dumps(body).encode(), JSON
    return urlencode({"payload": json.dumps(body)}).encode(), FORM
