"""Webhooks are sent what they are promised, each by itself: a slow one holds up no other."""

import asyncio
import socket
import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult
from standardwebhooks import Webhook as Signer
from yarl import URL

from bot.timings import Timings
from bot.worker.errors import Interrupted
from models.db.database import Database
from models.errors import Invalid
from models.settings import BillingSettings
from models.webhooks.addresses import literal_address, read_address, refuse_private
from models.webhooks.delivery import AttemptOutcome, Due, next_due, record_outcomes
from models.webhooks.webhooks import WebhookDelivery

log = structlog.get_logger()

AT_ONCE = 10
"""So many deliveries to one webhook are under way at the same time."""

CONNECT_S = 5.0
READ_BYTES, KEPT_CHARS = 4_096, 1_000
LONGEST_WISH_S = 3_600
HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "Countersign",
    "Accept-Encoding": "identity",
}

NO_ANSWER = "There was no answer in time."
REDIRECTED = "It answered with a redirect, which is not followed."
CUT_OFF = "The connection was closed before there was an answer."
UNTRUSTED = "Its certificate is not trusted."
UNKNOWN_NAME = "Its name leads nowhere."
NO_CONNECTION = "No connection could be made."
UNREADABLE = "What it answered cannot be read."


class PublicResolver(AbstractResolver):
    """Looks names up, and gives no address that may not be connected to."""

    def __init__(self, allowed_hosts: Collection[str]) -> None:
        self._allowed_hosts = allowed_hosts
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        refuse_private(host, [ip_address(one["host"]) for one in found], self._allowed_hosts)
        return found

    async def close(self) -> None:
        await self._inner.close()


class WebhookSender:
    """Sends what is due, signed, and writes down what came of it."""

    def __init__(
        self,
        db: Database,
        billing: BillingSettings,
        now: Callable[[], datetime],
        timings: Timings,
        stopping: asyncio.Event,
    ) -> None:
        self._db = db
        self._allowed_hosts = billing.webhook_hosts
        self._now = now
        self._timings = timings
        self._stopping = stopping

    async def send(self, webhook_id: int) -> None:
        """Until nothing is due. Whoever ends between an answer and its record leaves deliveries
        that are made again, as the same messages.
        """
        async with self._open() as http:
            while True:
                async with self._db.transaction() as session:
                    due = await next_due(session, webhook_id, self._now(), AT_ONCE)
                if due is None:
                    return
                if self._stopping.is_set():
                    raise Interrupted
                outcomes = await asyncio.gather(
                    *(self._attempt(http, due, one) for one in due.deliveries)
                )
                await self._record(webhook_id, outcomes)

    async def _record(self, webhook_id: int, outcomes: Sequence[AttemptOutcome]) -> None:
        async with self._db.long_transaction() as session:
            off = await record_outcomes(session, webhook_id, outcomes, self._now(), AT_ONCE)
        if off is not None:
            log.error("webhook is off", webhook=webhook_id, cause=off)

    def _open(self) -> aiohttp.ClientSession:
        """Without cookies, proxies and connections that are kept: each address is looked up, and
        looked at, anew.
        """
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=PublicResolver(self._allowed_hosts),
                use_dns_cache=False,
                force_close=True,
                limit=AT_ONCE,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timings.webhook, sock_connect=CONNECT_S),
            auto_decompress=False,
            headers=HEADERS,
        )

    async def _attempt(
        self, http: aiohttp.ClientSession, due: Due, one: WebhookDelivery
    ) -> AttemptOutcome:
        at, began = self._now(), time.monotonic()
        status, response, failure, retry_after_s = None, None, None, 0
        try:
            self._check(due.address)
            body = due.bodies[one.id]
            asked = http.post(
                URL(due.address),
                data=body.encode(),
                headers=signed(one.message_id, body, due.secrets, datetime.now(UTC)),
                allow_redirects=False,
            )
            async with asked as answer:
                status = answer.status
                retry_after_s = _wish_s(answer.headers.get("Retry-After"))
                response = await _first_of(answer)
        except Exception as error:
            if status is None:
                failure = failure_text(error)
        if status is not None and 300 <= status < 400:
            failure = REDIRECTED
        duration_ms = round((time.monotonic() - began) * 1000)
        return AttemptOutcome(one.id, at, duration_ms, status, response, failure, retry_after_s)

    def _check(self, address: str) -> None:
        """What may be sent to may have changed, and of an address without a name aiohttp asks no
        resolver.
        """
        read_address(address, self._allowed_hosts)
        host = URL(address).host or ""
        literal = literal_address(host)
        if literal is not None:
            refuse_private(host, [literal], self._allowed_hosts)


def signed(message_id: str, body: str, secrets: Collection[str], at: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks, with a signature for each secret.

    `at` is in UTC: the library takes every other zone's digits for those of UTC.
    """
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Signer(one).sign(message_id, at, body) for one in secrets),
    }


def _wish_s(retry_after: str | None) -> int:
    """Only so many seconds; a date is not read."""
    wish = retry_after or ""
    return min(int(wish), LONGEST_WISH_S) if wish.isdecimal() and len(wish) < 10 else 0


async def _first_of(answer: aiohttp.ClientResponse) -> str:
    """As much as anybody wants to see; what is left is not read."""
    found = bytearray()
    while len(found) < READ_BYTES:
        chunk = await answer.content.read(READ_BYTES - len(found))
        if not chunk:
            break
        found += chunk
    answer.close()
    return found.decode("utf-8", "replace").replace("\0", "\ufffd")[:KEPT_CHARS]


_FAILURES: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, NO_ANSWER),
    (aiohttp.ClientConnectorCertificateError, UNTRUSTED),
    (aiohttp.ClientSSLError, UNTRUSTED),
    (aiohttp.ClientConnectorDNSError, UNKNOWN_NAME),
    (aiohttp.ClientConnectorError, NO_CONNECTION),
    (aiohttp.ServerDisconnectedError, CUT_OFF),
    (aiohttp.ClientOSError, CUT_OFF),
    (aiohttp.ClientResponseError, UNREADABLE),
)


def failure_text(error: Exception) -> str:
    """Why there was no answer; it repeats nothing of the address, which may hold a secret."""
    if isinstance(error, Invalid):
        return str(error)
    for kind, told in _FAILURES:
        if isinstance(error, kind):
            return told
    log.error("webhook could not be sent", cause=type(error).__name__)
    return NO_CONNECTION
