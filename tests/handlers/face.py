"""What the handlers need of Slack, on top of the courier's gateway."""

from typing import Any

from bot.slack import Gateway, ask
from handlers.views.kit import Message, View

Json = dict[str, Any]


class Face:
    def __init__(self, slack: Gateway) -> None:
        self._slack = slack

    async def user_info(self, slack_user_id: str) -> Json | None:
        return await self._slack.user_info(slack_user_id)

    async def open_view(self, trigger_id: str, view: View) -> str:
        opened = await ask(self._slack.posting.views_open(trigger_id=trigger_id, view=view))
        return str(opened["view"]["id"])

    async def update_view(self, view_id: str, view: View) -> None:
        await ask(self._slack.posting.views_update(view_id=view_id, view=view))

    async def publish_home(self, slack_user_id: str, view: View) -> None:
        await ask(self._slack.posting.views_publish(user_id=slack_user_id, view=view))

    async def post_ephemeral(
        self, channel: str, slack_user_id: str, message: Message, thread_ts: str | None = None
    ) -> None:
        call = self._slack.posting.chat_postEphemeral(
            channel=channel, user=slack_user_id, thread_ts=thread_ts, **message.payload()
        )
        await ask(call)

    async def respond(
        self, response_url: str, message: Message, *, replace: bool = False, shared: bool = False
    ) -> None:
        body = {
            **message.payload(),
            "replace_original": replace,
            "response_type": "in_channel" if shared else "ephemeral",
        }
        async with self._slack.session.post(response_url, json=body) as answer:
            assert answer.status == 200, await answer.text()
