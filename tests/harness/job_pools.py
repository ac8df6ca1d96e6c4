"""Connections for the jobs of one worker after another: what each opens has to get to know the
jobs' functions first, which takes longer than most tests work with them.
"""

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar, copy_context
from typing import Any, cast
from weakref import WeakSet

from procrastinate import PsycopgConnector
from psycopg_pool import AsyncConnectionPool

from bot.worker.worker import CONNECTIONS, Worker
from models.outbox.jobs import Queue, job_queue

_open: dict[tuple[str, Queue], PsycopgConnector] = {}
_opening = ContextVar("_opening", default=False)
_keepers = WeakSet[asyncio.Task[Any]]()


class WorkerOnLentPools(Worker):
    """The worker, whose connections are there before it and stay after it."""

    async def start(self) -> None:
        for queue, lane in zip(Queue, self._lanes, strict=True):
            await lane.jobs.open_async(await _pool(self._db.url, queue))
        await super().start()


async def _pool(url: str, queue: Queue) -> AsyncConnectionPool:
    if (url, queue) not in _open:
        jobs = cast("PsycopgConnector", job_queue(url, CONNECTIONS[queue]).connector)
        asyncio.get_running_loop().set_task_factory(_begin)
        lasting = copy_context()
        lasting.run(_opening.set, True)
        await asyncio.create_task(jobs.open_async(), context=lasting)
        _open[url, queue] = jobs
    return _open[url, queue].pool


def _begin(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, **options)
    context = options.get("context")
    if context.get(_opening, False) if context else _opening.get():
        _keepers.add(task)
    return task


def is_of_a_pool(task: asyncio.Task[Any]) -> bool:
    """Whether a pool that is lent needs it: a pool's tasks begin others, in their own context."""
    return task in _keepers


async def close_pools(url: str) -> None:
    """Of a database that nobody uses any more."""
    for one in [one for one in _open if one[0] == url]:
        await _open.pop(one).close_async()
