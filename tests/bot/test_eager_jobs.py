"""A job that waits for another's lock is begun when that has ended, and not at the next poll."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import procrastinate
import pytest
from procrastinate.worker import Worker

from bot.worker.eager_jobs import EagerJobManager

POLL_S = 600.0
PATIENCE_S = 10.0


@pytest.fixture
async def jobs(database_url: str) -> AsyncIterator[procrastinate.App]:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=database_url))
    app.job_manager = EagerJobManager(app.connector)
    async with app.open_async():
        yield app


@pytest.mark.parametrize("breaks", [False, True])
async def test_whoever_waits_for_a_lock_is_next(jobs: procrastinate.App, breaks: bool) -> None:
    """Whether the one before succeeded, or gives way because it is given up."""
    began, done = list[str](), asyncio.Event()

    @jobs.task(name="first", queue="q")
    async def first() -> None:
        began.append("first")
        await asyncio.sleep(0.2)
        if breaks:
            raise ArithmeticError

    @jobs.task(name="second", queue="q")
    async def second() -> None:
        began.append("second")
        done.set()

    worker = Worker(
        jobs,
        queues=["q"],
        fetch_job_polling_interval=POLL_S,
        install_signal_handlers=False,
        concurrency=2,
    )
    running = asyncio.create_task(worker.run())
    try:
        await first.configure(lock="one").defer_async()
        await second.configure(lock="one").defer_async()
        async with asyncio.timeout(PATIENCE_S):
            await done.wait()
    finally:
        worker.stop()
        with suppress(asyncio.CancelledError):
            await running
    assert began == ["first", "second"]


async def test_a_job_that_ends_while_another_is_looked_for_is_not_missed(
    jobs: procrastinate.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker forgets what it is told while it looks."""

    @jobs.task(name="work", queue="q")
    async def work() -> None: ...

    manager = jobs.job_manager
    await work.configure(lock="one").defer_async()
    await work.configure(lock="one").defer_async()
    worker_id = await manager.register_worker()
    first = await manager.fetch_job(["q"], worker_id)
    assert first is not None
    look = procrastinate.manager.JobManager.fetch_job

    async def slow(self: EagerJobManager, queues: list[str], worker_id: int) -> object:
        found = await look(self, queues, worker_id)
        monkeypatch.undo()
        await manager.finish_job(first, procrastinate.jobs.Status.SUCCEEDED, True)
        return found

    monkeypatch.setattr(procrastinate.manager.JobManager, "fetch_job", slow)
    second = await manager.fetch_job(["q"], worker_id)
    assert second is not None and second.id != first.id
