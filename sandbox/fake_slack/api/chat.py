"""The `chat.*` and `reactions.*` methods."""

import re

from sandbox.fake_slack.api.content import TEXT_CHARS, UPDATE_CHARS, Content, read_content
from sandbox.fake_slack.api.context import Call
from sandbox.fake_slack.delivery.payloads import changed_event, deleted_event
from sandbox.fake_slack.shapes import JsonObject, SlackError
from sandbox.fake_slack.world.workspace import Conversation

_TS = re.compile(r"\d{1,12}\.\d{6}")
_REACTION = re.compile(r"[a-z0-9_'+-]{1,100}(::skin-tone-[2-6])?")


async def post_message(call: Call) -> JsonObject:
    conversation = call.writable(call.args.text("channel"))
    content = read_content(call.slack, call.args)
    thread = _thread(call, conversation)
    first: JsonObject | None = None
    for piece in _pieces(content):
        message = call.slack.workspace.post(
            conversation, {**call.slack.bot_author(), **piece.fields(), **thread}
        )
        call.slack.news.message(conversation, message)
        first = first or message
    assert first is not None
    return {"channel": conversation.id, "ts": first["ts"], "message": _shown(first)}


def _pieces(content: Content) -> list[Content]:
    """Slack cuts long text without blocks into several messages of 4,000 characters."""
    text = content.text or ""
    if content.blocks or content.attachments or len(text) <= UPDATE_CHARS:
        return [content]
    return [
        Content(text[start : start + UPDATE_CHARS], None, None, content.metadata)
        for start in range(0, len(text), UPDATE_CHARS)
    ]


def _thread(call: Call, conversation: Conversation) -> JsonObject:
    thread_ts = call.args.text("thread_ts")
    if not thread_ts:
        return {}
    if not _TS.fullmatch(thread_ts):
        raise SlackError.with_messages(
            "invalid_thread_ts", [f"[ERROR] {thread_ts} is not a valid thread_ts"]
        )
    parent = conversation.messages.get(thread_ts)
    if parent is None or parent.get("subtype") == "tombstone":
        raise SlackError("thread_not_found")
    if parent.get("thread_ts", thread_ts) != thread_ts:
        raise SlackError("cannot_reply_to_message")
    broadcast = {"subtype": "thread_broadcast"} if call.args.flag("reply_broadcast") else {}
    return {"thread_ts": thread_ts, **broadcast}


def _shown(message: JsonObject) -> JsonObject:
    return {key: value for key, value in message.items() if key != "ephemeral_user"}


async def post_ephemeral(call: Call) -> JsonObject:
    conversation = call.writable(call.args.text("channel"))
    content = read_content(call.slack, call.args, longest=TEXT_CHARS)
    user = call.args.text("user")
    if user not in conversation.members:
        raise SlackError("user_not_in_channel")
    thread = _thread(call, conversation) if call.args.text("thread_ts") else {}
    message = call.slack.workspace.post_ephemeral(
        conversation, user, {**call.slack.bot_author(), **content.fields(), **thread}
    )
    return {"message_ts": message["ts"]}


async def update(call: Call) -> JsonObject:
    conversation, message = _own_message(call, "cant_update_message")
    content = read_content(call.slack, call.args, longest=UPDATE_CHARS)
    editor = call.slack.installation.bot_user_id
    before = call.slack.workspace.revise(conversation, message, content.changes(), editor)
    call.slack.news.message(conversation, changed_event(message, before))
    return {
        "channel": conversation.id,
        "ts": message["ts"],
        "text": message["text"],
        "message": _shown(message),
    }


async def delete(call: Call) -> JsonObject:
    conversation, message = _own_message(call, "cant_delete_message")
    gone = call.slack.workspace.remove(conversation, message["ts"])
    call.slack.news.message(conversation, deleted_event(gone, call.slack.workspace.next_ts()))
    return {"channel": conversation.id, "ts": gone["ts"]}


def _own_message(call: Call, refusal: str) -> tuple[Conversation, JsonObject]:
    workspace = call.slack.workspace
    bot = call.slack.installation.bot_user_id
    conversation = workspace.conversations.get(call.args.text("channel"))
    if conversation is None or not workspace.sees(bot, conversation):
        raise SlackError("channel_not_found")
    message = workspace.find(conversation, call.args.text("ts"))
    if message.get("bot_id") != call.slack.installation.bot_id:
        raise SlackError(refusal)
    return conversation, message


async def permalink(call: Call) -> JsonObject:
    conversation = call.slack.workspace.conversations.get(call.args.text("channel"))
    bot = call.slack.installation.bot_user_id
    if conversation is None or not call.slack.workspace.sees(bot, conversation):
        raise SlackError("channel_not_found")
    message = call.slack.workspace.find(conversation, call.args.text("message_ts"))
    link = f"{call.slack.base_url}/archives/{conversation.id}/p{message['ts'].replace('.', '')}"
    if "thread_ts" in message:
        link += f"?thread_ts={message['thread_ts']}&cid={conversation.id}"
    return {"channel": conversation.id, "permalink": link}


async def add_reaction(call: Call) -> JsonObject:
    conversation, message, name = _reaction(call)
    if conversation.is_archived:
        raise SlackError("is_archived")
    bot = call.slack.installation.bot_user_id
    reactions = message.setdefault("reactions", [])
    entry = next((one for one in reactions if one["name"] == name), None)
    if entry is None:
        entry = {"name": name, "users": [], "count": 0}
        reactions.append(entry)
    if bot in entry["users"]:
        raise SlackError("already_reacted")
    entry["users"].append(bot)
    entry["count"] += 1
    call.slack.workspace.touched(conversation)
    return {}


async def remove_reaction(call: Call) -> JsonObject:
    conversation, message, name = _reaction(call)
    bot = call.slack.installation.bot_user_id
    reactions = message.get("reactions", [])
    entry = next((one for one in reactions if one["name"] == name and bot in one["users"]), None)
    if entry is None:
        raise SlackError("no_reaction")
    entry["users"].remove(bot)
    entry["count"] -= 1
    message["reactions"] = [one for one in reactions if one["count"]]
    call.slack.workspace.touched(conversation)
    return {}


def _reaction(call: Call) -> tuple[Conversation, JsonObject, str]:
    name = call.args.text("name")
    if not _REACTION.fullmatch(name):
        raise SlackError("invalid_name")
    if not call.args.given("channel") or not call.args.given("timestamp"):
        raise SlackError("no_item_specified")
    workspace = call.slack.workspace
    conversation = workspace.conversations.get(call.args.text("channel"))
    if conversation is None or not workspace.sees(workspace.bot.id, conversation):
        raise SlackError("channel_not_found")
    if not _TS.fullmatch(call.args.text("timestamp")):
        raise SlackError("bad_timestamp")
    return conversation, workspace.find(conversation, call.args.text("timestamp")), name
