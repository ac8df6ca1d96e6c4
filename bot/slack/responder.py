"""What handlers say to Slack themselves: to whoever asks, at once, and only once."""

import json
import re
from collections.abc import Awaitable, Mapping
from typing import Any, NamedTuple

from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.slack import retrying
from bot.slack.client import (
    KNOWN_CODES,
    ErrorKind,
    SlackClient,
    SlackError,
    ask_slack,
    first_shown,
    judged,
    send_simplified,
)
from bot.slack.files import bring_file
from handlers.slack.answers import SlackFile, Unanswered
from handlers.slack.blocks.block_kit import UNFURLED, SlackMessage, View
from handlers.slack.blocks.fallbacks import view_fallbacks

Json = dict[str, Any]
_NOT_THERE = frozenset({"user_not_in_channel", "not_in_channel", "channel_not_found"})
_CODE = re.compile(r"[a-z_]{1,60}")
_OPENED_BEFORE = "exchanged_trigger_id"


class SlackResponder:
    """`handlers.slack.answers.Responder` on top of the client."""

    def __init__(self, slack: SlackClient) -> None:
        self._slack = slack
        self._client = slack.answering

    async def user_info(self, slack_user_id: str) -> Json | None:
        try:
            return await self._slack.user_info(slack_user_id)
        except SlackError as trouble:
            raise Unanswered(trouble.code) from trouble

    async def open_view(self, trigger_id: str, view: View) -> None:
        """A trigger opens one dialog: where the answer is lost, Slack is asked again, and tells by
        a trigger that is used up that the dialog is there.
        """

        async def open_one(drawn: View) -> Json:
            return await ask_slack(self._client.views_open(trigger_id=trigger_id, view=drawn))

        try:
            await first_shown(view_fallbacks(view), open_one)
            return
        except SlackError as trouble:
            if trouble.kind is not ErrorKind.UNKNOWN:
                raise
        try:
            await _sent(first_shown(view_fallbacks(view), open_one))
        except SlackError as trouble:
            if trouble.code != _OPENED_BEFORE:
                raise

    async def update_view(self, view_id: str, view: View) -> None:
        async def update(drawn: View) -> Json:
            return await ask_slack(self._client.views_update(view_id=view_id, view=drawn))

        await _sent(first_shown(view_fallbacks(view), update))

    async def publish_home(self, slack_user_id: str, view: View) -> None:
        async def publish(drawn: View) -> Json:
            return await ask_slack(self._client.views_publish(user_id=slack_user_id, view=drawn))

        await _sent(first_shown(view_fallbacks(view), publish))

    async def post_ephemeral(
        self, channel: str, slack_user_id: str, message: SlackMessage, thread_ts: str | None = None
    ) -> None:
        """Who is not in the conversation, such as somebody who has left it, is told in their DM."""
        try:
            await self._whisper(channel, slack_user_id, message, thread_ts)
        except SlackError as trouble:
            if trouble.code not in _NOT_THERE:
                raise
            await self.tell(slack_user_id, message)

    async def tell(self, slack_user_id: str, message: SlackMessage) -> None:
        dm = await self._slack.open_dm(slack_user_id)
        await self._whisper(dm, slack_user_id, message, None)

    async def _whisper(
        self, channel: str, slack_user_id: str, message: SlackMessage, thread_ts: str | None
    ) -> None:
        async def send(payload: Json) -> Json:
            return await ask_slack(
                self._client.chat_postEphemeral(
                    channel=channel, user=slack_user_id, thread_ts=thread_ts, **payload
                )
            )

        await _sent(send_simplified(message, send))

    async def bring_file(self, file_id: str, most_bytes: int) -> SlackFile:
        return await bring_file(self._slack, file_id, most_bytes)

    async def send_file(self, slack_user_id: str, name: str, content: bytes, comment: str) -> None:
        dm = await self._slack.open_dm(slack_user_id)
        file: dict[str, str | None] = {"id": await self._slack.upload(name, content), "title": name}
        sharing = self._client.files_completeUploadExternal(
            files=[file], channel_id=dm, initial_comment=comment
        )
        await _sent(ask_slack(sharing))

    async def respond(
        self,
        response_url: str,
        message: SlackMessage,
        *,
        replace: bool = False,
        shared: bool = False,
    ) -> None:
        webhook = AsyncWebhookClient(
            response_url,
            session=self._slack.session,
            retry_handlers=retrying.after_a_moment(),
        )
        how = {
            "response_type": "in_channel" if shared else "ephemeral",
            "replace_original": replace,
            **UNFURLED,
        }

        async def send(payload: Json) -> Json:
            return await ask_slack(_answered(webhook, payload | how))

        await _sent(send_simplified(message, send))


async def _sent(sending: Awaitable[Any]) -> None:
    """Tell handlers apart what was refused from what perhaps was done."""
    try:
        await sending
    except SlackError as trouble:
        if trouble.kind is ErrorKind.UNKNOWN:
            raise Unanswered(trouble.code) from trouble
        raise


class _Told(NamedTuple):
    """A response address's answer, as methods answer."""

    status_code: int
    headers: Mapping[str, Any]
    data: Json


async def _answered(webhook: AsyncWebhookClient, body: Json) -> _Told:
    """A response address tells refusals in its answer: as JSON or as a bare code, under any
    status.
    """
    answer = await webhook.send_dict(body)
    told = _Told(answer.status_code, answer.headers, _read(answer.body))
    refused = told.data.get("ok") is False or told.data.get("error") in KNOWN_CODES
    if refused or answer.status_code != 200:
        raise judged(told)
    return told


def _read(body: str) -> Json:
    try:
        told = json.loads(body)
    except ValueError:
        return {"error": body.strip()} if _CODE.fullmatch(body.strip()) else {}
    return told if isinstance(told, dict) else {}
