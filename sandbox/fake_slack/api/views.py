"""The `views.*` methods and `blocks.validate`."""

import json
from typing import Any

from sandbox.blockkit import Flaw, check_message, check_view
from sandbox.fake_slack.api.content import image_flaws
from sandbox.fake_slack.api.context import Call
from sandbox.fake_slack.shapes import JsonObject, SlackError
from sandbox.fake_slack.world.slack import Slack
from sandbox.fake_slack.world.workspace import Change

_VIEW_BYTES = 250_000
_VALIDATED_CHARS = 100_000


def checked_view(slack: Slack, view: Any, *, expected: str) -> JsonObject:
    """A view that Slack would take on this surface (`modal` or `home`)."""
    if not isinstance(view, dict):
        raise _invalid(_flaw("must provide an object", "/view"))
    if len(json.dumps(view).encode()) > _VIEW_BYTES:
        raise SlackError("view_too_large")
    if view.get("type") != expected:
        raise _invalid(_flaw(f"must be a valid {expected} view", "/view/type"))
    flaws = check_view(view) or image_flaws(slack, view.get("blocks"), "/view/blocks")
    if flaws:
        raise _invalid(*flaws)
    return view


def _invalid(*flaws: Flaw) -> SlackError:
    return SlackError.with_messages(
        "invalid_arguments",
        [f"[ERROR] {flaw.message} [json-pointer:{flaw.pointer}]" for flaw in flaws],
    )


def _flaw(message: str, pointer: str) -> Flaw:
    return Flaw(pointer, message, "invalid_arguments")


def _view(call: Call, expected: str) -> JsonObject:
    view = call.args.structure("view", "invalid_arguments")
    return checked_view(call.slack, view, expected=expected)


def _shown(call: Call, user: str, view: JsonObject) -> JsonObject:
    call.slack.workspace.changed(Change(users=frozenset({user}), views=True))
    return {"view": json.loads(json.dumps(view))}


async def open_view(call: Call) -> JsonObject:
    view = _view(call, "modal")
    trigger = call.slack.triggers.check(_trigger_id(call))
    made = call.slack.surfaces.open(trigger.user, view)
    trigger.used = True
    return _shown(call, trigger.user, made)


async def push_view(call: Call) -> JsonObject:
    view = _view(call, "modal")
    trigger = call.slack.triggers.check(_trigger_id(call))
    if not trigger.in_modal:
        raise SlackError("not_found")
    made = call.slack.surfaces.push(trigger.user, view)
    trigger.used = True
    return _shown(call, trigger.user, made)


def _trigger_id(call: Call) -> str:
    trigger_id = call.args.text("trigger_id")
    if not trigger_id:
        raise SlackError.with_messages(
            "invalid_arguments", ["[ERROR] missing required field: trigger_id"]
        )
    return trigger_id


async def update_view(call: Call) -> JsonObject:
    view_id, external_id = call.args.text("view_id"), call.args.text("external_id")
    if bool(view_id) == bool(external_id):
        raise SlackError.with_messages(
            "invalid_arguments", ["[ERROR] must provide exactly one of view_id or external_id"]
        )
    owner, current = call.slack.surfaces.find(view_id, external_id)
    view = _view(call, current["type"])
    made = call.slack.surfaces.update(current, view, call.args.text("hash"))
    return _shown(call, owner, made)


async def publish_view(call: Call) -> JsonObject:
    if not call.slack.installation.home_tab:
        raise SlackError("not_enabled")
    view = _view(call, "home")
    user = call.slack.workspace.users.get(call.args.text("user_id"))
    if user is None or user.is_bot:
        raise _invalid(_flaw("must be a valid user", "/user_id"))
    made = call.slack.surfaces.publish(user.id, view, call.args.text("hash"))
    return _shown(call, user.id, made)


async def validate(call: Call) -> JsonObject:
    given = [name for name in ("blocks", "message", "view") if call.args.given(name)]
    if len(given) != 1:
        raise SlackError.with_messages(
            "invalid_arguments", ["must provide exactly one of `blocks`, `view`, or `message`"]
        )
    value = call.args.structure(given[0], "invalid_arguments")
    if len(json.dumps(value)) > _VALIDATED_CHARS:
        raise SlackError.with_messages("invalid_arguments", [f"`{given[0]}` is too long"])
    flaws = _flaws(given[0], value)
    if flaws:
        raise SlackError(
            f"invalid_{given[0]}",
            errors=[
                {
                    "code": "failed_constraint",
                    "message": flaw.message,
                    "pointer": flaw.pointer.removeprefix(f"/{given[0]}"),
                }
                for flaw in flaws
            ],
        )
    return {}


def _flaws(name: str, value: Any) -> list[Flaw]:
    if name == "view":
        return check_view(value)
    if name == "blocks":
        return check_message(value, None)
    if not isinstance(value, dict):
        return [Flaw("", "must provide an object", "invalid_message")]
    return check_message(value.get("blocks"), value.get("attachments"))
