"""What Slack's client asks again by itself, and what it never does."""

from slack_sdk.http_retry import HttpRequest, HttpResponse, RetryState
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)

MOMENT_S = 1


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


def never() -> list[AsyncRetryHandler]:
    """For what is sent once, where somebody else waits for a rate limit: a job."""
    return []


def after_a_moment() -> list[AsyncRetryHandler]:
    """For what is sent once while a person waits: a rate limit says that nothing was done."""
    return [_ShortRateLimit()]


def freely() -> list[AsyncRetryHandler]:
    """For what may be said twice: questions, and a message drawn anew."""
    return [
        AsyncConnectionErrorRetryHandler(max_retry_count=2),
        AsyncServerErrorRetryHandler(max_retry_count=2),
    ]
