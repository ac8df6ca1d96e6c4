"""Slack's rate limits: so many calls a minute for each method, one message a second a channel."""

import math
from collections.abc import Callable
from dataclasses import dataclass

PER_MINUTE = {"t1": 1, "t2": 20, "t3": 50, "t4": 100, "special": 300, "post": 300}
CHANNEL_BURST = 5
CHANNEL_PER_S = 1.0


@dataclass
class Bucket:
    """Holds up to `capacity` calls and regains `per_s` of them each second."""

    capacity: float
    per_s: float
    filled: float
    level: float

    def take(self, now: float) -> float:
        """Takes one call; 0.0 if it was there, else the seconds until it will be."""
        self.level = min(self.capacity, self.level + max(0.0, now - self.filled) * self.per_s)
        self.filled = now
        if self.level >= 1:
            self.level -= 1
            return 0.0
        return (1 - self.level) / self.per_s


class Rates:
    """The buckets of one app in one workspace."""

    def __init__(self, clock: Callable[[], float], *, enforced: bool = True) -> None:
        self.enforced = enforced
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def wait_s(self, method: str, tier: str, channel: str = "") -> int:
        """0 when the call may go ahead, else the whole seconds of its `Retry-After`."""
        if not self.enforced:
            return 0
        limit = PER_MINUTE[tier]
        wait = self._take(method, limit, limit / 60)
        if tier == "post" and not wait:
            wait = self._take(f"{method} {channel}", CHANNEL_BURST, CHANNEL_PER_S)
        return math.ceil(wait)

    def clear(self) -> None:
        self._buckets.clear()

    def _take(self, key: str, capacity: float, per_s: float) -> float:
        now = self._clock()
        bucket = self._buckets.setdefault(key, Bucket(capacity, per_s, now, capacity))
        return bucket.take(now)
