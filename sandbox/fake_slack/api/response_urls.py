"""Messages the app sends in answer: by response url, or in the acknowledgement of a command."""

import json
from typing import Any

from aiohttp import web

from sandbox.fake_slack.api.arguments import Args
from sandbox.fake_slack.api.content import read_content
from sandbox.fake_slack.api.front_door import with_fault
from sandbox.fake_slack.api.known_arguments import unknown_arguments
from sandbox.fake_slack.delivery.payloads import changed_event, deleted_event
from sandbox.fake_slack.shapes import JsonObject, SlackError
from sandbox.fake_slack.world.faults import Faults
from sandbox.fake_slack.world.slack import Slack
from sandbox.fake_slack.world.surfaces import ResponseUrl
from sandbox.fake_slack.world.workspace import Change, Conversation


class ResponseUrlApi:
    """Serves `/response/KEY`."""

    def __init__(self, slack: Slack, faults: Faults) -> None:
        self._slack = slack
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/response/{key}", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        fault = self._faults.for_call("response_url")
        return await with_fault(fault, request, lambda: self._answer(request))

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            self._use(request.match_info["key"], await request.read())
        except SlackError as error:
            gone = error.code in ("used_url", "expired_url", "invalid_url")
            return web.json_response(error.body(), status=404 if gone else 400)
        return web.json_response({"ok": True})

    def _use(self, key: str, body: bytes) -> None:
        url = self._slack.response_urls.use(key)
        try:
            answer = json.loads(body)
        except ValueError:
            raise SlackError("invalid_payload") from None
        if not isinstance(answer, dict):
            raise SlackError("invalid_payload")
        respond(self._slack, url, answer)


def respond(slack: Slack, url: ResponseUrl, answer: JsonObject) -> JsonObject | None:
    """Posts, replaces or deletes as the answer says; returns the message that is now there."""
    conversation = slack.workspace.conversations[url.channel]
    unknown = unknown_arguments("response_url", answer)
    slack.warnings.extend(f"response_url: {name}" for name in unknown)
    args = Args(answer)
    if args.flag("delete_original"):
        _delete(slack, conversation, url)
        return None
    if args.flag("replace_original") and url.message_ts:
        return _replace(slack, conversation, url, args)
    return _post(slack, conversation, url, args)


def _post(slack: Slack, conversation: Conversation, url: ResponseUrl, args: Args) -> JsonObject:
    message = {**slack.bot_author(), **read_content(slack, args).fields()}
    thread_ts = args.text("thread_ts")
    if thread_ts:
        if thread_ts not in conversation.messages:
            raise SlackError("thread_not_found")
        message["thread_ts"] = thread_ts
    kind = args.text("response_type") or "ephemeral"
    if kind == "ephemeral":
        return slack.workspace.post_ephemeral(conversation, url.user, message)
    if kind != "in_channel":
        raise SlackError("invalid_response_type")
    posted = slack.workspace.post(conversation, message)
    slack.news.message(conversation, posted)
    return posted


def _replace(slack: Slack, conversation: Conversation, url: ResponseUrl, args: Args) -> JsonObject:
    message, private = _original(conversation, url)
    content = read_content(slack, args)
    changes = {"blocks": None, "attachments": None, **content.fields()}
    bot = slack.installation.bot_user_id
    before = slack.workspace.revise(conversation, message, changes, bot)
    if not private:
        slack.news.message(conversation, changed_event(message, before))
    return message


def _delete(slack: Slack, conversation: Conversation, url: ResponseUrl) -> None:
    message, private = _original(conversation, url)
    gone = slack.workspace.remove(conversation, message["ts"])
    if not private:
        event = deleted_event(gone, slack.workspace.next_ts())
        slack.news.message(conversation, event)
    else:
        slack.workspace.changed(Change(conversation.id, frozenset({url.user})))


def _original(conversation: Conversation, url: ResponseUrl) -> tuple[JsonObject, bool]:
    private = conversation.ephemerals.get(url.message_ts)
    message = private or conversation.messages.get(url.message_ts)
    if message is None:
        raise SlackError("message_not_found")
    return message, private is not None


def message_in_ack(payload: Any) -> JsonObject | None:
    """The message in a command's acknowledgement, if there is one."""
    if payload in (None, "", {}):
        return None
    return payload if isinstance(payload, dict) else {"text": str(payload)}
