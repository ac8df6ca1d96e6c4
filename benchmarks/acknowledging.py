"""A Bolt app that does nothing but take receipt, on our web server: the floor of `clicking`.

    python -m benchmarks.acknowledging

Reads the settings that `countersign serve` reads.
"""

import asyncio
import re

import uvloop
from slack_bolt.response import BoltResponse

from bot.settings import Settings, read
from bot.slack.bolt import make_bolt
from bot.slack.client import SlackClient
from bot.web_server import WebServer, hear_slack, make_web_app


async def _received() -> BoltResponse:
    return BoltResponse(status=200, body="")


async def _nothing_missing() -> list[str]:
    return []


async def serve(settings: Settings) -> None:
    token, secret = settings.slack_bot_token, settings.slack_signing_secret
    assert token and secret
    async with SlackClient.open(token.get_secret_value(), settings.slack_api_url) as client:
        bolt = make_bolt(client, await client.auth_test())
        bolt.action(re.compile(".*"))(_received)
        web = make_web_app(_nothing_missing)
        hear_slack(web, bolt, secret.get_secret_value())
        await WebServer(web, settings.host, settings.port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(read(Settings)))
