"""Requests that Slack brings more than once, answered once."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from cachetools import TTLCache
from slack_bolt.response import BoltResponse

REMEMBERED_S = 60.0
MOST_REQUESTS = 10_000


class Repeats:
    """Receipts by trigger, which is another one for each thing that a person does.

    What comes again while it is worked on, or within a minute, gets the first one's receipt and
    has no other effect: no second answer, no word of what the first has changed. What had no
    receipt because it failed is worked on again. Other processes have their own memory; what
    counts once however often it comes is the database's to see to.
    """

    def __init__(self) -> None:
        self._receipts: TTLCache[str, asyncio.Future[BoltResponse], float] = TTLCache(
            MOST_REQUESTS, REMEMBERED_S, monotonic
        )

    async def once(
        self, trigger_id: str | None, work: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse:
        """The receipt of `work`, done for the first of the requests with that trigger."""
        if not trigger_id:
            return await work()
        first = self._receipts.get(trigger_id)
        if first is not None:
            return await asyncio.shield(first)
        receipt = asyncio.ensure_future(work())
        self._receipts[trigger_id] = receipt
        try:
            return await receipt
        except BaseException:
            self._receipts.pop(trigger_id, None)
            raise
