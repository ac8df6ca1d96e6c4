"""Messages the app sends in answer: by response url, or in the acknowledgement of a command."""

import json
from typing import Any

from aiohttp import web

from sandbox.arguments import Args
from sandbox.chat import changed_event, deleted_event
from sandbox.content import read_content
from sandbox.context import Slack
from sandbox.faults import Faults
from sandbox.shapes import JsonObject, SlackError
from sandbox.slack_api import with_trouble
from sandbox.surfaces import ResponseUrl
from sandbox.workspace import Change, Conversation


class Answers:
    """Serves `/response/KEY`."""

    def __init__(self, slack: Slack, faults: Faults) -> None:
        self._slack = slack
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/response/{key}", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        fault = self._faults.for_call("response_url")
        return await with_trouble(fault, request, lambda: self._answer(request))

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            self._take(request.match_info["key"], await request.read())
        except SlackError as error:
            gone = error.code in ("used_url", "expired_url", "invalid_url")
            return web.json_response(error.body(), status=404 if gone else 400)
        return web.json_response({"ok": True})

    def _take(self, key: str, body: bytes) -> None:
        url = self._slack.response_urls.use(key)
        try:
            answer = json.loads(body)
        except ValueError:
            raise SlackError("invalid_payload") from None
        if not isinstance(answer, dict):
            raise SlackError("invalid_payload")
        self.give(url, answer)

    def give(self, url: ResponseUrl, answer: JsonObject) -> JsonObject | None:
        """Posts, replaces or deletes as the answer says; returns the message that is now there."""
        conversation = self._slack.workspace.conversations[url.channel]
        args = Args(answer)
        if args.flag("delete_original"):
            self._delete(conversation, url)
            return None
        if args.flag("replace_original") and url.message_ts:
            return self._replace(conversation, url, args)
        return self._post(conversation, url, args)

    def _post(self, conversation: Conversation, url: ResponseUrl, args: Args) -> JsonObject:
        message = {**self._slack.bot_author(), **read_content(self._slack, args).fields()}
        thread_ts = args.text("thread_ts")
        if thread_ts:
            if thread_ts not in conversation.messages:
                raise SlackError("thread_not_found")
            message["thread_ts"] = thread_ts
        kind = args.text("response_type") or "ephemeral"
        if kind == "ephemeral":
            return self._slack.workspace.whisper(conversation, url.user, message)
        if kind != "in_channel":
            raise SlackError("invalid_response_type")
        posted = self._slack.workspace.post(conversation, message)
        self._slack.news.message(conversation, posted)
        return posted

    def _replace(
        self, conversation: Conversation, url: ResponseUrl, args: Args
    ) -> JsonObject | None:
        message, private = self._original(conversation, url)
        content = read_content(self._slack, args)
        changes = {"blocks": None, "attachments": None, **content.fields()}
        bot = self._slack.installation.bot_user_id
        before = self._slack.workspace.revise(conversation, message, changes, bot)
        if not private:
            self._slack.news.message(conversation, changed_event(message, before))
        return message

    def _delete(self, conversation: Conversation, url: ResponseUrl) -> None:
        message, private = self._original(conversation, url)
        gone = self._slack.workspace.remove(conversation, message["ts"])
        if not private:
            event = deleted_event(gone, self._slack.workspace.next_ts())
            self._slack.news.message(conversation, event)
        else:
            self._slack.workspace.changed(Change(conversation.id, frozenset({url.user})))

    @staticmethod
    def _original(conversation: Conversation, url: ResponseUrl) -> tuple[JsonObject, bool]:
        private = conversation.ephemerals.get(url.message_ts)
        message = private or conversation.messages.get(url.message_ts)
        if message is None:
            raise SlackError("message_not_found")
        return message, private is not None


def as_answer(payload: Any) -> JsonObject | None:
    """The message in a command's acknowledgement, if there is one."""
    if payload in (None, "", {}):
        return None
    return payload if isinstance(payload, dict) else {"text": str(payload)}
