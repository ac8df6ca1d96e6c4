"""The way to Slack: three clients, errors as data, and a message that is looked for before it is
sent again.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from handlers.slack.blocks import block_kit
from handlers.slack.blocks.block_kit import SlackMessage

log = structlog.get_logger()
CALL_S = 10.0
CONNECT_S = 5.0
LOOKED_BACK_PAGES = 10
PAGE_MESSAGES = 200
EVENT_TYPE = "countersign"


class ErrorKind(StrEnum):
    """What a refusal means for whoever wants to try again.

    PERMANENT: never. RATE_LIMITED: after the time that Slack names. TRANSIENT: later, and it is
    certain that nothing happened. UNKNOWN: perhaps it did happen.
    """

    PERMANENT = "permanent"
    RATE_LIMITED = "rate limited"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"


# What is not listed may pass: TRANSIENT.
_CODES = {
    ErrorKind.RATE_LIMITED: "ratelimited rate_limited message_limit_exceeded",
    ErrorKind.UNKNOWN: "fatal_error internal_error request_timeout service_unavailable",
    ErrorKind.PERMANENT: """
        user_disabled user_not_found user_not_visible users_not_found no_user cannot_dm_bot
        messages_tab_disabled channel_not_found invalid_channel
        message_not_found cant_update_message edit_window_closed
        invalid_blocks invalid_blocks_format invalid_attachments unsupported_block_type
        msg_too_long msg_blocks_too_long too_many_attachments no_text
        metadata_too_large invalid_metadata_format invalid_metadata_schema
        invalid_arguments invalid_arg_name invalid_array_arg invalid_charset invalid_form_data
        invalid_json json_not_object unknown_method method_deprecated deprecated_endpoint
        not_allowed_token_type""",
}

_KINDS = {code: kind for kind, codes in _CODES.items() for code in codes.split()}

_MENDABLE = """not_in_channel is_archived restricted_action no_permission missing_scope
    invalid_auth not_authed token_revoked token_expired account_inactive accesslimited
    team_added_to_org org_login_required ekm_access_denied two_factor_setup_required"""

_MENDABLE_CODES = frozenset(_MENDABLE.split())
_NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)

_UNSHOWABLE = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "invalid_attachments", "unsupported_block_type"}
)

_RETRY_AFTER_S = 30.0
_LONGEST_RETRY_AFTER_S = 600.0


class SlackError(Exception):
    """Slack did not do what it was asked."""

    def __init__(
        self, code: str, kind: ErrorKind, retry_after_s: float = 0.0, *, answered: bool = True
    ) -> None:
        """`code` is Slack's error code, or, where it has not `answered`, what failed on the way."""
        super().__init__(f"{code} ({kind})")
        self.code, self.kind, self.retry_after_s = code, kind, retry_after_s
        self.answered = answered

    @property
    def needs_somebody(self) -> bool:
        """Whether it ends when somebody does something: a new token, a scope, an invitation."""
        return self.code in _MENDABLE_CODES


@dataclass(frozen=True)
class Identity:
    """Who the bot token speaks for."""

    team_id: str
    bot_user_id: str
    bot_id: str


@dataclass(frozen=True)
class MessageRef:
    """Where a message stands."""

    channel: str
    ts: str


class SlackClient:
    """Slack's Web API on behalf of the worker and of the boot. Raises SlackTrouble alone.

    `general` repeats calls that may be repeated. `posting` never does: a lost response would
    become a second message. `listening` is for Bolt: quick, since a person waits. None of them
    sits out a rate limit, which is a job's to wait for, without keeping others from their turn.
    """

    def __init__(self, session: aiohttp.ClientSession, token: str, base_url: str) -> None:
        self.session = session
        self.general = AsyncWebClient(
            token=token,
            base_url=base_url,
            session=session,
            retry_handlers=[
                AsyncConnectionErrorRetryHandler(max_retry_count=2),
                AsyncServerErrorRetryHandler(max_retry_count=2),
            ],
        )
        self.posting = AsyncWebClient(
            token=token, base_url=base_url, session=session, retry_handlers=[]
        )
        self.listening = AsyncWebClient(
            token=token,
            base_url=base_url,
            session=session,
            retry_handlers=[AsyncConnectionErrorRetryHandler()],
        )
        self._ours: Identity | None = None
        self._updates_from = 0.0

    @classmethod
    @asynccontextmanager
    async def open(cls, token: str, base_url: str) -> AsyncIterator[Self]:
        """A gateway with a connection pool of its own, closed with it."""
        timeout = aiohttp.ClientTimeout(total=CALL_S, connect=CONNECT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            yield cls(session, token, base_url)

    async def auth_test(self) -> Identity:
        answer = await ask_slack(self.general.auth_test())
        self._ours = Identity(answer["team_id"], answer["user_id"], answer["bot_id"])
        return self._ours

    async def app_id(self, bot_id: str) -> str | None:
        """The app behind the bot, where Slack tells."""
        try:
            answer = await ask_slack(self.general.bots_info(bot=bot_id))
        except SlackError:
            return None
        found = answer["bot"].get("app_id")
        return str(found) if found else None

    async def check_app_token(self, app_token: str) -> None:
        """Refused where the token does not open sockets."""
        await ask_slack(self.general.apps_connections_open(app_token=app_token))

    async def open_dm(self, slack_user_id: str) -> str:
        """The conversation with one person; where DMs cannot be opened, the person's id serves."""
        try:
            answer = await ask_slack(self.general.conversations_open(users=slack_user_id))
        except SlackError as trouble:
            if trouble.code == "unknown_method":
                return slack_user_id
            raise
        return str(answer["channel"]["id"])

    async def post(self, channel: str, key: str, message: SlackMessage) -> MessageRef:
        """Send a message once; `key` is what `find` recognises it by afterwards."""
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"k": key}}

        async def send(payload: dict[str, Any]) -> dict[str, Any]:
            call = self.posting.chat_postMessage(channel=channel, metadata=metadata, **payload)
            return await ask_slack(call)

        answer = await send_simplified(message, send)
        return MessageRef(answer["channel"], answer["ts"])

    async def update(self, channel: str, ts: str, message: SlackMessage) -> None:
        """Draw a message anew; said twice it does no harm.

        Slack allows so many updates a minute in the whole workspace: until the time it named,
        nothing more is asked of it.
        """
        wait_s = self._updates_from - time.monotonic()
        if wait_s > 0:
            raise SlackError("ratelimited", ErrorKind.RATE_LIMITED, wait_s)

        async def send(payload: dict[str, Any]) -> dict[str, Any]:
            return await ask_slack(self.general.chat_update(channel=channel, ts=ts, **payload))

        try:
            await send_simplified(message, send)
        except SlackError as trouble:
            if trouble.kind is ErrorKind.RATE_LIMITED:
                self._updates_from = time.monotonic() + trouble.retry_after_s
            raise

    async def find(self, channel: str, key: str, oldest_s: float) -> str | None:
        """The ts of our message with that key, not older than `oldest_s` (epoch seconds)."""
        cursor: str | None = None
        for _ in range(LOOKED_BACK_PAGES):
            page = await ask_slack(
                self.general.conversations_history(
                    channel=channel,
                    oldest=f"{oldest_s:.6f}",
                    include_all_metadata=True,
                    limit=PAGE_MESSAGES,
                    cursor=cursor,
                )
            )
            for message in page["messages"]:
                if self._is_ours(message) and _key(message) == key:
                    return str(message["ts"])
            cursor = page.get("response_metadata", {}).get("next_cursor")
            if not cursor:
                return None
        log.warning("looked back far enough", channel=channel, pages=LOOKED_BACK_PAGES)
        return None

    def _is_ours(self, message: dict[str, Any]) -> bool:
        ours = self._ours
        return ours is None or ours.bot_id == message.get("bot_id")

    async def user_info(self, slack_user_id: str) -> dict[str, Any] | None:
        """The `user` of `users.info`; None where Slack knows nobody of that id."""
        try:
            answer = await ask_slack(self.general.users_info(user=slack_user_id))
        except SlackError as trouble:
            if trouble.code in ("user_not_found", "user_not_visible"):
                return None
            raise
        user: dict[str, Any] = answer["user"]
        return user


async def ask_slack(call: Awaitable[Any]) -> dict[str, Any]:
    """The answer to a call, or the trouble with it. Neither carries a token."""
    try:
        answer = await call
    except SlackApiError as error:
        raise _judged(error.response) from None
    except _NOT_CONNECTED as error:
        raise SlackError(type(error).__name__, ErrorKind.TRANSIENT, answered=False) from None
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        raise SlackError(type(error).__name__, ErrorKind.UNKNOWN, answered=False) from None
    data: dict[str, Any] = answer.data
    return data


def _judged(response: Any) -> SlackError:
    """What the client hands over is its own response, or the bare one of a body it cannot read."""
    status = int(getattr(response, "status_code", None) or getattr(response, "status", 0) or 0)
    data = getattr(response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    kind = _KINDS.get(code or "", ErrorKind.TRANSIENT if code else ErrorKind.UNKNOWN)
    if status == 429:
        kind = ErrorKind.RATE_LIMITED
    elif status >= 500:
        kind = ErrorKind.UNKNOWN
    retry_after_s = _retry_after_s(response.headers) if kind is ErrorKind.RATE_LIMITED else 0.0
    return SlackError(code or f"http_{status}", kind, retry_after_s)


def _retry_after_s(headers: Any) -> float:
    told = str(headers.get("Retry-After", ""))
    return min(float(told), _LONGEST_RETRY_AFTER_S) if told.isdecimal() else _RETRY_AFTER_S


async def send_simplified(
    message: SlackMessage, send: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """Send the message as drawn; where Slack cannot show its blocks, ever plainer."""
    *richer, plainest = _versions(message)
    for payload in richer:
        try:
            return await send(payload)
        except SlackError as trouble:
            if trouble.code not in _UNSHOWABLE:
                raise
            log.warning("message drawn more plainly", cause=trouble.code)
    return await send(plainest)


def _versions(message: SlackMessage) -> Sequence[dict[str, Any]]:
    plainer = message.without_tables()
    drawn = [message] if plainer == message else [message, plainer]
    text = SlackMessage(message.text, [block_kit.section(message.text)])
    return [one.payload() for one in (*drawn, text)]


def _key(message: dict[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return None
    key = metadata.get("event_payload", {}).get("k")
    return str(key) if key else None
