"""`users.*`, `team.*`, `bots.*`, `auth.*`, `usergroups.*`: who and where."""

from typing import Any

from sandbox.context import Call, Slack
from sandbox.shapes import JsonObject, SlackError
from sandbox.workspace import User

_LARGE_TEAM = 10_000


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
        "status_text": "",
        "status_emoji": "",
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


def _json(call: Call, user: User) -> JsonObject:
    may_read_email = "users:read.email" in call.slack.installation.scopes
    described = user_json(user, call.slack, with_email=may_read_email)
    if call.args.flag("include_locale"):
        described["locale"] = "en-US"
    return described


async def api_test(call: Call) -> JsonObject:
    if call.args.text("error"):
        raise SlackError(call.args.text("error"), args=call.args.plain())
    return {"args": call.args.plain()}


async def auth_test(call: Call) -> JsonObject:
    installed = call.slack.installation
    return {
        "url": f"{call.slack.base_url}/",
        "team": installed.team_name,
        "user": installed.bot_name,
        "team_id": installed.team_id,
        "user_id": installed.bot_user_id,
        "bot_id": installed.bot_id,
        "is_enterprise_install": False,
    }


async def connections_open(call: Call) -> JsonObject:
    return {"url": call.slack.websocket_url()}


async def user_info(call: Call) -> JsonObject:
    user = call.slack.workspace.users.get(call.args.text("user"))
    if user is None:
        raise SlackError("user_not_found")
    return {"user": _json(call, user)}


async def list_users(call: Call) -> JsonObject:
    users = list(call.slack.workspace.users.values())
    if len(users) > _LARGE_TEAM and not call.args.given("limit"):
        raise SlackError("limit_required")
    page, cursor = call.page(users, default=len(users), most=1000, refusal="invalid_arguments")
    return {
        "members": [_json(call, user) for user in page],
        "cache_ts": int(call.slack.clock()),
        "response_metadata": {"next_cursor": cursor},
    }


async def lookup_by_email(call: Call) -> JsonObject:
    email = call.args.text("email").lower()
    for user in call.slack.workspace.users.values():
        if user.email.lower() == email and not user.deleted:
            return {"user": _json(call, user)}
    raise SlackError("users_not_found")


async def team_info(call: Call) -> JsonObject:
    installed = call.slack.installation
    if call.args.text("team") not in ("", installed.team_id):
        raise SlackError("team_not_found")
    return {
        "team": {
            "id": installed.team_id,
            "name": installed.team_name,
            "domain": installed.team_domain,
            "email_domain": "",
            "icon": {"image_default": True},
        }
    }


async def bot_info(call: Call) -> JsonObject:
    installed = call.slack.installation
    if call.args.text("bot") not in ("", installed.bot_id):
        raise SlackError("bot_not_found")
    bot: dict[str, Any] = installed.bot_profile()
    bot.pop("team_id")
    return {"bot": {**bot, "user_id": installed.bot_user_id}}


async def list_usergroups(_call: Call) -> JsonObject:
    return {"usergroups": []}
