"""What the app and people have stored, and the one-use addresses it came in by."""

import base64
import mimetypes
import secrets
from dataclasses import dataclass, field
from typing import Any

from sandbox.fake_slack.shapes import JsonObject, Refused, SlackError, new_id


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
    """Files by id; an upload is announced, received, then completed."""

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
