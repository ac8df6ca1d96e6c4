"""Requests that come more than once, answered once."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from cachetools import TTLCache
from slack_bolt.response import BoltResponse

REMEMBERED_S = 60.0
DOUBLE_CLICK_S = 5.0
MOST_REQUESTS = 10_000


class Repeats:
    """Receipts by a key: the trigger, which is another one for each thing that a person does, or,
    of what a double click would post twice, what the clicks have in common.

    What comes again within `remembered_s` gets the first one's receipt and
    has no other effect: no second answer, no word of what the first has changed. What had no
    receipt because it failed is worked on again. Other processes have their own memory; what
    counts once however often it comes is the database's to see to.
    """

    def __init__(self, remembered_s: float = REMEMBERED_S) -> None:
        self._receipts: TTLCache[str, asyncio.Future[BoltResponse], float] = TTLCache(
            MOST_REQUESTS, remembered_s, monotonic
        )

    async def once(
        self, key: str | None, work: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse:
        """The receipt of `work`, done for the first request with that key; without a key, anew."""
        if not key:
            return await work()
        first = self._receipts.get(key)
        if first is not None:
            return await asyncio.shield(first)
        receipt = asyncio.ensure_future(work())
        self._receipts[key] = receipt
        try:
            return await receipt
        except BaseException:
            self._receipts.pop(key, None)
            raise
