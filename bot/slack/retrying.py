"""What Slack's client asks again by itself, and what it never does."""

import random

from slack_sdk.http_retry import (
    BackoffRetryIntervalCalculator,
    HttpRequest,
    HttpResponse,
    RetryState,
)
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.http_retry.jitter import Jitter

MOMENT_S = 1
TIMES = 2


class _ShortRateLimit(AsyncRateLimitErrorRetryHandler):
    """Sits out a rate limit of a moment, which whoever waits for an answer has."""

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is None or response.status_code != 429:
            return False
        told = {name.lower(): "".join(values) for name, values in response.headers.items()}
        wait_s = told.get("retry-after", "")
        return wait_s.isdecimal() and int(wait_s) <= MOMENT_S


class _UpTo(Jitter):
    """Adds up to so many seconds."""

    def __init__(self, most_s: float) -> None:
        self._most_s = most_s

    def recalculate(self, duration: float) -> float:
        return duration + random.random() * self._most_s


def never() -> list[AsyncRetryHandler]:
    """For what is sent once, where somebody else waits for a rate limit: a job."""
    return []


def after_a_moment() -> list[AsyncRetryHandler]:
    """For what is sent once while a person waits: a rate limit says that nothing was done."""
    return [_ShortRateLimit()]


def freely(after_s: float) -> list[AsyncRetryHandler]:
    """For what may be said twice: questions, and a message drawn anew.

    `after_s`: before the first time, and twice that before the second; by chance up to twice that
    is added.
    """
    pauses = BackoffRetryIntervalCalculator(after_s, _UpTo(2 * after_s))
    return [
        AsyncConnectionErrorRetryHandler(TIMES, pauses),
        AsyncServerErrorRetryHandler(TIMES, pauses),
    ]
