"""The way to Slack: three clients, errors as data, and a message that is looked for before it is
sent again.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self, TypeVar

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.metrics import SLACK_ERRORS
from bot.slack import retrying
from bot.timings import Timings
from handlers.slack.blocks.block_kit import UNFURLED, SlackMessage
from handlers.slack.blocks.fallbacks import has_buttons, message_fallbacks

log = structlog.get_logger()
CALL_S = 10.0
CONNECT_S = 5.0
LOOKED_BACK_PAGES = 10
PAGE_MESSAGES = 200
EVENT_TYPE = "countersign"
Drawing = TypeVar("Drawing")
Answer = TypeVar("Answer")


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
        msg_too_long too_many_attachments no_text
        metadata_too_large invalid_metadata_format invalid_metadata_schema
        invalid_arguments invalid_arg_name invalid_array_arg invalid_charset invalid_form_data
        invalid_json json_not_object unknown_method method_deprecated deprecated_endpoint
        not_allowed_token_type
        used_url expired_url invalid_url invalid_payload""",
}

_KINDS = {code: kind for kind, codes in _CODES.items() for code in codes.split()}
KNOWN_CODES = frozenset(_KINDS)

_MENDABLE = """not_in_channel is_archived is_inactive restricted_action
    restricted_action_read_only_channel restricted_action_thread_only_channel
    restricted_action_non_threadable_channel restricted_action_thread_locked
    app_access_restricted no_permission missing_scope
    invalid_auth not_authed token_revoked token_expired account_inactive accesslimited
    team_added_to_org org_login_required ekm_access_denied two_factor_setup_required"""

_MENDABLE_CODES = frozenset(_MENDABLE.split())
_NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)

_UNSHOWABLE = frozenset(
    [
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_attachments",
        "unsupported_block_type",
        "msg_blocks_too_long",
        "invalid_arguments",
    ]
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
    def is_not_slack(self) -> bool:
        """Whether something answered that has no Web API, or none there."""
        other = self.code.startswith(("http_2", "http_3", "http_4"))
        return self.code == "unknown_method" or (other and self.code != "http_429")

    @property
    def needs_somebody(self) -> bool:
        """Whether it ends when somebody does something: a new token, a scope, an invitation."""
        return self.code in _MENDABLE_CODES


@dataclass(frozen=True)
class Identity:
    """Who the bot token speaks for; `url`: where people reach their workspace."""

    team_id: str
    bot_user_id: str
    bot_id: str
    url: str = ""


@dataclass(frozen=True)
class MessageRef:
    """Where a message stands."""

    channel: str
    ts: str
    complete: bool = True
    """Whether it has the buttons that were drawn."""


class SlackClient:
    """Slack's Web API on behalf of the worker and of the boot. Raises SlackError alone.

    `asking` repeats what may be said twice. `once` repeats nothing: a lost response would become
    a second message. `answering` is for what is sent once while a person waits.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        token: str,
        base_url: str,
        ask_again_s: float = Timings.ask_again,
    ) -> None:
        self.session, self.token, self.base_url = session, token, base_url
        self.asking = self._client(retrying.freely(ask_again_s))
        self.once = self._client(retrying.never())
        self.answering = self._client(retrying.after_a_moment())
        self._ours: Identity | None = None
        self._updates_from = 0.0

    @classmethod
    @asynccontextmanager
    async def open(
        cls, token: str, base_url: str, ask_again_s: float = Timings.ask_again
    ) -> AsyncIterator[Self]:
        """A gateway with a connection pool of its own, closed with it."""
        timeout = aiohttp.ClientTimeout(total=CALL_S, connect=CONNECT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            yield cls(session, token, base_url, ask_again_s)

    def _client(self, retry_handlers: list[AsyncRetryHandler]) -> AsyncWebClient:
        return AsyncWebClient(
            token=self.token,
            base_url=self.base_url,
            session=self.session,
            retry_handlers=retry_handlers,
        )

    async def auth_test(self) -> Identity:
        answer = await ask_slack(self.asking.auth_test())
        ours = (answer["team_id"], answer["user_id"], answer["bot_id"], answer.get("url") or "")
        self._ours = Identity(*ours)
        return self._ours

    async def app_id(self, bot_id: str) -> str | None:
        """The app behind the bot, where Slack tells."""
        try:
            answer = await ask_slack(self.asking.bots_info(bot=bot_id))
        except SlackError:
            return None
        found = answer["bot"].get("app_id")
        return str(found) if found else None

    async def check_app_token(self, app_token: str) -> None:
        """Refused where the token does not open sockets."""
        await ask_slack(self.asking.apps_connections_open(app_token=app_token))

    async def open_dm(self, slack_user_id: str) -> str:
        """The conversation with one person; where DMs cannot be opened, the person's id serves."""
        try:
            answer = await ask_slack(self.once.conversations_open(users=slack_user_id))
        except SlackError as trouble:
            if trouble.code == "unknown_method":
                return slack_user_id
            raise
        return str(answer["channel"]["id"])

    async def upload(self, name: str, content: bytes) -> str:
        """Bring Slack a file that nobody sees before it is shared; returns its id."""
        place = await ask_slack(
            self.asking.files_getUploadURLExternal(filename=name, length=len(content))
        )
        try:
            async with self.session.post(place["upload_url"], data=content) as answer:
                if answer.status != 200:
                    raise SlackError(f"http_{answer.status}", ErrorKind.TRANSIENT)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SlackError(type(error).__name__, ErrorKind.TRANSIENT, answered=False) from None
        return str(place["file_id"])

    async def post(self, channel: str, key: str, message: SlackMessage) -> MessageRef:
        """Send a message once; `key` is what `find` recognises it by afterwards."""
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"k": key}}

        async def send(payload: dict[str, Any]) -> dict[str, Any]:
            told = {**payload, **UNFURLED, "metadata": metadata}
            return await ask_slack(self.once.chat_postMessage(channel=channel, **told))

        answer, shown = await send_simplified(message, send)
        complete = has_buttons(shown) is has_buttons(message)
        return MessageRef(answer["channel"], answer["ts"], complete)

    async def update(self, channel: str, ts: str, message: SlackMessage) -> None:
        """Draw a message anew; said twice it does no harm. Where Slack shows it only without its
        buttons, it stands so, and that is trouble: the whole is to be tried again.

        Slack allows so many updates a minute in the whole workspace: until the time it named,
        nothing more is asked of it.
        """
        wait_s = self._updates_from - time.monotonic()
        if wait_s > 0:
            raise SlackError("ratelimited", ErrorKind.RATE_LIMITED, wait_s)

        async def send(payload: dict[str, Any]) -> dict[str, Any]:
            return await ask_slack(self.asking.chat_update(channel=channel, ts=ts, **payload))

        try:
            _, shown = await send_simplified(message, send)
        except SlackError as trouble:
            if trouble.kind is ErrorKind.RATE_LIMITED:
                self._updates_from = time.monotonic() + trouble.retry_after_s
            raise
        if has_buttons(shown) is not has_buttons(message):
            raise SlackError("buttons_refused", ErrorKind.TRANSIENT)

    async def find(self, channel: str, key: str, oldest_s: float) -> str | None:
        """The ts of our message with that key, not older than `oldest_s` (epoch seconds)."""
        cursor: str | None = None
        for _ in range(LOOKED_BACK_PAGES):
            page = await ask_slack(
                self.asking.conversations_history(
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
            answer = await ask_slack(self.asking.users_info(user=slack_user_id))
        except SlackError as trouble:
            if trouble.code in ("user_not_found", "user_not_visible"):
                return None
            raise
        user: dict[str, Any] = answer["user"]
        return user


async def ask_slack(call: Awaitable[Any]) -> dict[str, Any]:
    """The answer to a call, or the trouble with it. Neither carries a token."""
    data: dict[str, Any] = (await response_to(call)).data
    return data


async def response_to(call: Awaitable[Any]) -> Any:
    """The same with its head."""
    try:
        return await call
    except SlackApiError as error:
        trouble = judged(error.response)
    except _NOT_CONNECTED as error:
        trouble = SlackError(type(error).__name__, ErrorKind.TRANSIENT, answered=False)
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        trouble = SlackError(type(error).__name__, ErrorKind.UNKNOWN, answered=False)
    SLACK_ERRORS.labels(trouble.code).inc()
    raise trouble


def judged(response: Any) -> SlackError:
    """What the client hands over is its own response, or the bare one of a body it cannot read."""
    status = int(getattr(response, "status_code", None) or getattr(response, "status", 0) or 0)
    data = getattr(response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    turned_away = code or 400 <= status < 500
    kind = _KINDS.get(code or "", ErrorKind.TRANSIENT if turned_away else ErrorKind.UNKNOWN)
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
) -> tuple[dict[str, Any], SlackMessage]:
    """Send the message as drawn; where Slack cannot show its blocks, ever plainer.

    Returns the answer, and the message as it is shown.
    """

    async def send_one(drawn: SlackMessage) -> tuple[dict[str, Any], SlackMessage]:
        return await send(drawn.payload()), drawn

    return await first_shown(message_fallbacks(message), send_one)


async def first_shown(
    drawings: Iterable[Drawing], send: Callable[[Drawing], Awaitable[Answer]]
) -> Answer:
    """The answer to the first of the drawings that Slack shows."""
    plainer = iter(drawings)
    drawing = next(plainer)
    while True:
        try:
            return await send(drawing)
        except SlackError as trouble:
            if trouble.code not in _UNSHOWABLE or (left := next(plainer, None)) is None:
                raise
            log.warning("drawn more plainly", cause=trouble.code)
            drawing = left


def _key(message: dict[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return None
    key = metadata.get("event_payload", {}).get("k")
    return str(key) if key else None
