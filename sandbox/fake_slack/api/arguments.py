"""Reads a Web API call: where the token is, and the arguments in JSON, form or query."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sandbox.fake_slack.shapes import SlackError

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Args:
    """The arguments of one call. Every value may arrive as text, whatever its meaning."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {key: value for key, value in values.items() if value is not None}

    def given(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        """The argument as text, empty when it is missing."""
        value = self._values.get(name, "")
        if isinstance(value, bool | dict | list):
            raise SlackError.with_messages(
                "invalid_arguments", [f"[ERROR] must be a string [json-pointer:/{name}]"]
            )
        return str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._values.get(name, default)
        return value if isinstance(value, bool) else str(value).lower() in ("1", "true", "yes")

    def whole(self, name: str, default: int = 0, refusal: str = "invalid_arguments") -> int:
        try:
            return int(self._values.get(name, default))
        except (TypeError, ValueError):
            raise SlackError(refusal) from None

    def structure(self, name: str, refusal: str) -> Any:
        """A list or object, given as such or written out as JSON text; None when missing."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(refusal) from None

    def plain(self) -> dict[str, Any]:
        return dict(self._values)


async def read_arguments(request: web.Request, *, json_allowed: bool) -> tuple[Args, str]:
    """(arguments, token). Arguments of the body win over those of the query; a JSON body is
    not read by methods that Slack serves to forms alone."""
    values: dict[str, Any] = dict(request.query)
    if request.method == "POST":
        values.update(await _body(request, json_allowed=json_allowed))
    header = request.headers.get("Authorization", "")
    named = str(values.pop("token", "") or "")
    token = header.removeprefix("Bearer ").strip() if header.startswith("Bearer ") else named
    return Args(values), token


async def _body(request: web.Request, *, json_allowed: bool) -> dict[str, Any]:
    if not request.can_read_body:
        return {}
    if "Content-Type" not in request.headers:
        raise SlackError("missing_post_type")
    if request.content_type == "application/json":
        return await _json_body(request) if json_allowed else {}
    if request.content_type not in _FORMS:
        raise SlackError("invalid_post_type")
    try:
        return dict(await request.post())
    except (ValueError, UnicodeDecodeError):
        raise SlackError("invalid_form_data") from None


async def _json_body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body
