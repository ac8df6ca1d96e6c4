"""What handlers say to Slack themselves: to whoever asks, at once, and only once."""

from typing import Any

from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.slack.client import ErrorKind, SlackClient, SlackError, ask_slack, send_simplified
from handlers.slack.blocks.block_kit import SlackMessage, View

Json = dict[str, Any]
_NOT_THERE = frozenset({"user_not_in_channel", "not_in_channel", "channel_not_found"})


class SlackResponder:
    """`handlers.requests.SlackFace` on top of the gateway. Raises SlackTrouble."""

    def __init__(self, gateway: SlackClient) -> None:
        self._gateway = gateway
        self._client = gateway.listening

    async def user_info(self, slack_user_id: str) -> Json | None:
        return await self._gateway.user_info(slack_user_id)

    async def open_view(self, trigger_id: str, view: View) -> str:
        answer = await ask_slack(self._client.views_open(trigger_id=trigger_id, view=view))
        return str(answer["view"]["id"])

    async def update_view(self, view_id: str, view: View) -> None:
        await ask_slack(self._client.views_update(view_id=view_id, view=view))

    async def publish_home(self, slack_user_id: str, view: View) -> None:
        await ask_slack(self._client.views_publish(user_id=slack_user_id, view=view))

    async def post_ephemeral(
        self, channel: str, slack_user_id: str, message: SlackMessage, thread_ts: str | None = None
    ) -> None:
        """Who is not in the conversation, such as somebody who has left it, is told in their DM."""
        try:
            await self._whisper(channel, slack_user_id, message, thread_ts)
        except SlackError as trouble:
            if trouble.code not in _NOT_THERE:
                raise
            dm = await self._gateway.open_dm(slack_user_id)
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

        await send_simplified(message, send)

    async def respond(
        self,
        response_url: str,
        message: SlackMessage,
        *,
        replace: bool = False,
        shared: bool = False,
    ) -> None:
        webhook = AsyncWebhookClient(response_url, session=self._gateway.session)
        kind = "in_channel" if shared else "ephemeral"

        async def send(payload: Json) -> Json:
            body = {**payload, "response_type": kind, "replace_original": replace}
            return await ask_slack(_answered(webhook, body))

        await send_simplified(message, send)


async def _answered(webhook: AsyncWebhookClient, body: Json) -> Any:
    """A webhook reports refusals in its answer, not as exceptions."""
    answer = await webhook.send_dict(body)
    if answer.status_code != 200:
        raise SlackError(answer.body[:100] or f"http_{answer.status_code}", ErrorKind.PERMANENT)
    return _Empty()


class _Empty:
    data: Json = {}  # noqa: RUF012
