"""Files: upload addresses, private downloads, and what the app and people have stored."""

import base64
import mimetypes
import secrets
from dataclasses import dataclass, field
from typing import Any

from sandbox.context import Call
from sandbox.shapes import JsonObject, Refused, SlackError, new_id
from sandbox.workspace import Conversation

_ALT_TEXT_CHARS = 1000
_CHANNELS = 100


@dataclass
class StoredFile:
    """One file; `content` is None until it has been uploaded."""

    id: str
    name: str
    user: str
    created: int
    title: str = ""
    alt_txt: str = ""
    size: int = 0
    content: bytes | None = None
    complete: bool = False
    channels: list[str] = field(default_factory=list)

    @property
    def mimetype(self) -> str:
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


class FileStore:
    """Files by id, and the one-use addresses they are uploaded to."""

    def __init__(self) -> None:
        self.files: dict[str, StoredFile] = {}
        self._uploads: dict[str, str] = {}

    def expect(self, file: StoredFile) -> str:
        """Announces an upload; returns the key of its address."""
        self.files[file.id] = file
        key = secrets.token_urlsafe(24)
        self._uploads[key] = file.id
        return key

    def receive(self, key: str, content: bytes) -> StoredFile:
        """Takes the content once. Refuses a used address and a length other than announced."""
        file = self.files.get(self._uploads.get(key, ""))
        if file is None:
            raise SlackError("file_not_found")
        if len(content) != file.size:
            raise SlackError("file_upload_size_restricted")
        del self._uploads[key]
        file.content = content
        return file

    def store(self, name: str, user: str, created: int, content: bytes) -> StoredFile:
        """A file a person has put into a dialog or a message."""
        file = StoredFile(
            new_id("F"), name, user, created, title=name, size=len(content), content=content
        )
        file.complete = True
        self.files[file.id] = file
        return file

    def clear(self) -> None:
        self.files.clear()
        self._uploads.clear()


def file_json(file: StoredFile, base_url: str) -> JsonObject:
    """A file as Slack describes it; its addresses need the bot token."""
    extension = file.name.rpartition(".")[2] if "." in file.name else "binary"
    address = f"{base_url}/files-pri/{file.id}"
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": file.mimetype,
        "filetype": extension,
        "pretty_type": extension.upper(),
        "user": file.user,
        "editable": False,
        "size": file.size,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": False,
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": f"{address}/{file.name}",
        "url_private_download": f"{address}/download/{file.name}",
        "permalink": f"{base_url}/files/{file.user}/{file.id}/{file.name}",
        "alt_txt": file.alt_txt,
        "file_access": "visible",
    }


def entered_file(
    store: FileStore, given: Any, *, user: str, created: int, base_url: str
) -> JsonObject:
    """A file put into a dialog: the id (or description) of one that is stored already, or
    `{"filename", "content" | "content_base64"}`."""
    known = given if isinstance(given, str) else given.get("id")
    if known is not None:
        if known not in store.files:
            raise Refused("invalid_values", f"no file {known}")
        return file_json(store.files[known], base_url)
    name = given.get("filename") or given.get("name")
    encoded = given.get("content_base64")
    content = given.get("content", "").encode() if encoded is None else base64.b64decode(encoded)
    if not name:
        raise Refused("invalid_values", "a file needs a filename and content")
    return file_json(store.store(name, user, created, content), base_url)


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
