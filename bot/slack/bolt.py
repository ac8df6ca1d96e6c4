"""Bolt, which brings Slack's requests to the handlers."""

import logging

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import retrying
from bot.slack.client import Identity, SlackClient


def make_bolt(slack: SlackClient, identity: Identity) -> AsyncApp:
    """Bolt for one workspace, without questions of its own before the first request, which would
    be lost with the answer to them. Whatever its client is used for is sent once.

    It believes what it is given: `hear_slack` lets nothing in that Slack did not sign.
    """

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None,
            team_id=identity.team_id,
            bot_id=identity.bot_id,
            bot_user_id=identity.bot_user_id,
            bot_token=slack.token,
        )

    return AsyncApp(
        name="countersign",
        logger=logging.getLogger("slack_bolt"),
        client=AsyncWebClient(
            base_url=slack.base_url, session=slack.session, retry_handlers=retrying.never()
        ),
        authorize=authorize,
        request_verification_enabled=False,
        process_before_response=True,
    )
