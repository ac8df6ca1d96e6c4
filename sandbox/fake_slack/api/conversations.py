"""The `conversations.*` methods and `users.conversations`."""

from collections.abc import Iterable, Iterator

from sandbox.fake_slack.api.context import Call
from sandbox.fake_slack.shapes import JsonObject, SlackError
from sandbox.fake_slack.world.workspace import Conversation

_TYPES = {
    "public_channel": "channels",
    "private_channel": "groups",
    "im": "im",
    "mpim": "mpim",
}
_OPEN_USERS = 8


def conversation_json(conversation: Conversation, team_id: str, bot: str) -> JsonObject:
    """A conversation as Slack describes it to the app."""
    common: JsonObject = {
        "id": conversation.id,
        "created": conversation.created,
        "is_archived": conversation.is_archived,
        "is_im": conversation.is_im,
        "is_mpim": False,
        "is_org_shared": False,
        "context_team_id": team_id,
        "updated": conversation.created * 1000,
    }
    if conversation.is_im:
        return {**common, "user": conversation.user, "priority": 0, "is_open": True}
    return {
        **common,
        "name": conversation.name,
        "name_normalized": conversation.name,
        "is_channel": not conversation.is_private,
        "is_group": conversation.is_private,
        "is_private": conversation.is_private,
        "is_general": conversation.name == "general",
        "is_shared": conversation.is_ext_shared,
        "is_ext_shared": conversation.is_ext_shared,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "shared_team_ids": [team_id],
        "unlinked": 0,
        "creator": next(iter(conversation.members), ""),
        "is_member": bot in conversation.members,
        "topic": {"value": conversation.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
        "num_members": len(conversation.members),
    }


def _json(call: Call, conversation: Conversation) -> JsonObject:
    installed = call.slack.installation
    return conversation_json(conversation, installed.team_id, installed.bot_user_id)


async def open_dm(call: Call) -> JsonObject:
    if call.args.given("channel"):
        conversation = call.slack.workspace.conversations.get(call.args.text("channel"))
        if conversation is None or not conversation.is_im:
            raise SlackError("channel_not_found")
    else:
        conversation = call.slack.workspace.dm(_addressee(call))
    already = conversation.opened
    conversation.opened = True
    described = _json(call, conversation)
    answer = described if call.args.flag("return_im") else {"id": conversation.id}
    return {"channel": answer, **({"no_op": True, "already_open": True} if already else {})}


def _addressee(call: Call) -> str:
    named = [one.strip() for one in call.args.text("users").split(",") if one.strip()]
    if not named:
        raise SlackError("users_list_not_supplied")
    if len(named) > _OPEN_USERS:
        raise SlackError("too_many_users")
    users = [call.slack.workspace.users.get(one) for one in named]
    if any(user is None for user in users):
        raise SlackError("user_not_found")
    if any(user is not None and user.deleted for user in users):
        raise SlackError("user_disabled")
    if len(users) > 1:
        call.need_scope("mpim:write")
        raise SlackError("invalid_user_combination")
    user = users[0]
    if user is None or user.is_bot:
        raise SlackError("invalid_user_combination")
    return user.id


async def info(call: Call) -> JsonObject:
    return {"channel": _json(call, call.readable(call.args.text("channel"), "read"))}


async def members(call: Call) -> JsonObject:
    conversation = call.readable(call.args.text("channel"), "read")
    page, cursor = call.page(list(conversation.members), default=100, most=1000)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


async def join(call: Call) -> JsonObject:
    conversation = call.slack.workspace.conversations.get(call.args.text("channel"))
    bot = call.slack.installation.bot_user_id
    if conversation is None or not call.slack.workspace.sees(bot, conversation):
        raise SlackError("channel_not_found")
    if conversation.kind != "channels":
        raise SlackError("method_not_supported_for_channel_type")
    if conversation.is_archived:
        raise SlackError("is_archived")
    warning: JsonObject = {}
    if bot in conversation.members:
        warning = {
            "warning": "already_in_channel",
            "response_metadata": {"warnings": ["already_in_channel"]},
        }
    conversation.members[bot] = None
    call.slack.workspace.touched(conversation)
    return {"channel": _json(call, conversation), **warning}


async def list_all(call: Call) -> JsonObject:
    return _listed(call, call.slack.workspace.conversations.values(), default=100)


async def of_user(call: Call) -> JsonObject:
    user = call.args.text("user") or call.slack.installation.bot_user_id
    theirs = [one for one in call.slack.workspace.conversations.values() if user in one.members]
    return _listed(call, theirs, default=100)


def _listed(call: Call, all_of_them: Iterable[Conversation], default: int) -> JsonObject:
    kinds = _kinds(call)
    bot = call.slack.installation.bot_user_id
    hide_archived = call.args.flag("exclude_archived")
    shown = [
        one
        for one in all_of_them
        if one.kind in kinds
        and one.opened
        and call.slack.workspace.sees(bot, one)
        and not (hide_archived and one.is_archived)
    ]
    page, cursor = call.page(shown, default=default, most=1000)
    return {
        "channels": [_json(call, one) for one in page],
        "response_metadata": {"next_cursor": cursor},
    }


def _kinds(call: Call) -> set[str]:
    named = [one.strip() for one in call.args.text("types").split(",") if one.strip()]
    if any(one not in _TYPES for one in named):
        raise SlackError("invalid_types")
    kinds = {_TYPES[one] for one in named} or {"channels"}
    for kind in sorted(kinds):
        call.need_scope(f"{kind}:read")
    return kinds


async def history(call: Call) -> JsonObject:
    conversation = call.readable(call.args.text("channel"), "history")
    if call.slack.installation.bot_user_id not in conversation.members:
        raise SlackError("not_in_channel")
    top = (
        message
        for message in _newest_first(call, conversation)
        if message.get("thread_ts", message["ts"]) == message["ts"]
        or message.get("subtype") == "thread_broadcast"
    )
    limit = max(1, min(call.args.whole("limit", 100) or 100, 999))
    shown = _take(top, limit + 1)
    more = len(shown) > limit
    return {
        "messages": [_public(call, message) for message in shown[:limit]],
        "has_more": more,
        "pin_count": 0,
        "response_metadata": {"next_cursor": f"before:{shown[limit - 1]['ts']}" if more else ""},
    }


def _take(messages: Iterator[JsonObject], count: int) -> list[JsonObject]:
    return [message for message, _ in zip(messages, range(count), strict=False)]


def _newest_first(call: Call, conversation: Conversation) -> Iterator[JsonObject]:
    """Walks back from the end and stops at `oldest`, so that a look at the last minute costs
    the last minute, however long the channel is."""
    oldest, latest = _bound(call, "oldest"), _bound(call, "latest")
    inclusive = call.args.flag("inclusive")
    before = _cursor_ts(call)
    for ts in reversed(conversation.messages):
        moment = float(ts)
        if (before and ts >= before) or _beyond(moment, latest, inclusive=inclusive):
            continue
        if oldest is not None and (moment < oldest or (moment == oldest and not inclusive)):
            return
        yield conversation.messages[ts]


def _beyond(moment: float, latest: float | None, *, inclusive: bool) -> bool:
    return latest is not None and (moment > latest or (moment == latest and not inclusive))


def _bound(call: Call, name: str) -> float | None:
    value = call.args.text(name)
    if not value:
        return None
    try:
        return float(value)
    except ValueError:
        raise SlackError(f"invalid_ts_{name}") from None


def _cursor_ts(call: Call) -> str:
    cursor = call.args.text("cursor")
    if cursor and not cursor.startswith("before:"):
        raise SlackError("invalid_cursor")
    return cursor.removeprefix("before:")


def _public(call: Call, message: JsonObject) -> JsonObject:
    """Metadata is shown only when asked for by name."""
    if call.args.flag("include_all_metadata"):
        return message
    return {key: value for key, value in message.items() if key != "metadata"}


async def replies(call: Call) -> JsonObject:
    conversation = call.readable(call.args.text("channel"), "history")
    ts = call.args.text("ts")
    named = conversation.messages.get(ts)
    if named is None:
        raise SlackError("thread_not_found")
    parent = conversation.messages.get(named.get("thread_ts", ts), named)
    oldest, latest = _bound(call, "oldest"), _bound(call, "latest")
    inclusive = call.args.flag("inclusive")
    answers = [
        conversation.messages[reply]
        for reply in conversation.threads.get(parent["ts"], {})
        if not _beyond(float(reply), latest, inclusive=inclusive)
        and not _before(float(reply), oldest, inclusive=inclusive)
    ]
    page, cursor = call.page(answers, default=1000, most=1000, refusal="invalid_arguments")
    return {
        "messages": [_public(call, message) for message in (parent, *page)],
        "has_more": bool(cursor),
        "response_metadata": {"next_cursor": cursor},
    }


def _before(moment: float, oldest: float | None, *, inclusive: bool) -> bool:
    return oldest is not None and (moment < oldest or (moment == oldest and not inclusive))
