"""The one way to wait for what is to come."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

PATIENCE_S = 60.0
"""Whatever is waited for comes in far less, unless it does not come at all."""


async def until(
    holds: Callable[[], Any] | Callable[[], Awaitable[Any]], patience_s: float = PATIENCE_S
) -> Any:
    """What `holds` answers once that is true; whoever waits in vain fails."""
    pause_s = 0.002
    async with asyncio.timeout(patience_s):
        while True:
            answer = holds()
            if isawaitable(answer):
                answer = await answer
            if answer:
                return answer
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, 0.05)
