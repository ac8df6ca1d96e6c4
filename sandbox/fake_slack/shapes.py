"""Words shared by the whole sandbox: JSON objects, identifiers, and Slack's way of refusing."""

import random
import string
from typing import Any

JsonObject = dict[str, Any]

_LETTERS = string.ascii_uppercase + string.digits


class SlackError(Exception):
    """A call that Slack answers with `ok: false`; `extra` joins the error code in the body."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra

    @classmethod
    def with_messages(cls, code: str, messages: list[str], **extra: Any) -> "SlackError":
        """The same, with the sentences Slack puts into `response_metadata.messages`."""
        return cls(code, response_metadata={"messages": messages}, **extra)

    def body(self) -> JsonObject:
        return {"ok": False, "error": self.code, **self.extra}


class Refused(Exception):
    """Something a person tried in the sandbox that Slack's own client would not let them do."""

    def __init__(self, code: str, detail: str = "", **extra: Any) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.extra = extra

    def body(self) -> JsonObject:
        detail = {"detail": self.detail} if self.detail else {}
        return {"ok": False, "error": self.code, **detail, **self.extra}


def new_id(prefix: str, length: int = 10) -> str:
    """An identifier as Slack writes them, such as `U7K2M0XQ4ZA`. It names, and guards nothing."""
    return prefix + "".join(random.choices(_LETTERS, k=length))
