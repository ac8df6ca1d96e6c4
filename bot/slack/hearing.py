"""How a payload comes to Bolt: read, and held against what Slack writes."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from yarl import URL

from handlers.slack.payloads import fault_in, is_heard

log = structlog.get_logger()
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MALFORMED = 400
_WRAPPED = b"payload=%7B"


def read_body(body: bytes, content_type: str) -> Any:
    """What a request says: JSON, a form, or the JSON that a form's `payload` is for clicks and
    dialogs. ValueError and RecursionError for what cannot be read, or is of another type.

    Forms are not left to Bolt, which takes a command that speaks of a payload for an empty one.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON:
        return json.loads(body)
    if kind != FORM:
        raise ValueError("not a content type of Slack's")
    if body.startswith(_WRAPPED):
        # Unquoted whole: escape by escape, of which a card has thousands, it is half of a receipt.
        return json.loads(URL.build(query_string=body.decode(), encoded=True).query["payload"])
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return json.loads(fields["payload"]) if "payload" in fields else fields


async def hear(bolt: AsyncApp, body: Any, headers: Mapping[str, Any] | None) -> BoltResponse:
    """The answer of `bolt`; 400 for a payload that is not as Slack writes it, which changes nothing
    and is named in the log, without what it holds.
    """
    fault = fault_in(body) if isinstance(body, dict) else "all of it"
    if fault is not None:
        log.warning("Slack's payload is malformed", at=fault)
        return BoltResponse(status=MALFORMED, body="")
    if not is_heard(body):
        log.info("nobody hears this kind of payload", kind=body["type"])
        return BoltResponse(status=200, body="")
    try:
        # Bolt takes a body that has been read for one that came by a socket.
        request = AsyncBoltRequest(body=body, headers=dict(headers or {}), mode="socket_mode")
    except Exception as error:  # Bolt looks for ids in as many ways as there are bodies.
        log.warning("Slack's payload is malformed", cause=type(error).__name__)
        return BoltResponse(status=MALFORMED, body="")
    return await bolt.async_dispatch(request)
