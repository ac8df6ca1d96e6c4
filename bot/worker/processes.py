"""Processes beside ours, for work that holds the interpreter so long that everything else waits."""

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

import structlog
from pebble import ProcessExpired, ProcessPool

from bot.worker.end_with import end_with

log = structlog.get_logger()
Result = TypeVar("Result")
Args = ParamSpec("Args")

MOST = 4
CALLS_EACH = 500
"""Then a process gives way to a new one, so that none grows for ever."""
TIMEOUT_S = 60.0
ATTEMPTS = 2


class ProcessLost(Exception):
    """What was to be done ended its process, or came to no end, each time: which of the two."""


class Processes:
    """Calls functions in processes of their own, one call at a time in each.

    They are started when they are first needed, and end with ours, however that ends. One that
    dies takes its own call with it, which is made once more.
    """

    def __init__(
        self, most: int | None = None, calls_each: int = CALLS_EACH, timeout_s: float = TIMEOUT_S
    ) -> None:
        """`most` at once, by default as many as there are processors, and no more than four."""
        self._most = most or min(os.cpu_count() or 1, MOST)
        self._calls_each = calls_each
        self._timeout_s = timeout_s
        self._running: ProcessPool | None = None

    async def call(
        self, function: Callable[Args, Result], *args: Args.args, **named: Args.kwargs
    ) -> Result:
        """What `function` returns or raises, which a module has to have by its name.

        Raises ProcessLost.
        """
        for _ in range(ATTEMPTS):
            try:
                pool = await self._pool()
                call = pool.schedule(function, args, named, self._timeout_s)
                return await asyncio.wrap_future(call)
            except TimeoutError:
                lost = ProcessLost(f"it took longer than {self._timeout_s:g} s")
            except (ProcessExpired, BrokenProcessPool):
                lost = ProcessLost("it ended its process")
            log.warning("process lost", function=function.__name__, cause=str(lost))
        raise lost

    async def stop(self) -> None:
        """Whatever is still at work is called off."""
        pool, self._running = self._running, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]
            await asyncio.to_thread(pool.join)

    async def _pool(self) -> ProcessPool:
        """One that lost a process between two calls takes no more of them."""
        if self._running is not None and not self._running.active:
            await self.stop()
        if self._running is None:
            self._running = ProcessPool(
                self._most,
                self._calls_each,
                initializer=end_with,
                initargs=(os.getpid(),),
                context=multiprocessing.get_context("spawn"),
            )
        return self._running
