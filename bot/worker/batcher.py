"""What many jobs ask for at the same moment, asked for once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

MOST_AT_ONCE = 50
NEXT_ONE_S = 0.05
"""In a crowd the next one asks within this time."""

LONGEST_S = 0.5

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class _Alone(Exception):
    """A batch failed, which may be the fault of any one in it."""


class Batcher(Generic[Asked, Answer]):
    """Serves those who ask together, one batch at a time.

    One that asks alone is served at once, and whoever asks meanwhile makes up the next batch. Only
    a crowd waits for more, for as long as they keep coming. An answer is of a batch that was begun
    after its question.
    """

    def __init__(self, serve: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer]]]) -> None:
        """`serve` answers each question, in the order of the questions."""
        self._serve = serve
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._serving: asyncio.Task[None] | None = None
        self._crowd = False

    async def ask(self, asked: Asked) -> Answer:
        """The answer. Where a batch fails, each of it asks again, and gets an error of its own."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve_all(), name="batcher")
        try:
            return await answer
        except _Alone:
            (alone,) = await self._serve([asked])
            return alone

    async def _serve_all(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                self._crowd = len(batch) > 1
                await self._serve_batch(batch)
        finally:
            self._serving = None

    async def _gather(self) -> None:
        """Let come along whoever is about to ask: jobs are fetched one after the other."""
        await asyncio.sleep(0)
        began, seen = time.monotonic(), 0
        crowd = self._crowd or len(self._waiting) > 1
        while crowd and seen < len(self._waiting) < MOST_AT_ONCE:
            if time.monotonic() - began > LONGEST_S:
                return
            seen = len(self._waiting)
            await asyncio.sleep(NEXT_ONE_S)

    async def _serve_batch(self, batch: list[tuple[Asked, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._serve([asked for asked, _ in batch])
        except Exception as error:
            failure = error if len(batch) == 1 else _Alone()
            for _, future in batch:
                if not future.done():
                    future.set_exception(failure)
            return
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
