"""The `files.*` methods."""

from sandbox.fake_slack.api.context import Call
from sandbox.fake_slack.shapes import JsonObject, SlackError, new_id
from sandbox.fake_slack.world.files import StoredFile, file_json
from sandbox.fake_slack.world.workspace import Conversation

_ALT_TEXT_CHARS = 1000
_CHANNELS = 100


async def get_upload_url(call: Call) -> JsonObject:
    length = call.args.whole("length")
    alt_txt = call.args.text("alt_txt")
    if length <= 0:
        raise SlackError.with_messages(
            "invalid_arguments", ["[ERROR] must be greater than 0 [json-pointer:/length]"]
        )
    if len(alt_txt) > _ALT_TEXT_CHARS:
        raise SlackError("alt_txt_too_large")
    file = StoredFile(
        new_id("F"),
        call.args.text("filename"),
        call.slack.installation.bot_user_id,
        int(call.slack.clock()),
        alt_txt=alt_txt,
        size=length,
    )
    key = call.slack.files.expect(file)
    return {"upload_url": f"{call.slack.base_url}/upload/v1/{key}", "file_id": file.id}


async def complete_upload(call: Call) -> JsonObject:
    entries = call.args.structure("files", "invalid_arguments")
    if not isinstance(entries, list) or not entries:
        raise SlackError("invalid_arguments")
    files = [_uploaded(call, entry) for entry in entries]
    channels = [one for one in call.args.text("channels").split(",") if one]
    channels += [one for one in [call.args.text("channel_id")] if one]
    if len(channels) > _CHANNELS:
        raise SlackError("channels_limit_exceeded")
    places = [_place(call, channel) for channel in channels]
    for file, entry in zip(files, entries, strict=True):
        file.title = entry.get("title") or file.name
        file.complete = True
    described = [file_json(file, call.slack.base_url) for file in files]
    for place in places:
        for file in files:
            file.channels.append(place.id)
        message: JsonObject = {
            **call.slack.bot_author(),
            "text": call.args.text("initial_comment"),
            "files": described,
            "upload": True,
        }
        if call.args.text("thread_ts"):
            message["thread_ts"] = call.args.text("thread_ts")
        call.slack.news.message(place, call.slack.workspace.post(place, message))
    return {"files": described}


def _place(call: Call, channel: str) -> Conversation:
    try:
        return call.writable(channel)
    except SlackError as error:
        if error.code in ("is_archived", "messages_tab_disabled"):
            raise SlackError("posting_to_channel_denied") from None
        raise


def _uploaded(call: Call, entry: JsonObject) -> StoredFile:
    file = call.slack.files.files.get(entry.get("id", ""))
    if file is None or file.content is None or file.complete:
        raise SlackError("file_not_found")
    return file


async def file_info(call: Call) -> JsonObject:
    file = call.slack.files.files.get(call.args.text("file"))
    if file is None or not file.complete:
        raise SlackError("file_not_found")
    return {
        "file": {**file_json(file, call.slack.base_url), "channels": file.channels},
        "comments": [],
        "response_metadata": {"next_cursor": ""},
    }
