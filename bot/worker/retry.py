"""When a job that broke is tried again."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import procrastinate
from procrastinate.jobs import Job

from bot.mail.errors import MailError
from bot.slack.client import ErrorKind, SlackError
from bot.timings import Timings
from bot.worker.errors import GivenUp, Interrupted


class RetryPolicy(procrastinate.BaseRetryStrategy):
    """When a job that broke is tried again: at the time Slack names, or ever later, with jitter.

    What was only interrupted goes on at once. No number of attempts ends it: an outage may be
    long, and what is hopeless says so.
    """

    def __init__(self, timings: Timings) -> None:
        self._timings = timings

    def get_retry_decision(
        self, *, exception: BaseException, job: Job
    ) -> procrastinate.RetryDecision | None:
        wait_s = self._wait_s(exception, job)
        if wait_s is None:
            return None
        return procrastinate.RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=wait_s))

    def _wait_s(self, exception: BaseException, job: Job) -> float | None:
        if isinstance(exception, GivenUp):
            return None
        if isinstance(exception, Interrupted | asyncio.CancelledError):
            return 0.0
        longest = self._timings.back_off_longest
        if isinstance(exception, SlackError) and exception.kind is ErrorKind.RATE_LIMITED:
            return exception.retry_after_s + random.random()
        if isinstance(exception, MailError) and exception.retry_after_s is not None:
            return exception.retry_after_s
        if isinstance(exception, SlackError | MailError) and exception.needs_somebody:
            longest = self._timings.back_off_mending
        doubled = self._timings.back_off_first * 2.0 ** min(job.attempts, 30)
        return min(doubled, longest) * random.uniform(0.5, 1)
