"""The payloads Slack sends to an app, key by key as it sends them."""

import secrets
from typing import Any

from sandbox.fake_slack.shapes import JsonObject, new_id
from sandbox.fake_slack.world.slack import Slack
from sandbox.fake_slack.world.workspace import Conversation, User

# What Slack repeats of an element in `actions[0]`, besides its ids and what was chosen.
_REPEATED = (
    "type",
    "action_id",
    "block_id",
    "text",
    "value",
    "style",
    "url",
    "placeholder",
    "confirm",
    "min_query_length",
)


def slash_command(
    slack: Slack, user: User, conversation: Conversation, command: str, text: str
) -> JsonObject:
    """The form fields of a slash command."""
    installed = slack.installation
    key = slack.response_urls.issue(conversation.id, user.id)
    return {
        "token": installed.verification_token,
        "team_id": installed.team_id,
        "team_domain": installed.team_domain,
        "channel_id": conversation.id,
        "channel_name": channel_name(conversation),
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": installed.app_id,
        "is_enterprise_install": "false",
        "response_url": f"{slack.base_url}/response/{key}",
        "trigger_id": slack.triggers.issue(user.id),
    }


def channel_name(conversation: Conversation) -> str:
    """Slack hides the names of private places from apps in interaction payloads."""
    if conversation.is_im:
        return "directmessage"
    return "privategroup" if conversation.is_private else conversation.name


def _interaction(slack: Slack, kind: str, user: User) -> JsonObject:
    installed = slack.installation
    return {
        "type": kind,
        "user": {
            "id": user.id,
            "username": user.name,
            "name": user.name,
            "team_id": user.team_id,
        },
        "api_app_id": installed.app_id,
        "token": installed.verification_token,
        "team": {"id": installed.team_id, "domain": installed.team_domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def message_click(
    slack: Slack, user: User, conversation: Conversation, message: JsonObject, action: JsonObject
) -> JsonObject:
    """block_actions from a message."""
    thread_ts = message.get("thread_ts", "")
    key = slack.response_urls.issue(
        conversation.id, user.id, message_ts=message["ts"], thread_ts=thread_ts
    )
    return {
        **_interaction(slack, "block_actions", user),
        "container": _message_container(conversation, message),
        "trigger_id": slack.triggers.issue(user.id),
        "channel": {"id": conversation.id, "name": channel_name(conversation)},
        "message": shown_message(message),
        "state": {"values": {}},
        "response_url": f"{slack.base_url}/response/{key}",
        "actions": [clicked(action, slack)],
    }


def _message_container(conversation: Conversation, message: JsonObject) -> JsonObject:
    thread = {"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}
    return {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": conversation.id,
        "is_ephemeral": "ephemeral_user" in message,
        **thread,
    }


def shown_message(message: JsonObject) -> JsonObject:
    """A message as payloads carry it."""
    return {key: value for key, value in message.items() if key != "ephemeral_user"}


def view_click(slack: Slack, user: User, view: JsonObject, action: JsonObject) -> JsonObject:
    """block_actions from a dialog or Home."""
    return {
        **_interaction(slack, "block_actions", user),
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": slack.triggers.issue(user.id, in_modal=view["type"] == "modal"),
        "view": view,
        "actions": [clicked(action, slack)],
    }


def clicked(action: JsonObject, slack: Slack) -> JsonObject:
    """`actions[0]`: the element's identity, what was chosen, and when."""
    kept = {
        key: value
        for key, value in action.items()
        if key in _REPEATED or key.startswith(("selected_", "rich_text_value", "initial_"))
    }
    return {**kept, "action_ts": f"{slack.clock():.6f}"}


def view_submission(slack: Slack, user: User, view: JsonObject) -> JsonObject:
    return {
        **_interaction(slack, "view_submission", user),
        "trigger_id": slack.triggers.issue(user.id, in_modal=True),
        "view": view,
        "response_urls": [],
    }


def view_closed(slack: Slack, user: User, view: JsonObject, *, cleared: bool) -> JsonObject:
    return {
        **_interaction(slack, "view_closed", user),
        "view": view,
        "is_cleared": cleared,
    }


def block_suggestion(
    slack: Slack, user: User, place: JsonObject, action_id: str, block_id: str, value: str
) -> JsonObject:
    """The question an external select asks while a person types. `place` is what
    `suggestion_place_*` made of a view or a message."""
    return {
        **_interaction(slack, "block_suggestion", user),
        **place,
        "action_id": action_id,
        "block_id": block_id,
        "value": value,
    }


def suggestion_in_view(view: JsonObject) -> JsonObject:
    return {"container": {"type": "view", "view_id": view["id"]}, "view": view}


def suggestion_in_message(conversation: Conversation, message: JsonObject) -> JsonObject:
    return {
        "container": _message_container(conversation, message),
        "channel": {"id": conversation.id, "name": channel_name(conversation)},
        "message": shown_message(message),
    }


def event_callback(slack: Slack, event: JsonObject) -> JsonObject:
    """The wrapping of every event."""
    installed = slack.installation
    return {
        "token": installed.verification_token,
        "team_id": installed.team_id,
        "context_team_id": installed.team_id,
        "context_enterprise_id": None,
        "api_app_id": installed.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": new_id("Ev", 11),
        "event_time": int(slack.clock()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": installed.team_id,
                "user_id": installed.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{secrets.token_urlsafe(48)}",
    }


# Fields of a stored message that its event repeats; Slack leaves the thread's counters out.
_EVENT_FIELDS = (
    "client_msg_id",
    "type",
    "subtype",
    "team",
    "user",
    "bot_id",
    "bot_profile",
    "text",
    "blocks",
    "attachments",
    "files",
    "upload",
    "metadata",
    "ts",
    "parent_user_id",
    "thread_ts",
    "message",
    "previous_message",
    "deleted_ts",
    "hidden",
)


def message_event(conversation: Conversation, message: JsonObject) -> JsonObject:
    """The event for a message, an edit or a deletion."""
    event: dict[str, Any] = {key: message[key] for key in _EVENT_FIELDS if key in message}
    return {
        **event,
        "channel": conversation.id,
        "channel_type": conversation.channel_type,
        "event_ts": message["ts"],
    }


def changed_event(message: JsonObject, before: JsonObject) -> JsonObject:
    """The message event that tells of an edit."""
    return {
        "type": "message",
        "subtype": "message_changed",
        "message": dict(message),
        "previous_message": before,
        "hidden": True,
        "ts": message["edited"]["ts"],
    }


def deleted_event(gone: JsonObject, ts: str) -> JsonObject:
    """The message event that tells of a deletion."""
    return {
        "type": "message",
        "subtype": "message_deleted",
        "previous_message": gone,
        "deleted_ts": gone["ts"],
        "hidden": True,
        "ts": ts,
    }


def user_json(user: User, slack: Slack, *, with_email: bool = True) -> JsonObject:
    """A user as Slack describes them; the address only to apps with `users:read.email`."""
    return {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "deleted": user.deleted,
        "color": "9f69e7",
        "real_name": user.real_name,
        "tz": user.tz,
        "tz_label": user.tz,
        "tz_offset": 0,
        "profile": _profile(user, slack, with_email=with_email),
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "is_stranger": user.team_id != slack.installation.team_id,
        "updated": int(slack.clock()),
        "is_email_confirmed": not user.is_bot,
    }


def _profile(user: User, slack: Slack, *, with_email: bool) -> JsonObject:
    first, _, last = user.real_name.partition(" ")
    profile: JsonObject = {
        "avatar_hash": "",
        "status_text": user.status_text,
        "status_emoji": user.status_emoji,
        "status_expiration": user.status_expiration,
        "title": user.title,
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.name,
        "display_name_normalized": user.name,
        "first_name": first,
        "last_name": last,
        "image_24": "",
        "image_48": "",
        "image_192": "",
        "team": user.team_id,
    }
    if with_email and user.email:
        profile["email"] = user.email
    if user.is_bot:
        profile |= {"bot_id": slack.installation.bot_id, "api_app_id": slack.installation.app_id}
    return profile
