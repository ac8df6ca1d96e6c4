"""`users.*`, `team.*`, `bots.*`, `auth.*`, `usergroups.*`: who and where."""

from typing import Any

from sandbox.fake_slack.api.context import Call
from sandbox.fake_slack.delivery.payloads import user_json
from sandbox.fake_slack.shapes import JsonObject, SlackError
from sandbox.fake_slack.world.workspace import User

_LARGE_TEAM = 10_000


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
