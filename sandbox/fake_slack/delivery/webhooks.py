"""HTTP delivery: signed POSTs to the app's request URL."""

import asyncio
import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

import aiohttp

from sandbox.fake_slack.delivery.delivery import Ack, Envelope
from sandbox.fake_slack.world.installation import Installation

_FORM = "application/x-www-form-urlencoded"


class Webhooks:
    """Posts every payload to one address, signed with the app's secret."""

    def __init__(self, installation: Installation, url: str | None, ack_s: float) -> None:
        self.url = url
        self._installation = installation
        self._ack_s = ack_s
        self._session: aiohttp.ClientSession | None = None

    @property
    def connected(self) -> bool:
        return self.url is not None

    async def send(self, envelope: Envelope) -> Ack:
        if self.url is None:
            return Ack("no_connection")
        if self._session is None:
            self._session = aiohttp.ClientSession()
        body, headers = self._request(envelope)
        timeout = aiohttp.ClientTimeout(total=self._ack_s)
        try:
            async with self._session.post(
                self.url, data=body, headers=headers, timeout=timeout
            ) as answer:
                return await _ack(answer)
        except TimeoutError:
            return Ack("http_timeout")
        except aiohttp.ClientError:
            return Ack("connection_failed")

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)

    def _request(self, envelope: Envelope) -> tuple[bytes, dict[str, str]]:
        body, content_type = _written(envelope)
        # The receiver compares with its own wall clock, so a travelling clock has no say here.
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self._installation.signing_secret, timestamp, body),
        }
        if envelope.retry_attempt:
            headers["X-Slack-Retry-Num"] = str(envelope.retry_attempt)
            headers["X-Slack-Retry-Reason"] = envelope.retry_reason
        return body, headers


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's `v0` signature of a request body."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def _written(envelope: Envelope) -> tuple[bytes, str]:
    if envelope.kind == "events_api":
        return json.dumps(envelope.payload).encode(), "application/json"
    if envelope.kind == "slash_commands":
        return urlencode(envelope.payload).encode(), _FORM
    return urlencode({"payload": json.dumps(envelope.payload)}).encode(), _FORM


async def _ack(answer: aiohttp.ClientResponse) -> Ack:
    final = answer.headers.get("X-Slack-No-Retry") == "1"
    if not 200 <= answer.status < 300:
        return Ack("http_error", final=final)
    text = await answer.text()
    if not text.strip():
        return Ack()
    if answer.content_type == "application/json":
        try:
            return Ack(payload=json.loads(text))
        except ValueError:
            return Ack("http_error")
    return Ack(payload={"text": text})
